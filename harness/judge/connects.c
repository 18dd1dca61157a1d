/* SPDX-License-Identifier: MIT */
#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"
#include "harness/judge/unclaimed.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only connections to this service"),
	FIELD(expect_spec, within, "within", FIELD_DURATION, 0,
	      "at most this long after the instance started (or t = 0, if later)"),
	FIELD(expect_spec, at_least, "at-least", FIELD_COUNT, 0,
	      "completed handshakes of each instance in the whole run; default 1"),
	FIELD(expect_spec, at_most, "at-most", FIELD_COUNT, 0,
	      "0: it must never connect, though it tries"),
	{0},
};

/*
 * Counted are handshakes that the instance itself began. An instance that never tried shows nothing
 * of "must never connect"; one that runs and does not try has failed to connect.
 */
struct subject {
	int app;
	enum verdict verdict;
	nsec_t time;       /* from its start to its first handshake; NSEC_NEVER: there was none */
	int first;         /* the connection of that handshake; -1: none */
	int64_t tried;     /* attempts */
	int64_t completed; /* handshakes */
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	bool never = spec->at_most != COUNT_UNSET;

	if (never && spec->at_most != 0)
		return flaw_set(flaw, "at-most",
				"at-most can only be 0 here: the app must never connect",
				"to bound a number of connections, expect `sockets`");
	if (never && (spec->within != NSEC_UNSET || spec->at_least != COUNT_UNSET))
		return flaw_set(flaw, "at-most", "at-most: 0 contradicts within and at-least",
				"an app that must never connect needs at-most: 0 alone");
	if (spec->at_least != COUNT_UNSET && spec->at_least < 1)
		return flaw_set(flaw, "at-least", "at-least must be 1 or more",
				"an app that must never connect needs at-most: 0");
	return true;
}

static nsec_t deadline(const struct plan *plan, const struct plan_expect *e)
{
	return deadline_after_start(plan, e, e->spec.within);
}

static int64_t wanted(const struct plan_expect *e)
{
	return e->spec.at_least == COUNT_UNSET ? 1 : e->spec.at_least;
}

/* It has no handshake, and its time for the first is not up when the scenario ends. */
static bool is_cut_off(const struct model *m, const struct plan_expect *e, const struct subject *s)
{
	nsec_t start = nsec_later(0, m->apps[s->app].lives.v[0].start);

	return !s->completed && bound_is_cut_off(m->plan, &e->spec, start);
}

static enum verdict weigh(const struct model *m, const struct plan_expect *e,
			  const struct subject *s)
{
	if (!m->apps[s->app].lives.n)
		return VERDICT_VOID;
	if (e->spec.at_most != COUNT_UNSET) {
		if (s->completed)
			return VERDICT_FAIL;
		return s->tried ? VERDICT_PASS : VERDICT_VOID;
	}
	if (s->completed < wanted(e))
		return is_cut_off(m, e, s) ? VERDICT_VOID : VERDICT_FAIL;
	bool late = e->spec.within != NSEC_UNSET && s->time > e->spec.within;
	return late ? VERDICT_FAIL : VERDICT_PASS;
}

static struct subject look_at(const struct model *m, const struct plan_expect *e, int app)
{
	const struct model_app *own = &m->apps[app];
	struct subject s = {.app = app, .time = NSEC_NEVER, .first = -1};
	nsec_t first = NSEC_NEVER;

	vec_foreach (attempt, &own->attempts)
		s.tried += model_is_peer(m, e, attempt->service);
	vec_foreach (i, &own->opened) {
		const struct model_connection *c = &m->connections.v[*i];

		if (!model_is_peer(m, e, c->service) || c->established == NSEC_NEVER)
			continue;
		s.completed++;
		if (c->established < first) {
			first = c->established;
			s.first = *i;
		}
	}
	if (first != NSEC_NEVER && own->lives.n)
		s.time = nsec_later(0, first - nsec_later(0, own->lives.v[0].start));
	s.verdict = weigh(m, e, &s);
	return s;
}

/* How far it is from what is asked, so that the worst can be told among equal verdicts. */
static bool is_worse(const struct subject *x, const struct subject *y)
{
	if (x->verdict != y->verdict)
		return x->verdict > y->verdict;
	return x->time > y->time;
}

static char *say_bound(const struct plan_expect *e, struct arena *a)
{
	if (e->spec.at_most != COUNT_UNSET)
		return arena_strdup(a, "no handshake");
	char *least = say_count(wanted(e), "handshake", a);
	if (e->spec.within == NSEC_UNSET)
		return arena_printf(a, "at least %s", least);
	return arena_printf(a, "at least %s, the first within %s of its start", least,
			    say_duration(e->spec.within, a));
}

static char *say_observed(const struct subject *s, const struct plan_expect *e,
			  const struct unclaimed *u, struct arena *a)
{
	bool short_of = s->completed && s->completed < wanted(e);
	char *tried = say_count(s->tried, "attempt", a);

	if (e->spec.at_most != COUNT_UNSET || short_of)
		return arena_printf(a, "%s of %s", say_count(s->completed, "handshake", a), tried);
	if (s->completed)
		return say_seconds_against(s->time, e->spec.within, a);
	if (s->tried)
		return arena_printf(a, "never, in %s", tried);
	if (u->attempts)
		return arena_printf(a, "never; %s from its host may have been its",
				    say_count(u->attempts, "attempt", a));
	return arena_strdup(a, "never tried to connect");
}

static void report(const struct model *m, const struct plan_expect *e, const struct subject *s,
		   const struct unclaimed *u, struct arena *a, struct expect_result *ret)
{
	ret->verdict = s->verdict;
	ret->subject = m->plan->apps.v[s->app].name;
	if (s->verdict == VERDICT_VOID) {
		const char *why = "never tried to connect";

		if (!m->apps[s->app].lives.n)
			why = "never started";
		else if (e->spec.at_most == COUNT_UNSET)
			why = "the scenario ends before the bound: make it longer";
		ret->observed = arena_strdup(a, why);
		return;
	}
	ret->observed = say_observed(s, e, u, a);
	ret->pending = e->spec.at_most == COUNT_UNSET && s->completed < wanted(e);
	if (e->spec.at_most != COUNT_UNSET || s->completed < wanted(e)) {
		ret->value = (double)s->completed;
		ret->unit = "handshakes";
	} else if (s->time != NSEC_NEVER) {
		ret->value = to_seconds(s->time);
		ret->unit = "s";
	}
	if (s->first < 0)
		return;
	const struct model_connection *c = &m->connections.v[s->first];
	ret->subject = model_connection_text(m, c, OPENER, a);
	ret->evidence =
		arena_printf(a, "handshake completed at %s", say_seconds(c->established, a));
	ret->t = c->established;
}

/* What nobody knows the program of, and may be the app's, could change it. */
static bool is_uncertain(const struct model *m, const struct plan_expect *e,
			 const struct subject *s, const struct unclaimed *u)
{
	if (e->spec.at_most == COUNT_UNSET)
		return u->established && s->verdict != VERDICT_PASS;
	if (s->verdict == VERDICT_VOID)
		return u->attempts && m->apps[s->app].lives.n;
	return u->established && s->verdict != VERDICT_FAIL;
}

static void judge_connects(const struct model *m, const struct plan_expect *e, struct arena *a,
			   struct expect_result *ret)
{
	struct subject worst = {.app = -1};
	struct unclaimed unclaimed = unclaimed_find(m, e, -NSEC_NEVER);

	result_begin(ret, say_bound(e, a));
	for (size_t i = 0; i < e->apps.n; i++) {
		struct subject s = look_at(m, e, (int)e->apps.v[i]);

		if (worst.app < 0 || is_worse(&s, &worst))
			worst = s;
	}
	if (worst.app < 0)
		result_void(ret, e->spec.app, arena_strdup(a, "there is no such instance"));
	else if (is_uncertain(m, e, &worst, &unclaimed))
		unclaimed_void(m, e, &unclaimed, a, ret);
	else
		report(m, e, &worst, &unclaimed, a, ret);
}

const struct expect_ops expect_connects = {
	.name = "connects",
	.doc = "each instance of an app completes a handshake, so long after its start",
	.fields = fields,
	.needs_peer = true,
	.check = check,
	.deadline = deadline,
	.judge = judge_connects,
};
