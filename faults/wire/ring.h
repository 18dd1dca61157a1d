/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_RING_H
#define WIRECUT_WIRE_RING_H

#include "faults/wire/slots.h"

/*
 * The frames of all interfaces of a network namespace: received through AF_PACKET rings that the
 * kernel shares with us, sent in batches.
 */
struct ring;

struct ring_config {
	unsigned n_interfaces; /* that frames come from: the ring grows with them */
	/*
	 * Their senders leave segmentation and checksums to the hardware: frames have up to 64 KiB,
	 * and each is received and sent with a virtio_net_hdr that says what is still to be done.
	 */
	bool gso;
	/* What passes of all that comes in and goes out (not with `gso`); NULL: all that comes in. */
	const struct sock_fprog *filter;
	unsigned
		n_slots; /* so many for frames of the usual size, at least RING_SLOTS_MIN; 0: enough */
};

struct ring_frame {
	struct slot_frame slot;
	nsec_t t; /* when the kernel received it, CLOCK_MONOTONIC */
};

/* The largest frame of a sender that segments by itself. */
#define RING_FRAME_MAX 1952

#define RING_SLOTS_MIN 32

/* Receives from now on all that enters the current network namespace. NULL and *err on failure. */
struct ring *ring_open(const struct ring_config *config, struct err *err);
void ring_close(struct ring *r);

/* Readable (EPOLLIN) when frames are there: one descriptor, or with `gso` two. The n-th, or -1. */
int ring_fd(const struct ring *r, int n);

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

/*
 * Queues a frame for an interface; the bytes stay the caller's until ring_flush(). `offload` (with
 * `gso` only) is copied; NULL: the frame is complete.
 */
void ring_send(struct ring *r, int ifindex, const void *bytes, size_t len,
	       const struct virtio_net_hdr *offload);
void ring_flush(struct ring *r);

/*
 * There may be something for ring_take_losses(): a frame could not be sent, one that was taken was
 * stamped "losing", or the ring has been nearly full. Until that is asked for.
 */
bool ring_may_have_lost(const struct ring *r);

/* How many frames the ring had no place for, or could not be sent, since the last call. */
uint64_t ring_take_losses(struct ring *r);

#endif
