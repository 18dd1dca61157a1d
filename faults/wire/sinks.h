/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_SINKS_H
#define WIRECUT_WIRE_SINKS_H

#include <linux/virtio_net.h>

#include "harness/data/observation.h"

/* One packet for the capture file. */
struct capture {
	nsec_t t;              /* when it left its sender; same clock as the engine's inputs */
	int host;              /* plan index of that sender: the interface it is shown on */
	const uint8_t *bytes;  /* the frame, cut to `len` */
	uint32_t len;          /* at most CAPTURE_SNAPLEN */
	uint32_t original_len; /* what it was on the cable */
	const char *comment;   /* what was done to it and why; NULL: nothing was */
};

/* Ethernet, IPv6 with an extension header, TCP with all its options, and a little data. */
#define CAPTURE_SNAPLEN 160

/* A frame on a cable. */
struct cable_frame {
	const uint8_t *bytes;
	size_t len;
	size_t original_len; /* larger than `len` only where its end was not seen */
	/*
	 * What its sender has left to do: to finish its checksum, to cut it into segments. It goes with
	 * the frame; all zero: nothing.
	 */
	struct virtio_net_hdr offload;
};

/* Where the engine's output goes. All callbacks are required; none may call the engine back. */
struct wire_sinks {
	void *ctx;
	/*
	 * A frame leaves for a host, now. The bytes stay where they are until the next
	 * wire_recycle(), and as long as the input they came from: they may be sent in batches.
	 */
	void (*emit)(void *ctx, int host, const struct cable_frame *f);
	void (*record)(void *ctx, const struct observation *o);
	void (*capture)(void *ctx, const struct capture *c);
	/* The carrier of a host's cable goes, or comes back. */
	void (*carrier)(void *ctx, int host, bool up);
};

#endif
