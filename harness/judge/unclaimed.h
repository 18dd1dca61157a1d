/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_UNCLAIMED_H
#define WIRECUT_JUDGE_UNCLAIMED_H

#include "harness/data/verdict.h"
#include "harness/judge/model.h"

/*
 * Connections that an expectation's app may have begun, or another on its host: their owner was not
 * seen, and more than one may be (model_owners.c). What counts all attempts of an app is void beside
 * them.
 */
struct unclaimed {
	int64_t attempts;
	int64_t established; /* of these */
	int64_t unanswered;  /* neither established nor refused */
	int first;           /* the first of them: index into model.connections */
};

/*
 * Those to the expectation's `peer` from the hosts of its apps, with the first SYN at `from` or later
 * (-NSEC_NEVER: all).
 */
struct unclaimed unclaimed_find(const struct model *m, const struct plan_expect *e, nsec_t from);

/* Makes the result void, for there were these. */
void unclaimed_void(const struct model *m, const struct plan_expect *e, const struct unclaimed *u,
		    struct arena *a, struct expect_result *ret);

#endif
