/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_STALL_H
#define WIRECUT_JUDGE_STALL_H

#include "harness/data/observation.h"

/*
 * A machine that stalls makes things late: the programs' own doings, and what the harness notes of
 * them. An expectation that fails by no more than that has shown nothing: it is inconclusive.
 */

struct stall {
	/*
	 * By how much what was observed may have been made late: the worst lag of the forwarder, which
	 * a packet meets once; of init, which stamps the rest; twice that of the canary, an ordinary
	 * process like the programs, as what is judged waits for two of them at most, one at either
	 * end; and what the two apps that had to wait longest for a processor waited.
	 */
	nsec_t late;
	/* By how much a late stamp may have shortened an interval that begins with it: only ours. */
	nsec_t early;
	/*
	 * How long a packet or an ordinary process was held up in one piece: what was spread over so much
	 * time may have come at its end, all at once.
	 */
	nsec_t held;
};

/* What stalls there were until `t`; of the apps' waits, those of the last `span`. */
struct stall stall_until(const struct plan *plan, const struct observations *obs, nsec_t t,
			 nsec_t span);

/* How long before the moment that decided an expectation looks. */
nsec_t stall_span(const struct plan_expect *e);

/* The expectation with its bounds in time moved by so much. */
struct plan_expect stall_relax(const struct plan_expect *e, const struct stall *stall);

/*
 * The same with a `during` that ends later in place of one that begins later: what is to come in that
 * time may have come behind it, as what is not to come may have slipped into its beginning.
 */
struct plan_expect stall_extend(const struct plan_expect *e, const struct stall *stall);

/*
 * Whether a bound that was moved lies beyond the end of the run: what had not come by the end may
 * yet have come in time. Without a bound in time the end is the bound, give or take a second.
 */
bool stall_outlasts(const struct plan *plan, const struct plan_expect *relaxed,
		    const struct stall *stall);

/* An expectation, with a moment that it names moved to one end of a stall that hides it. */
struct stall_reading {
	struct plan_expect expect;
	nsec_t stall; /* how long it was */
};

/*
 * The i-th way to read the expectation where such a stall hides a moment that it names (at, by,
 * during): with that moment before the stall, or behind it. False: there are no more.
 */
bool stall_read(const struct plan *plan, const struct observations *obs,
		const struct plan_expect *e, size_t i, struct stall_reading *ret);

/*
 * How long init stood still over the end of the run; 0: it saw the end. What happened meanwhile was
 * seen too late to count, so that nothing is known of it, not even that it did not happen. Up to
 * 200 ms are taken for none: so late is a stall recorded that was over before the end.
 */
nsec_t stall_over_end(const struct plan *plan, const struct observations *obs);

#endif
