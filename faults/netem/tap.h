/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_TAP_H
#define WIRECUT_NETEM_TAP_H

#include "faults/netem/params.h"
#include "faults/wire/sinks.h"

/*
 * The link engine netem without the kernel: it tells what each qdisc is to do, and of the frames that
 * are seen before and behind them what became of each. It has no sockets and no clock. Theory in tap.c.
 *
 * All times are of one clock (CLOCK_MONOTONIC when it is for real). `now` is what that clock shows at
 * the moment of the call.
 */
struct tap;

/* Where a frame is seen. */
enum tap_point {
	TAP_LEFT,    /* it has left its sender */
	TAP_ENTERED, /* it is through the switch, on the cable of a receiver */
	TAP_ARRIVED, /* it goes to that receiver */
};

/* Where the tap's output goes. None may call the tap back. */
struct tap_sinks {
	struct wire_sinks wire; /* .emit: a frame of a fault's own goes to a host, past the qdisc */
	void *ctx;              /* of the two below */
	/* From the next commit on this is what the direction's qdisc does. */
	void (*set)(void *ctx, int host, enum direction direction,
		    const struct netem_params *params, uint64_t seed);
	/* Makes it so; gives the time from which it is so for certain. */
	nsec_t (*commit)(void *ctx);
};

/* The plan must outlive it. NULL and *err if it cannot be made. */
struct tap *tap_new(const struct plan *plan, const struct tap_sinks *sinks, struct err *err);
void tap_free(struct tap *t);

/* Some fault of the plan is ever on there: it needs a qdisc. */
bool tap_has_faults(const struct tap *t, int host, enum direction direction);

/* The scenario's t = 0 is (or was) at t0: the edges of the plan count from there. Called once. */
void tap_start(struct tap *t, nsec_t t0);

/*
 * A frame was seen at a point of the cable of `host`, at time `at`. A frame is seen at its points in
 * their order. `original_len` is what it was on the cable.
 */
void tap_input(struct tap *t, enum tap_point point, int host, const uint8_t *bytes, size_t len,
	       size_t original_len, nsec_t at);

/* When the next edge is due; NSEC_NEVER: none is. */
nsec_t tap_next(const struct tap *t);

/* Applies the edges that are due by `now`. All frames that were seen by then must have been given. */
void tap_advance(struct tap *t, nsec_t now);

/* What was emitted was sent: frees the frames that were kept for it. */
void tap_recycle(struct tap *t);

/* Writes the receipts of the faults that are on and all records that are pending. Called once. */
void tap_end(struct tap *t, nsec_t now);

#endif
