/* SPDX-License-Identifier: MIT */
#include "harness/judge/say.h"

#include <inttypes.h>
#include <math.h>

char *say_seconds(nsec_t t, struct arena *a)
{
	/* printf(3) would write -0.000. */
	bool none = t < 0 && t > -NSEC_PER_MSEC / 2;

	return arena_printf(a, "%.3f s", none ? 0 : to_seconds(t));
}

char *say_seconds_against(nsec_t t, nsec_t bound, struct arena *a)
{
	bool too_close = bound != NSEC_UNSET && t != bound && t - bound < NSEC_PER_MSEC &&
			 bound - t < NSEC_PER_MSEC;

	return too_close ? arena_printf(a, "%.9f s", to_seconds(t)) : say_seconds(t, a);
}

char *say_duration(nsec_t length, struct arena *a)
{
	if (length && length < NSEC_PER_SEC && length > -NSEC_PER_SEC)
		return arena_printf(a, "%.9gms", (double)length / (double)NSEC_PER_MSEC);
	return arena_printf(a, "%.9gs", to_seconds(length));
}

char *say_count(int64_t n, const char *noun, struct arena *a)
{
	return arena_printf(a, "%" PRId64 " %s%s", n, noun, n == 1 ? "" : "s");
}

double to_seconds(nsec_t t)
{
	return (double)t / (double)NSEC_PER_SEC;
}

void result_begin(struct expect_result *r, char *bound)
{
	r->verdict = VERDICT_PASS;
	r->bound = bound;
	r->value = NAN;
	r->t = NSEC_UNSET;
}

void result_void(struct expect_result *r, const char *subject, char *why)
{
	r->verdict = VERDICT_VOID;
	r->subject = (char *)subject;
	r->observed = why;
}

void result_in_doubt(struct expect_result *r, nsec_t least, nsec_t most, nsec_t bound,
		     struct arena *a)
{
	r->verdict = VERDICT_INCONCLUSIVE;
	r->observed = arena_printf(
		a, "between %s and %s, as polls show, and the bound %s is in there: choose another",
		say_seconds_against(least, bound, a), say_seconds_against(most, bound, a),
		say_duration(bound, a));
}

/* When the step that starts the instance is planned; 0 if it starts by itself. */
static nsec_t planned_start(const struct plan *plan, int64_t app)
{
	if (!plan->apps.v[app].manual)
		return 0;
	vec_foreach (s, &plan->steps)
		for (size_t i = 0; s->step == STEP_START && i < s->apps.n; i++)
			if (s->apps.v[i] == app && s->edges.n)
				return s->edges.v[0].on;
	return 0;
}

nsec_t deadline_after_start(const struct plan *plan, const struct plan_expect *e, nsec_t length)
{
	nsec_t last = 0;

	if (length == NSEC_UNSET)
		return NSEC_UNSET;
	for (size_t i = 0; i < e->apps.n; i++) {
		nsec_t start = planned_start(plan, e->apps.v[i]);

		last = start > last ? start : last;
	}
	return last + length;
}

nsec_t deadline_after_on(const struct plan *plan, const struct plan_expect *e, nsec_t length)
{
	if (e->step < 0 || !plan->steps.v[e->step].edges.n)
		return NSEC_UNSET;
	const struct plan_step *s = &plan->steps.v[e->step];
	return s->edges.v[s->edges.n - 1].on + length;
}

nsec_t deadline_after_off(const struct plan *plan, const struct plan_expect *e, nsec_t length)
{
	if (e->step < 0 || !plan->steps.v[e->step].edges.n)
		return NSEC_UNSET;
	const struct plan_step *s = &plan->steps.v[e->step];
	nsec_t off = s->edges.v[s->edges.n - 1].off;
	return off == NSEC_NEVER ? NSEC_UNSET : off + length;
}
