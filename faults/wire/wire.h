/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_WIRE_H
#define WIRECUT_WIRE_WIRE_H

#include "faults/wire/sinks.h"

/*
 * The engine: cables, their faults, and the switch between them. It has no sockets and no clock:
 * frames and times go in, and what comes out goes to the sinks. Theory in wire.c.
 *
 * All times are of one clock (CLOCK_MONOTONIC when it is for real). `now` is what that clock shows
 * at the moment of the call: only receipts tell it.
 */
struct wire;

/* The plan must outlive it. NULL and *err if the plan's addresses cannot be read. */
struct wire *wire_new(const struct plan *plan, const struct wire_sinks *sinks, struct err *err);
void wire_free(struct wire *w);

/* The scenario's t = 0 is (or was) at t0: the edges of the plan count from there. Called once. */
void wire_start(struct wire *w, nsec_t t0);

/*
 * A frame left `host` at time t, at most a little earlier than the one before (then it counts as
 * simultaneous). What is due by t is done first.
 */
void wire_input(struct wire *w, int host, const struct cable_frame *f, nsec_t t, nsec_t now);

/* When the next thing is due; NSEC_NEVER: nothing is, until the next input. */
nsec_t wire_next(const struct wire *w);

/* Does what is due by `now`. All inputs with earlier times must have been given. */
void wire_advance(struct wire *w, nsec_t now);

/* What was emitted was sent: frees the frames that were kept for it. */
void wire_recycle(struct wire *w);

/* Writes the receipts of the faults that are on and all records that are pending. Called once. */
void wire_end(struct wire *w, nsec_t now);

#endif
