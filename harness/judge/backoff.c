/* SPDX-License-Identifier: MIT */
#include <math.h>

#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"
#include "harness/judge/tolerance.h"
#include "harness/judge/unclaimed.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only attempts at this service"),
	FIELD(expect_spec, base, "base", FIELD_DURATION, FIELD_REQUIRED, "the first wait"),
	FIELD(expect_spec, factor, "factor", FIELD_FACTOR, FIELD_REQUIRED,
	      "each wait is the one before times this"),
	FIELD(expect_spec, cap, "cap", FIELD_DURATION, FIELD_REQUIRED, "no wait grows beyond this"),
	FIELD(expect_spec, jitter, "jitter", FIELD_PERCENT, FIELD_REQUIRED,
	      "each wait lies in [b, b + jitter * b]"),
	{0},
};

/*
 * A gap is the wait from the end of a failed attempt to the next first SYN at the same service; how
 * long the attempt itself took is no part of it. A streak begins with the first failed attempt and
 * ends with a success, or when the harness stops the app. Gap i of a streak must lie in
 * [b, b * (1 + jitter)], b = base * factor^i but no more than the cap.
 *
 * A program that lost an established connection may have waited its first b before the first attempt
 * already: that wait follows no failed attempt, so it is not a gap, and the first gap is then i = 1
 * of the program's own sequence. Each streak may therefore begin with i = 0 or with i = 1, the same
 * for all of it; it conforms if it does so from one of the two.
 *
 * Tolerance: an app may be early by the rounding of its timer, late by that and the kernel's slack
 * (tolerance.h). Where the end of an attempt is known only to lie between two polls, the gap is an
 * interval, and conforms if some of it does. An attempt that may be the app's or another's lies in
 * a gap that nobody knows: nothing can be judged then.
 */
#define MIN_GAPS    3
#define FIRST_INDEX 2 /* a streak begins with an i below this */

struct gap {
	int attempt;     /* that it follows: index into the app's attempts */
	nsec_t min, max; /* its length lies in there */
	nsec_t t;        /* when it ended: the next first SYN */
	bool known;      /* false: the attempt's end was not observed */
};

/* A gap that is out of its range, and how far. */
struct miss {
	int app;
	struct gap gap;
	int index; /* of the gap in its streak, from 0 */
	nsec_t low, high;
	nsec_t by;
};

struct tally {
	const struct model *m;
	const struct plan_expect *e;
	struct arena *scratch;
	VEC(struct gap) streak;
	size_t n_gaps; /* of the instance */
	nsec_t shortest, longest;
	bool join;     /* what a stall may have parted is one attempt */
	bool overlaps; /* the instance's attempts do */
	bool missed_any;
	struct miss worst;
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	if (spec->base <= 0)
		return flaw_set(flaw, "base", "base must be longer than 0",
				"it is the first wait: base: 1s");
	if (spec->factor < 1)
		return flaw_set(flaw, "factor", "factor must be 1 or more",
				"2 doubles each wait, 1 keeps it");
	if (spec->cap < spec->base)
		return flaw_set(flaw, "cap", "cap is shorter than base",
				"the cap bounds the waits from above: it is at least the base");
	return true;
}

/* b of gap i, without its jitter. */
static nsec_t wait_base(const struct expect_spec *spec, int i)
{
	double b = (double)spec->base * pow(spec->factor, i);

	return b < (double)spec->cap ? (nsec_t)b : spec->cap;
}

static nsec_t wait_most(const struct expect_spec *spec, int i)
{
	return (nsec_t)((double)wait_base(spec, i) * (1 + spec->jitter));
}

/* How far the gap is out of the range of index i; 0: it conforms. */
static nsec_t out_by(const struct expect_spec *spec, const struct gap *g, int i)
{
	nsec_t low = wait_base(spec, i) - TOLERANCE_PACKET;
	nsec_t high = wait_most(spec, i) + tolerance_late(wait_most(spec, i));

	if (!g->known)
		return 0;
	if (g->max < low)
		return low - g->max;
	return g->min > high ? g->min - high : 0;
}

/* How many gaps of the streak are out of range if it begins with index `first`. */
static size_t count_misses(const struct tally *t, int first)
{
	size_t n = 0;

	for (size_t k = 0; k < t->streak.n; k++)
		n += out_by(&t->e->spec, &t->streak.v[k], first + (int)k) != 0;
	return n;
}

static void note_misses(struct tally *t, int app, int first)
{
	const struct expect_spec *spec = &t->e->spec;

	for (size_t k = 0; k < t->streak.n; k++) {
		int i = first + (int)k;
		nsec_t by = out_by(spec, &t->streak.v[k], i);

		if (!by || (t->missed_any && by <= t->worst.by))
			continue;
		t->missed_any = true;
		t->worst = (struct miss){
			.app = app,
			.gap = t->streak.v[k],
			.index = (int)k,
			.low = wait_base(spec, i),
			.high = wait_most(spec, i),
			.by = by,
		};
	}
}

static void end_streak(struct tally *t, int app)
{
	int best = 0;

	for (int first = 1; first < FIRST_INDEX; first++)
		if (count_misses(t, first) < count_misses(t, best))
			best = first;
	note_misses(t, app, best);
	t->streak.n = 0;
	t->streak.v = NULL;
}

/* The gap between a failed attempt and the next one at the same service. */
static void add_gap(struct tally *t, int attempt, const struct model_attempt *failed,
		    const struct model_attempt *next)
{
	struct gap *g = vec_push(t->scratch, &t->streak);

	g->attempt = attempt;
	g->t = next->start;
	g->known = failed->end != NSEC_NEVER;
	if (!g->known)
		return;
	g->min = nsec_later(0, next->start - failed->end - t->m->stall_late);
	g->max = nsec_later(0, next->start - failed->end_since + t->m->stall_early);
	t->shortest = nsec_earlier(t->shortest, g->min);
	t->longest = nsec_later(t->longest, g->min);
	t->n_gaps++;
}

static bool overlaps(const struct model_attempt *a, const struct model_attempt *next)
{
	/* The end of an attempt may be noted a little after the SYN that followed it at once. */
	return a->open || (a->end != NSEC_NEVER && a->end_since > next->start + TOLERANCE_POLLED);
}

static void tally_instance(struct tally *t, int app)
{
	const struct model_app *own = &t->m->apps[app];

	for (size_t k = 0; k < own->attempts.n; k++) {
		const struct model_attempt *a = &own->attempts.v[k];
		const struct model_attempt *next = a + 1;
		bool last = k + 1 == own->attempts.n || next->service != a->service;

		if (!model_is_peer(t->m, t->e, a->service))
			continue;
		bool stopped = !last && model_harness_act_after(t->m, app, a->start) <= next->start;
		if (last || stopped || a->established != NSEC_NEVER)
			end_streak(t, app);
		else if (t->join && model_is_same_attempt(t->m, a, next->connection))
			continue;
		else if (overlaps(a, next))
			t->overlaps = true;
		else
			add_gap(t, (int)k, a, next);
	}
}

static char *say_bound(const struct expect_spec *spec, struct arena *a)
{
	return arena_printf(a, "waits from %s, times %g, up to %s, jitter %g%%",
			    say_duration(spec->base, a), spec->factor, say_duration(spec->cap, a),
			    spec->jitter * 100);
}

static void report_miss(const struct tally *t, struct arena *a, struct expect_result *ret)
{
	const struct miss *w = &t->worst;
	const struct model_attempt *failed = &t->m->apps[w->app].attempts.v[w->gap.attempt];

	ret->verdict = VERDICT_FAIL;
	ret->subject =
		model_connection_text(t->m, &t->m->connections.v[failed->connection], OPENER, a);
	ret->observed = arena_printf(
		a, "gap %d was %s, not in [%s, %s] (tolerance -%s +%s)", w->index + 1,
		say_seconds(w->gap.min, a), say_duration(w->low, a), say_duration(w->high, a),
		say_duration(TOLERANCE_PACKET, a), say_duration(tolerance_late(w->high), a));
	ret->value = to_seconds(w->gap.min);
	ret->unit = "s";
	ret->evidence = arena_printf(a, "the attempt failed at %s, the next SYN was sent at %s",
				     say_seconds(failed->end, a), say_seconds(w->gap.t, a));
	ret->t = w->gap.t;
}

static void judge_gaps(const struct model *m, const struct plan_expect *e, bool join,
		       struct arena *a, struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct tally t = {
		.m = m, .e = e, .scratch = &scratch, .shortest = NSEC_NEVER, .join = join};
	size_t total = 0;
	const char *void_app = NULL;
	char *why = NULL;

	result_begin(ret, say_bound(&e->spec, a));
	for (size_t i = 0; i < e->apps.n; i++) {
		t.n_gaps = 0;
		t.overlaps = false;
		tally_instance(&t, (int)e->apps.v[i]);
		total += t.n_gaps;
		if (void_app || (!t.overlaps && t.n_gaps >= MIN_GAPS))
			continue;
		void_app = m->plan->apps.v[e->apps.v[i]].name;
		why = t.overlaps ? arena_strdup(a, "its attempts overlap: there is no gap to judge")
				 : arena_printf(a, "only %s between failed attempts, not %d",
						say_count((int64_t)t.n_gaps, "gap", a), MIN_GAPS);
	}
	if (t.missed_any) {
		report_miss(&t, a, ret);
		return;
	}
	if (void_app || !total) {
		result_void(ret, void_app ? void_app : e->spec.app, why);
		return;
	}
	ret->subject = e->spec.app;
	ret->observed = arena_printf(a, "%zu gaps from %s to %s", total, say_seconds(t.shortest, a),
				     say_seconds(t.longest, a));
	ret->value = (double)total;
	ret->unit = "gaps";
}

/*
 * Where stalls are allowed for, two addresses that were tried one soon after the other may be one attempt
 * that a stall has parted, or two with a short wait between: it fails only if it does either way.
 */
static void judge_backoff(const struct model *m, const struct plan_expect *e, struct arena *a,
			  struct expect_result *ret)
{
	struct unclaimed unclaimed = unclaimed_find(m, e, -NSEC_NEVER);

	if (unclaimed.attempts) {
		result_begin(ret, say_bound(&e->spec, a));
		unclaimed_void(m, e, &unclaimed, a, ret);
		return;
	}
	judge_gaps(m, e, false, a, ret);
	if (ret->verdict == VERDICT_FAIL && m->stall_late)
		judge_gaps(m, e, true, a, ret);
}

const struct expect_ops expect_backoff = {
	.name = "backoff",
	.doc = "the waits between an instance's failed attempts grow as they must",
	.fields = fields,
	.needs_peer = true,
	.check = check,
	.judge = judge_backoff,
};
