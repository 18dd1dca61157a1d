/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_SLOTS_H
#define WIRECUT_WIRE_SLOTS_H

#include <linux/filter.h>
#include <linux/virtio_net.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/base/nsec.h"

/*
 * One AF_PACKET receive ring (TPACKET_V2): an array of slots in memory that is shared with the
 * kernel. Theory in slots.c.
 */
struct slots_config {
	unsigned
		slot_bytes; /* a multiple of TPACKET_ALIGNMENT; a frame needs SLOT_HEADER_MAX more */
	unsigned block_slots; /* allocated together; a block is whole pages */
	unsigned n_slots;     /* a multiple of block_slots */
	bool offloads;        /* each frame is with its virtio_net_hdr (PACKET_VNET_HDR) */
	/* Only frames of more than `above` bytes and at most `at_most` enter it; 0: no such limit. */
	unsigned above, at_most;
	/* In place of these: what passes, of what goes out too; NULL: what goes out is ignored. */
	const struct sock_fprog *filter;
};

/* What the kernel puts in front of a frame, and a virtio_net_hdr where one is asked for. */
#define SLOT_HEADER_MAX 96u

struct slots {
	int fd; /* readable when frames are there */
	struct slots_config config;
	uint8_t *map;
	unsigned next; /* the slot that is looked at */
	unsigned held; /* the first slot that is not given back */
};

struct slot_frame {
	const uint8_t *bytes; /* good until slots_release() */
	size_t len;
	size_t original_len; /* larger than `len`: the frame did not fit */
	int ifindex;
	nsec_t t_real;                 /* when the kernel received it, CLOCK_REALTIME */
	bool outgoing;                 /* the interface sends it, instead of receiving it */
	bool no_checksum;              /* its sender left the checksum to the hardware */
	bool others_lost;              /* the ring had no place for another one before it */
	struct virtio_net_hdr offload; /* all zero without config.offloads */
};

/*
 * Receives nothing before slots_bind(). -1 and *err on failure; slots_close() then, too. Zero-initialise
 * all but fd, which is -1.
 */
int slots_open(struct slots *s, const struct slots_config *config, struct err *err);
void slots_close(struct slots *s);

/* Receives from now on what enters the current network namespace, of all interfaces. */
int slots_bind(struct slots *s, struct err *err);

/* The next frame that was received, if there is one; it is not taken yet. */
bool slots_peek(const struct slots *s, struct slot_frame *ret);

/* Takes the frame that slots_peek() gave. */
void slots_take(struct slots *s);

/* Gives the places of all frames that were taken back to the kernel. */
void slots_release(struct slots *s);

/* How many frames there was no place for, since the last call. */
uint64_t slots_take_losses(struct slots *s);

#endif
