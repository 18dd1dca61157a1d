/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"
#include "harness/judge/took.h"
#include "harness/judge/unclaimed.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only attempts at this service"),
	FIELD(expect_spec, within, "within", FIELD_DURATION, FIELD_REQUIRED,
	      "the longest attempt, from its first SYN to the end of its socket or to an answer"),
	FIELD(expect_spec, not_before, "not-before", FIELD_DURATION, 0,
	      "no attempt shorter than this"),
	{0},
};

/*
 * Judged is each attempt that nothing answered within the bound: neither established, nor refused, nor
 * reset. It ends with its socket, or with an answer: one that came later found a program that had not given
 * up.
 *
 * An attempt that the harness or the scenario's end broke off sooner than the bound shows nothing.
 */
struct tally {
	int64_t tried, broken_off;
	struct tooks tooks; /* of what is judged; each of its model_attempt */
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	if (spec->not_before == NSEC_UNSET || spec->not_before <= spec->within)
		return true;
	return flaw_set(flaw, "not-before", "not-before is later than within",
			"no attempt can be as long as not-before and within the bound");
}

static nsec_t deadline(const struct plan *plan, const struct plan_expect *e)
{
	return deadline_after_start(plan, e, e->spec.within);
}

/* If its socket ended then, at the latest; NSEC_NEVER: it goes on. */
static nsec_t length_to(const struct model_attempt *t, nsec_t end)
{
	return t->end == NSEC_NEVER ? NSEC_NEVER : nsec_earlier(t->answered, end) - t->start;
}

static bool was_answered_in_time(const struct plan_expect *e, const struct model_attempt *t)
{
	return t->answered != NSEC_NEVER && t->answered - t->start <= e->spec.within;
}

static bool was_broken_off(const struct model *m, const struct plan_expect *e, int app,
			   const struct model_attempt *t)
{
	nsec_t broken = nsec_earlier(model_harness_act_after(m, app, t->start), m->plan->duration);

	return broken <= t->end && broken - t->start < e->spec.within;
}

static void tally_app(const struct model *m, const struct plan_expect *e, int app, struct tally *t)
{
	vec_foreach (attempt, &m->apps[app].attempts) {
		bool unknown = attempt->end == NSEC_NEVER && !attempt->open;

		if (!model_is_peer(m, e, attempt->service))
			continue;
		t->tried++;
		if (was_answered_in_time(e, attempt) || unknown)
			continue;
		if (was_broken_off(m, e, app, attempt)) {
			t->broken_off++;
			continue;
		}
		tooks_add(&t->tooks, &(struct took){
					     .least = length_to(attempt, attempt->end_since),
					     .most = length_to(attempt, attempt->end),
					     .of = attempt,
				     });
	}
}

static char *say_void(const struct tally *t, struct arena *a)
{
	if (!t->tried)
		return arena_strdup(a, "never tried to connect");
	if (t->broken_off)
		return arena_strdup(a,
				    "each attempt was broken off before it could be judged: make "
				    "the scenario longer");
	return arena_printf(a, "no end of an unanswered attempt was seen, of %s",
			    say_count(t->tried, "attempt", a));
}

static char *say_evidence(const struct model_attempt *t, struct arena *a)
{
	char *syn = say_seconds(t->start, a);

	if (t->end == NSEC_NEVER)
		return arena_printf(a, "first SYN at %s", syn);
	if (t->answered != NSEC_NEVER)
		return arena_printf(a, "first SYN at %s, answered at %s", syn,
				    say_seconds(t->answered, a));
	if (t->end_since == t->end)
		return arena_printf(a, "first SYN at %s, socket destroyed at %s", syn,
				    say_seconds(t->end, a));
	return arena_printf(a, "first SYN at %s, socket gone between %s and %s", syn,
			    say_seconds(t->end_since, a), say_seconds(t->end, a));
}

static void report(const struct model *m, const struct plan_expect *e, const struct tally *t,
		   struct arena *a, struct expect_result *ret)
{
	const struct took *took = tooks_judge(&t->tooks, &e->spec, a, ret);
	const struct model_attempt *shown = took->of;

	ret->subject = model_connection_text(m, &m->connections.v[shown->connection], OPENER, a);
	ret->evidence = say_evidence(shown, a);
	ret->t = shown->end == NSEC_NEVER ? m->plan->duration : shown->end;
	ret->pending = took->most == NSEC_NEVER;
	if (ret->pending)
		ret->observed = arena_printf(a, "still trying at the end, %s after its first SYN",
					     say_seconds(m->plan->duration - shown->start, a));
	else if (shown->answered != NSEC_NEVER)
		ret->observed = arena_printf(a, "%s, then it was answered", ret->observed);
}

static void judge_gives_up(const struct model *m, const struct plan_expect *e, struct arena *a,
			   struct expect_result *ret)
{
	struct tally t = {0};
	struct unclaimed unclaimed = unclaimed_find(m, e, -NSEC_NEVER);
	char *bound =
		arena_printf(a, "within %s of the first SYN", say_duration(e->spec.within, a));

	if (e->spec.not_before != NSEC_UNSET)
		bound = arena_printf(a, "%s, not before %s", bound,
				     say_duration(e->spec.not_before, a));
	result_begin(ret, bound);
	for (size_t i = 0; i < e->apps.n; i++)
		tally_app(m, e, (int)e->apps.v[i], &t);
	if (t.tooks.n)
		report(m, e, &t, a, ret);
	else
		result_void(ret, e->spec.app, say_void(&t, a));
	if (unclaimed.unanswered && ret->verdict != VERDICT_FAIL)
		unclaimed_void(m, e, &unclaimed, a, ret);
}

const struct expect_ops expect_gives_up = {
	.name = "gives-up",
	.doc = "an app ends each attempt to connect that nothing answers",
	.fields = fields,
	.needs_peer = true,
	.check = check,
	.deadline = deadline,
	.judge = judge_gives_up,
};
