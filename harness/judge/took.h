/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_TOOK_H
#define WIRECUT_JUDGE_TOOK_H

#include "harness/data/verdict.h"

/*
 * How long each of several things took, which `within` and `not-before` bound. What only polls show ended
 * between two of them: the length is known to lie in [least, most] then, and where a bound lies in there too
 * nothing is decided. It fails what surely breaks a bound, and passes what surely keeps both.
 */
struct took {
	nsec_t least, most; /* NSEC_NEVER: it did not end; both the same: it is exact */
	const void *of;     /* the caller's own */
};

struct tooks {
	size_t n;
	struct took slowest, fastest;               /* as they may have been */
	struct took surely_slowest, surely_fastest; /* as they were at least, and at most */
};

void tooks_add(struct tooks *t, const struct took *took);

/*
 * Sets the verdict (pass, fail, or inconclusive where a bound is in doubt), what was observed, the value
 * and its unit, by the one that decided, and returns it. There must be one. One without an end decides,
 * and what was observed is left to the caller.
 */
const struct took *tooks_judge(const struct tooks *t, const struct expect_spec *spec,
			       struct arena *a, struct expect_result *ret);

#endif
