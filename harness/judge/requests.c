/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it; all instances together"),
	FIELD(expect_spec, success_at_least, "success-at-least", FIELD_PERCENT, 0,
	      "the share of the requests that succeeded"),
	FIELD(expect_spec, p50, "p50", FIELD_DURATION, 0,
	      "half of those that succeeded took no longer", .unit = "ms"),
	FIELD(expect_spec, p99, "p99", FIELD_DURATION, 0,
	      "99 of 100 of those that succeeded took no longer", .unit = "ms"),
	FIELD(expect_spec, max, "max", FIELD_DURATION, 0, "none that succeeded took longer",
	      .unit = "ms"),
	FIELD(expect_spec, at_least, "at-least", FIELD_COUNT, 0,
	      "no fewer requests than this, whether they succeeded or not"),
	FIELD_DURING,
	{0},
};

/*
 * A request is counted when its outcome is known, from the lines of JSON that the app prints:
 *
 *	{"event":"request","ok":true,"ms":12.3}		what any program can print; ms may be left out
 *	{"event":"response","rtt_ms":12.3}		one that succeeded (ref-client --verbose)
 *	{"event":"lost","requests":9,"responses":7}	the two that a connection took with it failed
 *
 * An app of which no instance prints any of these is counted by its processes: one that ended by
 * itself is a request, which succeeded if its status was 0 and took as long as the process lived.
 * What was under way at the end is not counted. Where an app prints such lines, that none came in the
 * window is a count of 0; else it is not known whether they would show its requests.
 *
 * A percentile is the nearest rank: the smallest time such that so many of 100 took no longer.
 */
struct tally {
	struct window w;
	struct arena *a;
	int64_t ok, failed;
	VEC(nsec_t) took; /* of those that succeeded and say it */
	bool any_line;    /* some instance prints such lines */
	int silent;       /* an instance that had responses and did not print them; -1: none */
	nsec_t last_failed;
	bool by_process;
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	if (spec->success_at_least < 0 && spec->p50 == NSEC_UNSET && spec->p99 == NSEC_UNSET &&
	    spec->max == NSEC_UNSET && spec->at_least == COUNT_UNSET)
		return flaw_set(flaw, NULL, "nothing is asked of the requests",
				"such as success-at-least: 99%, or p99: 200ms");
	return true;
}

static bool in_window(const struct tally *t, nsec_t when)
{
	return when >= t->w.from && when <= t->w.to;
}

static void add_success(struct tally *t, const json_t *ms)
{
	t->ok++;
	if (json_is_number(ms))
		*vec_push(t->a, &t->took) =
			(nsec_t)llround(json_number_value(ms) * (double)NSEC_PER_MSEC);
}

static void add_failures(struct tally *t, nsec_t when, int64_t n)
{
	if (n <= 0)
		return;
	t->failed += n;
	t->last_failed = when;
}

/* What one instance's lines say of responses, to tell whether it prints each of them. */
struct claims {
	int64_t printed, told;
};

static void add_line(struct tally *t, const struct model_line *line, struct claims *claims)
{
	_cleanup_json_ json_t *json = json_loads(line->text, 0, NULL);
	const char *event = json_string_value(json_object_get(json, "event"));

	if (!event)
		return;
	bool counts = in_window(t, line->t);
	if (!strcmp(event, "request") && json_is_boolean(json_object_get(json, "ok"))) {
		t->any_line = true;
		if (counts && json_is_true(json_object_get(json, "ok")))
			add_success(t, json_object_get(json, "ms"));
		else if (counts)
			add_failures(t, line->t, 1);
	} else if (!strcmp(event, "response")) {
		t->any_line = true;
		claims->printed++;
		if (counts)
			add_success(t, json_object_get(json, "rtt_ms"));
	} else if (!strcmp(event, "lost") && json_is_integer(json_object_get(json, "requests"))) {
		int64_t responses = json_integer_value(json_object_get(json, "responses"));

		t->any_line = true;
		claims->told += responses;
		if (counts)
			add_failures(t, line->t,
				     json_integer_value(json_object_get(json, "requests")) -
					     responses);
	}
}

static void add_lines(struct tally *t, const struct model *m, int app)
{
	struct claims claims = {0};

	vec_foreach (line, &m->apps[app].json)
		add_line(t, line, &claims);
	if (claims.told > claims.printed)
		t->silent = app;
}

static void add_processes(struct tally *t, const struct model_app *app)
{
	vec_foreach (life, &app->lives) {
		if (life->exit == NSEC_NEVER || life->by_harness || !in_window(t, life->exit))
			continue;
		if (life->signal || life->status) {
			add_failures(t, life->exit, 1);
			continue;
		}
		t->ok++;
		*vec_push(t->a, &t->took) = life->exit - life->start;
	}
}

static int compare_times(const void *a, const void *b)
{
	nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;

	return x < y ? -1 : x > y;
}

/* Of sorted times, of which there are some. */
static nsec_t percentile(const struct tally *t, size_t percent)
{
	size_t rank = (t->took.n * percent + 99) / 100;

	return t->took.v[rank ? rank - 1 : 0];
}

static bool asks_for_times(const struct expect_spec *spec)
{
	return spec->p50 != NSEC_UNSET || spec->p99 != NSEC_UNSET || spec->max != NSEC_UNSET;
}

static char *add_bound(char *text, const char *key, nsec_t bound, struct arena *a)
{
	if (bound == NSEC_UNSET)
		return text;
	return arena_printf(a, "%s%s%s at most %s", text, *text ? ", " : "", key,
			    say_duration(bound, a));
}

static char *say_bound(const struct expect_spec *spec, struct arena *a)
{
	char *text = arena_strdup(a, "");

	if (spec->success_at_least >= 0)
		text = arena_printf(a, "at least %.15g%% succeed", spec->success_at_least * 100);
	text = add_bound(text, "p50", spec->p50, a);
	text = add_bound(text, "p99", spec->p99, a);
	text = add_bound(text, "max", spec->max, a);
	if (spec->at_least != COUNT_UNSET)
		text = arena_printf(a, "%s%sat least %s", text, *text ? ", of " : "",
				    say_count(spec->at_least, "request", a));
	return arena_printf(a, "%s %s", text, say_when(spec, a));
}

static char *say_observed(const struct tally *t, struct arena *a)
{
	int64_t all = t->ok + t->failed;
	char *text = arena_printf(a, "%" PRId64 " of %s succeeded", t->ok,
				  say_count(all, t->by_process ? "process" : "request", a));

	if (t->by_process && all != 1)
		text = arena_printf(a, "%" PRId64 " of %" PRId64 " processes succeeded", t->ok,
				    all);
	if (!t->took.n)
		return text;
	return arena_printf(a, "%s, p50 %s, p99 %s, max %s", text,
			    say_duration(percentile(t, 50), a), say_duration(percentile(t, 99), a),
			    say_duration(percentile(t, 100), a));
}

/* The first bound that is broken decides; the share of successes is the number to show else. */
static void weigh(const struct tally *t, const struct expect_spec *spec, struct expect_result *ret)
{
	const struct {
		nsec_t bound;
		size_t percent;
	} times[] = {{spec->p50, 50}, {spec->p99, 99}, {spec->max, 100}};
	double share = (double)t->ok / (double)(t->ok + t->failed);

	ret->value = share * 100;
	ret->unit = "%";
	ret->t = t->last_failed;
	if (spec->at_least != COUNT_UNSET && t->ok + t->failed < spec->at_least) {
		ret->verdict = VERDICT_FAIL;
		ret->pending = true;
		ret->value = (double)(t->ok + t->failed);
		ret->unit = "requests";
		return;
	}
	if (spec->success_at_least >= 0 && share < spec->success_at_least) {
		ret->verdict = VERDICT_FAIL;
		return;
	}
	for (size_t i = 0; i < ARRAY_SIZE(times) && t->took.n; i++) {
		if (times[i].bound == NSEC_UNSET ||
		    percentile(t, times[i].percent) <= times[i].bound)
			continue;
		ret->verdict = VERDICT_FAIL;
		ret->value = to_seconds(percentile(t, times[i].percent));
		ret->unit = "s";
		return;
	}
}

static const char *why_void(const struct tally *t, const struct expect_spec *spec)
{
	if (t->silent >= 0)
		return "it does not print each of its responses (ref-client: --verbose)";
	if (!t->ok && !t->failed && !(t->any_line && spec->at_least > 0))
		return t->any_line ? "no request ended in that time"
				   : "no request ended: neither does it print any, nor did a "
				     "process end";
	if (asks_for_times(spec) && !t->took.n && t->ok)
		return "its lines do not say how long the requests took: \"ms\" is missing";
	return NULL;
}

/* What is asked of times holds for none: that shows nothing. */
static bool lacks_times(const struct tally *t, const struct expect_spec *spec,
			const struct expect_result *ret)
{
	return ret->verdict == VERDICT_PASS && asks_for_times(spec) && !t->took.n;
}

static void judge_requests(const struct model *m, const struct plan_expect *e, struct arena *a,
			   struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct tally t = {.w = bound_window(m->plan, &e->spec),
			  .a = &scratch,
			  .silent = -1,
			  .last_failed = NSEC_UNSET};

	result_begin(ret, say_bound(&e->spec, a));
	for (size_t i = 0; i < e->apps.n; i++)
		add_lines(&t, m, (int)e->apps.v[i]);
	t.by_process = !t.any_line;
	for (size_t i = 0; t.by_process && i < e->apps.n; i++)
		add_processes(&t, &m->apps[e->apps.v[i]]);
	if (t.took.n)
		qsort(t.took.v, t.took.n, sizeof(*t.took.v), compare_times);
	const char *why = why_void(&t, &e->spec);
	if (why) {
		result_void(ret, e->spec.app, arena_strdup(a, why));
		return;
	}
	ret->subject = e->spec.app;
	ret->observed = say_observed(&t, a);
	weigh(&t, &e->spec, ret);
	if (lacks_times(&t, &e->spec, ret)) {
		ret->verdict = VERDICT_VOID;
		ret->observed = arena_printf(a, "%s: there is no time to judge", ret->observed);
	}
	if (t.failed)
		ret->evidence =
			arena_printf(a, "the last failed at %s", say_seconds(t.last_failed, a));
}

const struct expect_ops expect_requests = {
	.name = "requests",
	.doc = "how many of an app's requests succeed, and how long they take",
	.fields = fields,
	.check = check,
	.deadline = bound_deadline,
	.judge = judge_requests,
};
