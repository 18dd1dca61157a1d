/* SPDX-License-Identifier: MIT */
#include "harness/report/report.h"

/* A control counts among the errors and failures of the run when it did not do its work. */
static void add_control(struct suite_summary *s, const struct scenario_result *r)
{
	if (r->verdict != VERDICT_SKIP)
		s->controls++;
	if (r->verdict == VERDICT_PASS)
		s->controls_killed++;
	else if (r->verdict == VERDICT_FAIL)
		s->failed++;
	else if (r->verdict == VERDICT_INCONCLUSIVE)
		s->inconclusive++;
	else if (r->verdict == VERDICT_ERROR || r->verdict == VERDICT_VOID)
		s->errors++;
}

void summary_add(struct suite_summary *s, const struct scenario_result *r)
{
	s->scenario_time += r->duration;
	s->flaky += r->attempts > 1 && r->verdict == VERDICT_PASS;
	if (r->plan->control) {
		add_control(s, r);
		return;
	}
	s->scenarios++;
	switch (r->verdict) {
	case VERDICT_PASS:
		s->passed++;
		break;
	case VERDICT_VOID:
		s->voids++;
		break;
	case VERDICT_FAIL:
		s->failed++;
		break;
	case VERDICT_INCONCLUSIVE:
		s->inconclusive++;
		break;
	case VERDICT_ERROR:
		s->errors++;
		break;
	case VERDICT_SKIP:
		s->skipped++;
		break;
	}
}

int summary_exit_code(const struct suite_summary *s, bool strict)
{
	if (s->errors || s->inconclusive)
		return 3;
	if (s->failed || s->voids)
		return 1;
	if (s->skipped && (strict || (!s->passed && !s->controls_killed)))
		return 5;
	return 0;
}
