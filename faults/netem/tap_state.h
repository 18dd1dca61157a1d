/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_TAP_STATE_H
#define WIRECUT_NETEM_TAP_STATE_H

#include "faults/netem/flights.h"
#include "faults/netem/tap.h"
#include "faults/wire/edges.h"
#include "faults/wire/injector.h"
#include "faults/wire/tally.h"

/* What the parts of the tap share: tap.c (the theory, and the frames), tap_edges.c, tap_account.c. */

/* A window of a fault, beside what chain.h knows of it. */
struct tap_window {
	uint32_t undecided; /* flights whose fate is open */
	bool closed;        /* and its receipt is not written */
	nsec_t asked, off;
};

struct tap_fault {
	struct tap_window *windows;
	nsec_t lifted; /* frames that were seen by then met it still; NSEC_UNSET: never on yet */
};

/* One direction of one cable. */
struct half {
	struct netem_params params; /* of its qdisc, as last told */
	struct rng rng;             /* its seeds */
	uint32_t n_queued;          /* flights that may be in the qdisc */
	bool is_touched;            /* by the edges that are being applied */
};

/* The one that took the cable down last, and when. */
struct downed {
	struct running_fault *by;
	size_t window;
	nsec_t at;
};

/* A forged frame that was emitted and not recycled yet. */
struct spent {
	struct spent *next;
	uint8_t bytes[];
};

struct tap {
	const struct plan *plan;
	struct tap_sinks sinks;
	nsec_t now; /* the time of what is being done: never goes back */

	struct cables cables;
	struct schedule schedule;
	struct tap_fault *faults; /* of each of cables.faults */
	struct half (*halves)[2]; /* per host and leg */
	struct downed *downed;    /* per host */
	const struct edge **due;  /* those that are being applied */
	size_t n_closed;          /* windows whose receipt waits */
	struct flights flights;
	struct flows *flows;
	struct trace trace;
	struct tally tally;
	struct spent *spent;
};

static inline struct chain *tap_chain(const struct tap *t, int host, enum leg leg)
{
	struct cable *c = &t->cables.v[host];

	return leg == LEG_FROM_HOST ? &c->from_host : &c->to_host;
}

static inline struct tap_fault *tap_fault_of(const struct tap *t, const struct running_fault *f)
{
	return &t->faults[f - t->cables.faults];
}

static inline struct tap_window *tap_window_of(const struct tap *t, const struct flight_fault *on)
{
	return &tap_fault_of(t, on->link->fault)->windows[on->window];
}

/* tap.c */
/* Decides the flights that are too late for anything else. */
void tap_expire(struct tap *t, nsec_t now);
struct injector tap_injector(struct tap *t, struct running_fault *f, nsec_t at);

/* tap_account.c: what becomes of a flight, counted and noted */
/* It met the faults up to this one, or all: what one of them drops is not shown to those behind it. */
void account_matched(const struct flight *f, const struct flight_fault *last);
/* It has come out for the first time. */
void account_passage(struct tap *t, const struct flight *f, nsec_t at);
/* Once more. */
void account_double(struct tap *t, const struct flight *f);
/* With another bit in the byte at this offset. */
void account_corruption(struct tap *t, struct flight *f, size_t offset);
/* Never. */
void account_loss(struct tap *t, struct flight *f);
/* Writes the receipts of the windows that closed before, and of which no flight is open. */
void tap_write_receipts(struct tap *t, nsec_t until);

#endif
