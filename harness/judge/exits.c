/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <signal.h>
#include <string.h>

#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"
#include "harness/judge/tolerance.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it"),
	FIELD(expect_spec, status, "status", FIELD_COUNT, 0,
	      "with this exit status; default 0, unless a signal is asked for"),
	FIELD(expect_spec, signal, "signal", FIELD_STRING, 0,
	      "or ended by this signal: SEGV, PIPE, ..."),
	FIELD(expect_spec, within, "within", FIELD_DURATION, 0,
	      "at most this long after it was started"),
	FIELD(expect_spec, not_before, "not-before", FIELD_DURATION, 0,
	      "no sooner than this after it was started"),
	{0},
};

/*
 * Judged is each process of an instance that ended by itself: there must be one, and each must have
 * ended as asked. What the harness stopped did not end by itself.
 */
struct subject {
	int app;
	enum verdict verdict;
	const struct model_life *life; /* NULL: it never started */
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	if (spec->status != COUNT_UNSET && spec->signal)
		return flaw_set(flaw, "signal", "status and signal exclude each other",
				"a process ends with a status or by a signal");
	if (spec->status != COUNT_UNSET && (spec->status < 0 || spec->status > UINT8_MAX))
		return flaw_set(flaw, "status", "status must be from 0 to 255",
				"see exit(3); for a signal write signal: SEGV");
	if (spec->signal && !signal_number(spec->signal))
		return flaw_set(flaw, "signal", "there is no such signal",
				"a name as in signal(7): TERM, KILL, SEGV, PIPE, ABRT");
	if (spec->not_before != NSEC_UNSET && spec->within != NSEC_UNSET &&
	    spec->not_before > spec->within)
		return flaw_set(flaw, "not-before", "not-before is later than within",
				"nothing can end no sooner than not-before and within the bound");
	return true;
}

static nsec_t deadline(const struct plan *plan, const struct plan_expect *e)
{
	return deadline_after_start(plan, e, e->spec.within);
}

static bool ended_as_asked(const struct expect_spec *spec, const struct model_life *l)
{
	int64_t status = spec->status == COUNT_UNSET ? 0 : spec->status;

	if (spec->signal)
		return l->signal == signal_number(spec->signal);
	return !l->signal && l->status == status;
}

/* It runs on, and its time is not up when the scenario ends: that shows nothing. */
static bool is_cut_off(const struct model *m, const struct expect_spec *spec,
		       const struct model_life *l)
{
	return l->exit == NSEC_NEVER && bound_is_cut_off(m->plan, spec, l->start);
}

static bool in_time(const struct expect_spec *spec, const struct model_life *l)
{
	nsec_t took = l->exit - l->start;

	return (spec->within == NSEC_UNSET || took <= spec->within) &&
	       (spec->not_before == NSEC_UNSET || took >= spec->not_before - TOLERANCE_PACKET);
}

static struct subject look_at(const struct model *m, const struct plan_expect *e, int app)
{
	const struct model_app *own = &m->apps[app];
	struct subject s = {.app = app, .verdict = VERDICT_VOID};

	if (!own->lives.n)
		return s;
	s.verdict = VERDICT_FAIL;
	s.life = &own->lives.v[own->lives.n - 1];
	vec_foreach (life, &own->lives) {
		if (life->exit == NSEC_NEVER || life->by_harness)
			continue;
		s.life = life;
		if (!ended_as_asked(&e->spec, life) || !in_time(&e->spec, life)) {
			s.verdict = VERDICT_FAIL;
			return s;
		}
		s.verdict = VERDICT_PASS;
	}
	if (s.verdict == VERDICT_FAIL && is_cut_off(m, &e->spec, s.life))
		s.verdict = VERDICT_VOID;
	return s;
}

/* Among equal verdicts the one that took longest; one that never ended is the worst. */
static bool is_worse(const struct subject *x, const struct subject *y)
{
	if (x->verdict != y->verdict)
		return x->verdict > y->verdict;
	return x->life && y->life &&
	       x->life->exit - x->life->start > y->life->exit - y->life->start;
}

static char *say_how(int status, int signal, struct arena *a)
{
	const char *name = signal ? sigabbrev_np(signal) : NULL;

	if (name)
		return arena_printf(a, "signal %s", name);
	return signal ? arena_printf(a, "signal %d", signal) : arena_printf(a, "status %d", status);
}

static char *say_asked(const struct expect_spec *spec, struct arena *a)
{
	int64_t status = spec->status == COUNT_UNSET ? 0 : spec->status;

	return spec->signal ? arena_printf(a, "signal %s", spec->signal)
			    : arena_printf(a, "status %" PRId64, status);
}

static char *say_bound(const struct expect_spec *spec, struct arena *a)
{
	char *bound = say_asked(spec, a);

	if (spec->within != NSEC_UNSET)
		bound = arena_printf(a, "%s within %s of its start", bound,
				     say_duration(spec->within, a));
	if (spec->not_before != NSEC_UNSET)
		bound = arena_printf(a, "%s, not before %s (tolerance %s)", bound,
				     say_duration(spec->not_before, a),
				     say_duration(TOLERANCE_PACKET, a));
	return bound;
}

static void report(const struct model *m, const struct plan_expect *e, const struct subject *s,
		   struct arena *a, struct expect_result *ret)
{
	const struct model_life *life = s->life;

	ret->verdict = s->verdict;
	ret->subject = m->plan->apps.v[s->app].name;
	if (!life) {
		ret->observed = arena_strdup(a, "never started");
		return;
	}
	if (life->exit == NSEC_NEVER || life->by_harness) {
		ret->observed = arena_strdup(a, life->by_harness ? "stopped by the harness"
								 : "still running at the end");
		if (s->verdict == VERDICT_VOID)
			ret->observed = arena_printf(
				a, "%s, which comes before the bound: make the scenario longer",
				ret->observed);
		ret->t = life->by_harness ? life->exit : m->plan->duration;
		ret->pending = !life->by_harness;
		return;
	}
	char *how = say_how(life->status, life->signal, a);
	char *took = say_seconds_against(life->exit - life->start, e->spec.within, a);
	ret->observed = arena_printf(a, "%s after %s", how, took);
	ret->value = to_seconds(life->exit - life->start);
	ret->unit = "s";
	ret->otherwise = !ended_as_asked(&e->spec, life);
	ret->evidence = ended_as_asked(&e->spec, life)
				? arena_printf(a, "ended at %s", say_seconds(life->exit, a))
				: arena_printf(a, "ended with %s, not %s, at %s", how,
					       say_asked(&e->spec, a), say_seconds(life->exit, a));
	ret->t = life->exit;
}

static void judge_exits(const struct model *m, const struct plan_expect *e, struct arena *a,
			struct expect_result *ret)
{
	struct subject worst = {.app = -1};

	result_begin(ret, say_bound(&e->spec, a));
	for (size_t i = 0; i < e->apps.n; i++) {
		struct subject s = look_at(m, e, (int)e->apps.v[i]);

		if (worst.app < 0 || is_worse(&s, &worst))
			worst = s;
	}
	if (worst.app < 0)
		result_void(ret, e->spec.app, arena_strdup(a, "there is no such instance"));
	else
		report(m, e, &worst, a, ret);
}

const struct expect_ops expect_exits = {
	.name = "exits",
	.doc = "an app ends by itself",
	.fields = fields,
	.needs_peer = false,
	.check = check,
	.deadline = deadline,
	.judge = judge_exits,
};
