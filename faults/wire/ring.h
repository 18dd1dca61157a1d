/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_RING_H
#define WIRECUT_WIRE_RING_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"
#include "harness/base/nsec.h"

/*
 * The frames of all interfaces of a network namespace: received through one AF_PACKET ring that the
 * kernel shares with us (packet(7), Documentation/networking/packet_mmap.rst), sent in batches.
 */
struct ring;
struct sock_fprog;

struct ring_frame {
	const uint8_t *bytes; /* good until ring_release() */
	size_t len;
	size_t original_len; /* larger than `len`: the frame did not fit */
	int ifindex;
	nsec_t t;         /* when the kernel received it, CLOCK_MONOTONIC */
	bool no_checksum; /* its sender left the checksum to the hardware */
	bool outgoing;    /* the interface sends it, instead of receiving it */
};

/* The largest frame that fits: a slot of 2048 bytes less 66 of the kernel's own header (ring.c). */
#define RING_FRAME_MAX 1982

/*
 * Receives from now on all that enters the current network namespace. With a filter (`struct
 * sock_fprog` of linux/filter.h) it receives what that lets pass, and what leaves too. NULL and *err
 * on failure.
 */
struct ring *ring_open(const struct sock_fprog *filter, struct err *err);
void ring_close(struct ring *r);

/* Readable (EPOLLIN) when frames are there. */
int ring_fd(const struct ring *r);

/*
 * Frames are stamped with CLOCK_REALTIME, and what that is in CLOCK_MONOTONIC is measured by this
 * call: make it each time before frames are read. Gives by how much CLOCK_REALTIME was set since
 * the last call, 0 if at most a millisecond.
 */
nsec_t ring_sync_clock(struct ring *r);

/* The next frame that was received, if there is one; it is not taken yet. */
bool ring_peek(struct ring *r, struct ring_frame *ret);

/* Takes the frame that ring_peek() gave. */
void ring_take(struct ring *r);

/* Gives the places of all frames that were taken back to the kernel. Send first what points there. */
void ring_release(struct ring *r);

/* Queues a frame for an interface; the bytes stay the caller's until ring_flush(). */
void ring_send(struct ring *r, int ifindex, const void *bytes, size_t len);
void ring_flush(struct ring *r);

/* How many frames the ring had no place for, or could not be sent, since the last call. */
uint64_t ring_take_losses(struct ring *r);

#endif
