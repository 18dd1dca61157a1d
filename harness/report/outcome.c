/* SPDX-License-Identifier: MIT */
/* A result in the words that reports for machines share. */
#include "harness/report/reporter.h"

#include "harness/report/clean.h"

enum outcome result_outcome(const struct scenario_result *r)
{
	switch (r->verdict) {
	case VERDICT_PASS:
		return OUTCOME_PASSED;
	case VERDICT_FAIL:
		return OUTCOME_FAILED;
	case VERDICT_VOID:
		return r->plan->control ? OUTCOME_ERROR : OUTCOME_FAILED;
	case VERDICT_SKIP:
		return OUTCOME_SKIPPED;
	default:
		return OUTCOME_ERROR;
	}
}

static const char *or_dash(const char *s)
{
	return s ? s : "-";
}

char *explain_expect(const struct expect_result *e, struct arena *a)
{
	char *text =
		arena_printf(a, "%s %s: expected %s, observed %s", e->expect->label,
			     e->subject ? e->subject : "", or_dash(e->bound), or_dash(e->observed));

	if (e->evidence)
		text = arena_printf(a, "%s (%s)", text, e->evidence);
	return clean_line(text, a);
}

char *explain_reason(const struct scenario_result *r, struct arena *a)
{
	return clean_line(r->reason ? r->reason : verdict_names[r->verdict], a);
}

struct pos result_pos(const struct scenario_result *r)
{
	const struct plan *plan = r->plan;

	for (size_t i = 0; i < plan->must_fail.n; i++) {
		const struct pos *pos = &plan->expects.v[plan->must_fail.v[i]].spec.pos;

		if (pos->file && pos->line)
			return *pos;
	}
	return (struct pos){.file = plan->file, .line = 1, .column = 1, .width = 1};
}
