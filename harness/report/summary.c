/* SPDX-License-Identifier: MIT */
#include "harness/report/report.h"
#include "harness/report/slug.h"

/* A control counts among the errors and failures of the run when it did not do its work. */
static void add_control(struct suite_summary *s, const struct scenario_result *r)
{
	if (r->verdict != VERDICT_SKIP)
		s->controls++;
	switch (r->verdict) {
	case VERDICT_PASS:
		s->controls_killed++;
		s->controls_flaky += r->attempts > 1;
		break;
	case VERDICT_FAIL:
		s->failed++;
		s->controls_survived++;
		break;
	case VERDICT_INCONCLUSIVE:
		s->inconclusive++;
		s->controls_inconclusive++;
		break;
	case VERDICT_ERROR:
	case VERDICT_VOID:
		s->errors++;
		s->controls_in_error++;
		break;
	case VERDICT_SKIP:
		break;
	}
}

static void note_slug(struct suite_summary *s, const struct scenario_result *r)
{
	bool passed = r->verdict == VERDICT_PASS, skipped = r->verdict == VERDICT_SKIP;
	char *slug = slug_of_scenario(r->plan->slug, r->plan->control, s->arena);

	if (r->plan->control && passed)
		*vec_push(s->arena, &s->killed) = slug;
	else if (!r->plan->control && !passed && !skipped)
		*vec_push(s->arena, &s->not_passed) = slug;
}

size_t summary_unproven(const struct suite_summary *s)
{
	size_t n = 0;

	vec_foreach (killed, &s->killed)
		vec_foreach (scenario, &s->not_passed)
			n += !strcmp(*killed, *scenario);
	return n;
}

char *summary_controls(const struct suite_summary *s, struct arena *a)
{
	size_t unproven = summary_unproven(s);
	char *text;

	if (!s->controls)
		return NULL;
	text = arena_printf(a, "%zu of %zu controls killed", s->controls_killed, s->controls);
	if (unproven)
		text = arena_printf(a, "%s (%zu beside a scenario that did not pass: no proof)",
				    text, unproven);
	if (s->controls_flaky)
		text = arena_printf(a, "%s, %zu flaky", text, s->controls_flaky);
	if (s->controls_survived)
		text = arena_printf(a, "%s, %zu survived", text, s->controls_survived);
	if (s->controls_inconclusive)
		text = arena_printf(a, "%s, %zu inconclusive", text, s->controls_inconclusive);
	if (s->controls_in_error)
		text = arena_printf(a, "%s, %zu in error", text, s->controls_in_error);
	return text;
}

/* A run in a guest that did not come to one has no kernel. */
static void note_kernel(struct suite_summary *s, const struct scenario_result *r)
{
	if (r->verdict == VERDICT_SKIP)
		return;
	s->on_host_kernel |= r->plan->clock != CLOCK_VIRTUAL;
	if (!r->kernel)
		return;
	vec_foreach (kernel, &s->guest_kernels)
		if (!strcmp(*kernel, r->kernel))
			return;
	*vec_push(s->arena, &s->guest_kernels) = arena_strdup(s->arena, r->kernel);
}

char *summary_kernels(const struct suite_summary *s, const struct suite_info *info, struct arena *a)
{
	bool host = s->on_host_kernel || !s->guest_kernels.n;
	char *text = host ? arena_strdup(a, info->kernel) : NULL;

	vec_foreach (kernel, &s->guest_kernels)
		text = arena_printf(a, "%s%s%s", text ? text : "", text ? ", " : "", *kernel);
	return text;
}

void summary_add(struct suite_summary *s, const struct scenario_result *r)
{
	note_slug(s, r);
	note_kernel(s, r);
	s->scenario_time += r->duration;
	if (r->plan->control) {
		add_control(s, r);
		return;
	}
	s->scenarios++;
	switch (r->verdict) {
	case VERDICT_PASS:
		s->passed++;
		s->flaky += r->attempts > 1;
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
