/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_PARAMS_H
#define WIRECUT_NETEM_PARAMS_H

#include <stdbool.h>

#include "harness/data/spec.h"

/*
 * The chances, fractions, that a packet brings a change from one state to another: 1, good; 2, within a
 * burst of losses, but it passes; 3, lost in a burst; 4, lost alone (loss_4state() of
 * net/sched/sch_netem.c). What leaves a state adds up to 1 at most.
 */
struct netem_state_model {
	double p13, p31, p32, p23, p14;
};

/* What a line carries beside the bytes of a packet. */
struct netem_overhead {
	int64_t packet_bytes;   /* for each packet; below 0: so much less */
	int64_t cell_bytes;     /* 0: no cells; a packet's last cell is filled up */
	int64_t per_cell_bytes; /* for each cell; below 0: so much less */
};

/*
 * What is due leaves only when a slot begins, and slots begin a while after one another: between `min`
 * and `max`, or, with a jitter, around `mean` by a law. All zero: there are none.
 */
struct netem_slots {
	nsec_t min, max;
	nsec_t mean, jitter;
	enum delay_distribution distribution; /* of the jitter */
	int64_t packets, bytes;               /* of one slot, at most; 0: any number */
};

/*
 * What the faults that are on want of netem in one direction of one cable: the parameters of its
 * qdisc, in our units. All zero: every packet passes at once. Pure.
 *
 * A fault of the same name is not always the same in netem as it is in the engine `wire`. What would
 * give another verdict, or another share of packets than the scenario says, is refused with a reason:
 * then the scenario needs wire.
 *
 * No fault asks for the model of four states, ECN, an overhead, slots or netem's correlations, for a
 * scenario means the same on both engines; who speaks in tc's words may.
 */
struct netem_params {
	bool block;    /* nothing passes, whatever else is here */
	bool bursts;   /* losses by the model of Gilbert and Elliott, all its members set */
	bool by_state; /* losses by the model of four states, all its members set */
	bool ecn;      /* what would be lost is marked instead, where it takes ECN */
	double loss;   /* each packet by itself: a fraction */
	struct gemodel_spec gemodel;
	struct netem_state_model state_model;
	double duplicate, corrupt; /* fractions */
	nsec_t latency, jitter;
	enum delay_distribution distribution; /* of the jitter */
	bool limit_is_asked;                  /* by the scenario, instead of being a default */
	double reorder;                       /* a fraction that skips the latency */
	int64_t gap;                          /* 0: no reordering */
	int64_t bytes_per_s;                  /* 0: no rate */
	struct netem_overhead overhead;       /* of the rate */
	struct netem_slots slots;
	int64_t limit; /* packets in the queue; 0: NETEM_LIMIT */
	/* netem's own correlations, fractions. They do not do what they say (faults/README.md). */
	struct netem_correlations {
		double delay, loss, duplicate, corrupt, reorder;
	} correlation;
};

/*
 * How many packets may be in the qdisc where no limit is asked for: five seconds of a Gbit/s of full
 * frames at once. What is delayed lies there, and must not be lost.
 */
#define NETEM_LIMIT 500000

/*
 * The kernel keeps a jitter in 31 bits of nanoseconds, and is told one that is half as much again
 * where the law has a long tail (attributes.h): 1.431 s.
 */
#define NETEM_JITTER_MAX (INT32_MAX / 3 * 2)

/*
 * Of slots from `min` to `max`: kernels of before 2026 (51e94e1e2fef) multiply it by 32 random bits, in 63,
 * and get times in the past where it is more.
 */
#define NETEM_SLOT_SPAN_SOUND INT32_MAX

/*
 * Adds what a fault on cables wants. NULL: it did. Else why netem cannot, a static string that goes
 * on after "needs the link engine wire: ".
 */
const char *netem_add(struct netem_params *p, const struct fault_spec *spec);

/* It has a model of losses. */
bool netem_loses(const struct netem_params *p);

/* Why netem cannot do all that was added at the same time; NULL: it can. */
const char *netem_conflict(const struct netem_params *p);

/*
 * The longest that a packet can stay in the qdisc, if it comes out at all; at most a day, whatever
 * the parameters. Of what faults ask for only.
 */
nsec_t netem_longest(const struct netem_params *p);

/* For the kinds of faults: why a `match` is too much for netem; NULL: there is none. */
const char *netem_refuses_match(const struct fault_spec *spec);
/* The same of a correlation. */
const char *netem_refuses_correlation(const struct fault_spec *spec);

#endif
