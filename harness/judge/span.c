/* SPDX-License-Identifier: MIT */
#include "harness/judge/span.h"

#include "harness/judge/say.h"

static nsec_t origin(const struct expect_spec *spec, const struct model_edge *edge)
{
	return spec->fault ? edge->on : edge->off;
}

static struct span span_from(const struct model *m, const struct expect_spec *spec, nsec_t from,
			     nsec_t next)
{
	struct span s = {.w = {from, m->plan->duration},
			 .cut_off = bound_is_cut_off(m->plan, spec, from)};

	if (spec->within != NSEC_UNSET)
		s.w.to = nsec_earlier(from + spec->within, m->plan->duration);
	if (next != NSEC_NEVER && next <= s.w.to) {
		s.cut_off = false;
		s.w.to = next - 1;
	}
	return s;
}

struct spans spans_of(const struct model *m, const struct plan_expect *e, struct arena *a)
{
	struct spans spans = {0};

	if (e->spec.during.n || e->step < 0) {
		struct span *s = vec_push(a, &spans.list);

		*s = span_from(m, &e->spec, 0, NSEC_NEVER);
		if (e->spec.during.n)
			s->w = bound_window(m->plan, &e->spec);
		return spans;
	}
	const struct model_step *step = &m->steps[e->step];
	for (size_t i = 0; i < step->edges.n; i++) {
		nsec_t from = origin(&e->spec, &step->edges.v[i]);
		bool is_last = i + 1 == step->edges.n;
		nsec_t next = is_last ? NSEC_NEVER : step->edges.v[i + 1].on;

		if (from != NSEC_NEVER)
			*vec_push(a, &spans.list) = span_from(m, &e->spec, from, next);
	}
	return spans;
}

bool span_check(const struct expect_spec *spec, struct flaw *flaw)
{
	if (spec->fault && spec->after)
		return flaw_set(
			flaw, "after", "fault and after exclude each other",
			"fault: counts from where the step begins, after: from where it ends");
	if (spec->during.n && (spec->fault || spec->after || spec->within != NSEC_UNSET))
		return flaw_set(flaw, "during", "during excludes fault, after and within",
				"during: [2s, 12s] says from when to when already");
	return true;
}

nsec_t span_deadline(const struct plan *plan, const struct plan_expect *e)
{
	if (e->spec.during.n)
		return bound_deadline(plan, e);
	if (e->spec.within == NSEC_UNSET)
		return NSEC_UNSET;
	if (e->spec.fault)
		return deadline_after_on(plan, e, e->spec.within);
	if (e->spec.after)
		return deadline_after_off(plan, e, e->spec.within);
	return e->spec.within;
}

char *say_span(const struct expect_spec *spec, struct arena *a)
{
	char *within = spec->within == NSEC_UNSET
			       ? NULL
			       : arena_printf(a, "within %s ", say_duration(spec->within, a));

	if (spec->during.n)
		return say_when(spec, a);
	if (spec->fault)
		return arena_printf(a, "%s%s", within ? arena_printf(a, "%sof ", within) : "from ",
				    spec->fault);
	if (spec->after)
		return arena_printf(a, "%safter %s", within ? within : "", spec->after);
	return within ? arena_printf(a, "%sof t = 0", within) : arena_strdup(a, "from t = 0 on");
}

void span_void(const struct plan_expect *e, struct arena *a, struct expect_result *ret)
{
	const char *step = e->spec.fault ? e->spec.fault : e->spec.after;
	const char *subject = e->spec.app ? e->spec.app : e->spec.host;

	result_void(ret, subject,
		    arena_printf(a, "'%s' never %s", step, e->spec.fault ? "began" : "ended"));
}
