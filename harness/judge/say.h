/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_SAY_H
#define WIRECUT_JUDGE_SAY_H

#include "harness/data/verdict.h"

/* What the expectations have in common: the words of a result, and the deadlines. */

/* An observed time in seconds, rounded to the millisecond: "3.012 s". */
char *say_seconds(nsec_t t, struct arena *a);

/* The same beside a bound, or NSEC_UNSET: in full where rounding would hide that they differ. */
char *say_seconds_against(nsec_t t, nsec_t bound, struct arena *a);

/* A length as a scenario's author writes it: "4s", "250ms". */
char *say_duration(nsec_t length, struct arena *a);

/* "1 socket", "2 sockets". */
char *say_count(int64_t n, const char *noun, struct arena *a);

double to_seconds(nsec_t t);

/* Makes the result a pass without a value that must hold `bound`; what it says is filled later. */
void result_begin(struct expect_result *r, char *bound);

/* The subject was not observed, and why. Returns nothing more to do. */
void result_void(struct expect_result *r, const char *subject, char *why);

/*
 * What polls show to have taken between `least` and `most` is bounded by something in between: nothing is
 * decided by that.
 */
void result_in_doubt(struct expect_result *r, nsec_t least, nsec_t most, nsec_t bound,
		     struct arena *a);

/* When the last of the apps is planned to start (0 if by itself), plus the length. */
nsec_t deadline_after_start(const struct plan *plan, const struct plan_expect *e, nsec_t length);

/* The last on-edge, or off-edge, of the expectation's step, plus the length. */
nsec_t deadline_after_on(const struct plan *plan, const struct plan_expect *e, nsec_t length);
nsec_t deadline_after_off(const struct plan *plan, const struct plan_expect *e, nsec_t length);

#endif
