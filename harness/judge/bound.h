/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_BOUND_H
#define WIRECUT_JUDGE_BOUND_H

#include "harness/data/observation.h"

/*
 * What the expectations that bound a number have in common: how much it may be (at-least, at-most)
 * and when (at, by, during). One rule for all of them:
 *
 *	at: T              the number at that moment
 *	by: T              from that moment until the end, whatever happens
 *	during: [T1, T2]   from the one moment to the other
 *
 * T is a time since t = 0 or "end"; `at: end` and `by: end` are the same.
 */
#define FIELDS_HOW_MANY                                                                            \
	FIELD(expect_spec, at_most, "at-most", FIELD_COUNT, 0, "no more than this"),               \
		FIELD(expect_spec, at_least, "at-least", FIELD_COUNT, 0, "no fewer than this")
#define FIELD_DURING                                                                               \
	FIELD(expect_spec, during, "during", FIELD_STRINGS, 0,                                     \
	      "[from, to]: between these two times since t = 0; the second may be \"end\"")
#define FIELDS_WHEN                                                                                \
	FIELD(expect_spec, at, "at", FIELD_STRING, 0,                                              \
	      "\"end\", or the time since t = 0 at which it must hold"),                           \
		FIELD(expect_spec, by, "by", FIELD_STRING, 0,                                      \
		      "\"end\", or the time since t = 0 from which it must hold until the end"),   \
		FIELD_DURING

/* From `from` to `to`, both included; a moment if they are the same. */
struct window {
	nsec_t from, to;
};

/*
 * As `check` of struct expect_ops. The first: one of at-least and at-most is given, and they do not
 * contradict each other. The second: exactly one of at, by and during is given.
 */
bool bound_check_how_many(const struct expect_spec *spec, struct flaw *flaw);
bool bound_check_when(const struct expect_spec *spec, struct flaw *flaw);

/* When it must hold, cut to the plan's duration; the whole run from t = 0 if nothing is given. */
struct window bound_window(const struct plan *plan, const struct expect_spec *spec);

/* That window ends with the run: what comes after it could still change what was found at its end. */
bool bound_lasts_to_the_end(const struct plan *plan, const struct expect_spec *spec);

/*
 * `within`, counted from that moment, is not over when the run ends: that something has not come by then
 * shows nothing. Without a `within` nothing is cut off.
 */
bool bound_is_cut_off(const struct plan *plan, const struct expect_spec *spec, nsec_t from);

/* As `deadline` of struct expect_ops: the latest time that at, by or during names. */
nsec_t bound_deadline(const struct plan *plan, const struct plan_expect *e);

bool bound_is_broken(const struct expect_spec *spec, int64_t n);

/* How far a number is from breaking the bound, or beyond it: the larger the worse. */
int64_t bound_badness(const struct expect_spec *spec, int64_t n);

/* "at most 3", "at least 1 and at most 3". */
char *say_how_many(const struct expect_spec *spec, struct arena *a);

/* "at the end", "from 5s on", "from 2s to 12s", "from t = 0 on". */
char *say_when(const struct expect_spec *spec, struct arena *a);

/*
 * A number that changes at moments: from each step's time on it has its value. The steps stand in
 * the order of their times; of several at one time the last counts.
 */
struct level_step {
	nsec_t t;
	int64_t value;
	bool unknown; /* from here on nobody knows it */
	int witness;  /* what shows it, for evidence: the caller's own index; -1: nothing */
};
struct level {
	VEC(struct level_step) steps;
};

/*
 * The step whose value is the worst that held in the window, where it was known at all; NULL: it was
 * not. Of equals the first.
 */
const struct level_step *level_worst(const struct level *level, struct window w,
				     const struct expect_spec *spec);

/* The step that holds at t; NULL: the number is not known then. */
const struct level_step *level_at(const struct level *level, nsec_t t);

/*
 * Of a number that only grows: the step that decides, as level_worst() finds it; with `during` the last
 * one of the window, with what was added in the window for its value. False: it was not known then.
 */
bool level_growth(const struct level *level, const struct plan *plan,
		  const struct expect_spec *spec, struct level_step *ret);

#endif
