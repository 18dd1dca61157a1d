/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_PARAMS_H
#define WIRECUT_NETEM_PARAMS_H

#include <stdbool.h>

#include "harness/data/spec.h"

/*
 * What the faults that are on want of netem in one direction of one cable: the parameters of its
 * qdisc, in our units. All zero: every packet passes at once. Pure.
 *
 * A fault of the same name is not always the same in netem as it is in the engine `wire`. What would
 * give another verdict, or another share of packets than the scenario says, is refused with a reason:
 * then the scenario needs wire.
 */
struct netem_params {
	bool block;  /* nothing passes, whatever else is here */
	double loss; /* each packet by itself: a fraction */
	bool bursts; /* losses by the model of Gilbert and Elliott, all its members set */
	struct gemodel_spec gemodel;
	double duplicate, corrupt; /* fractions */
	nsec_t latency, jitter;
	enum delay_distribution distribution; /* of the jitter */
	double reorder;                       /* a fraction that skips the latency */
	int64_t gap;                          /* 0: no reordering */
	int64_t bytes_per_s;                  /* 0: no rate */
	int64_t limit;                        /* packets in the queue; 0: NETEM_LIMIT */
	bool limit_is_asked;                  /* by the scenario, instead of being a default */
	/*
	 * netem's own correlations, fractions. No fault asks for one, for they do not do what they
	 * say (faults/README.md); who speaks in tc's words may.
	 */
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
 * Adds what a fault on cables wants. NULL: it did. Else why netem cannot, a static string that goes
 * on after "needs the link engine wire: ".
 */
const char *netem_add(struct netem_params *p, const struct fault_spec *spec);

/* Why netem cannot do all that was added at the same time; NULL: it can. */
const char *netem_conflict(const struct netem_params *p);

/*
 * The longest that a packet can stay in the qdisc, if it comes out at all; at most a day, whatever
 * the parameters.
 */
nsec_t netem_longest(const struct netem_params *p);

/* For the kinds of faults: why a `match` is too much for netem; NULL: there is none. */
const char *netem_refuses_match(const struct fault_spec *spec);
/* The same of a correlation. */
const char *netem_refuses_correlation(const struct fault_spec *spec);

#endif
