/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_SPAN_H
#define WIRECUT_JUDGE_SPAN_H

#include "harness/data/verdict.h"
#include "harness/judge/bound.h"
#include "harness/judge/model.h"

/*
 * The spans of time over which something is expected: one, or one for each edge of a step that came.
 * `fault` counts from the step's on-edge, `after` from its off-edge (which of a step that happens at
 * once is the same), neither from t = 0. A span ends with `within`, else with the scenario, and with
 * the step's next edge if that comes first; or `during` says both.
 */
#define FIELD_FAULT_OR_T0                                                                          \
	FIELD(expect_spec, fault, "fault", FIELD_STRING, 0,                                        \
	      "a timeline step's id, or its kind: counted from its on-edge, not from t = 0")
#define FIELD_AFTER_OR_T0                                                                          \
	FIELD(expect_spec, after, "after", FIELD_STRING, 0,                                        \
	      "a timeline step's id, or its kind: counted from its off-edge, not from t = 0")

struct span {
	struct window w;
	bool cut_off; /* the scenario ended before `within` did */
};
struct spans {
	VEC(struct span) list;
};

/* Of a step whose edge never came: none. They live in `a`. */
struct spans spans_of(const struct model *m, const struct plan_expect *e, struct arena *a);

/* As `check` of struct expect_ops: fault, after and during do not contradict each other. */
bool span_check(const struct expect_spec *spec, struct flaw *flaw);

/* As `deadline` of struct expect_ops: the end of the last span, where `within` or during say it. */
nsec_t span_deadline(const struct plan *plan, const struct plan_expect *e);

/* "within 4s of cut", "within 4s after cut", "after cut", "from 2s to 12s". */
char *say_span(const struct expect_spec *spec, struct arena *a);

/* Void, because the step's edge never came. */
void span_void(const struct plan_expect *e, struct arena *a, struct expect_result *ret);

#endif
