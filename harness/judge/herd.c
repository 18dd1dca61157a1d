/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/judge/say.h"
#include "harness/judge/span.h"
#include "harness/judge/unclaimed.h"

#define DEFAULT_BIN (100 * NSEC_PER_MSEC)

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it; all instances together"),
	FIELD(expect_spec, after, "after", FIELD_STRING, FIELD_REQUIRED,
	      "the timeline step's id, or its kind: counted from its off-edge"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only attempts at this service"),
	FIELD(expect_spec, at_most, "at-most", FIELD_COUNT, FIELD_REQUIRED,
	      "no more attempts than this begin in any bin"),
	FIELD(expect_spec, bin, "bin", FIELD_DURATION, 0,
	      "how long a bin is; the first begins with the off-edge", .min = 1, .unit = "ms",
	      .default_text = "100ms"),
	FIELD(expect_spec, drops_at_most, "drops-at-most", FIELD_COUNT, 0,
	      "no more SYNs and handshakes than this are dropped by the listeners of the service's "
	      "host (TcpExtListenDrops, which counts overflows of the accept queue too)"),
	FIELD(expect_spec, within, "within", FIELD_DURATION, 0,
	      "all connections are back in this time, as `reconnects` means it"),
	{0},
};

extern const struct expect_ops expect_reconnects;

/* One edge of the step: the fullest bin, and what the listeners dropped. */
struct herd {
	int64_t attempts;
	int64_t most;   /* in one bin */
	nsec_t most_at; /* when that bin begins */
	int64_t drops, overflows;
	bool counted; /* the drops were */
};

static nsec_t bin_of(const struct expect_spec *spec)
{
	return spec->bin == NSEC_UNSET ? DEFAULT_BIN : spec->bin;
}

static int compare_times(const void *a, const void *b)
{
	nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;

	return x < y ? -1 : x > y;
}

static void count_attempts(const struct model *m, const struct plan_expect *e, struct window w,
			   struct herd *h)
{
	_cleanup_arena_ struct arena scratch = {0};
	VEC(nsec_t) starts = {0};
	nsec_t bin = bin_of(&e->spec);
	int64_t n = 0, number = -1;

	for (size_t i = 0; i < e->apps.n; i++)
		vec_foreach (attempt, &m->apps[e->apps.v[i]].attempts)
			if (attempt->start >= w.from && attempt->start <= w.to &&
			    model_is_peer(m, e, attempt->service))
				*vec_push(&scratch, &starts) = attempt->start;
	if (starts.n)
		qsort(starts.v, starts.n, sizeof(*starts.v), compare_times);
	vec_foreach (start, &starts) {
		int64_t its = (*start - w.from) / bin;

		n = its == number ? n + 1 : 1;
		number = its;
		if (n <= h->most)
			continue;
		h->most = n;
		h->most_at = w.from + its * bin;
	}
	h->attempts = (int64_t)starts.n;
}

/* What the counter of the host grew by in the window; false: it was not read. */
static bool growth(const struct model_host *h, const char *name, struct window w, int64_t *ret)
{
	const struct model_count *first = NULL, *last = NULL;

	vec_foreach (c, &h->counts) {
		if (strcmp(c->name, name) != 0)
			continue;
		if (c->t <= w.from)
			first = c;
		if (c->t <= w.to)
			last = c;
	}
	if (!first || !last)
		return false;
	*ret = last->value - first->value;
	return true;
}

/* The hosts of the services that the app tried. */
static void mark_hosts(const struct model *m, const struct plan_expect *e, bool *hosts)
{
	for (size_t i = 0; i < e->apps.n; i++)
		vec_foreach (attempt, &m->apps[e->apps.v[i]].attempts) {
			int host = m->services.v[attempt->service].host;

			if (host >= 0 && model_is_peer(m, e, attempt->service))
				hosts[host] = true;
		}
}

static void count_drops(const struct model *m, const struct plan_expect *e, struct window w,
			struct herd *h)
{
	_cleanup_arena_ struct arena scratch = {0};
	bool *hosts = arena_new_array(&scratch, bool, m->plan->hosts.n);

	mark_hosts(m, e, hosts);
	h->counted = true;
	for (size_t i = 0; i < m->plan->hosts.n; i++) {
		int64_t drops, overflows;

		if (!hosts[i])
			continue;
		if (!growth(&m->hosts[i], COUNTER_LISTEN_DROPS, w, &drops) ||
		    !growth(&m->hosts[i], COUNTER_LISTEN_OVERFLOWS, w, &overflows)) {
			h->counted = false;
			continue;
		}
		h->drops += drops;
		h->overflows += overflows;
	}
}

static bool asks_for_drops(const struct expect_spec *spec)
{
	return spec->drops_at_most != COUNT_UNSET;
}

/* Where the machine held them up, a bin has the attempts of its own time and those of the stall's. */
static bool is_too_full(const struct model *m, const struct expect_spec *spec, const struct herd *h)
{
	double bin = (double)bin_of(spec);

	return (double)h->most > (double)spec->at_most * (bin + (double)m->stall_held) / bin;
}

static enum verdict weigh(const struct model *m, const struct expect_spec *spec,
			  const struct herd *h)
{
	if (is_too_full(m, spec, h))
		return VERDICT_FAIL;
	if (asks_for_drops(spec) && h->counted && h->drops > spec->drops_at_most)
		return VERDICT_FAIL;
	return !h->attempts || (asks_for_drops(spec) && !h->counted) ? VERDICT_VOID : VERDICT_PASS;
}

static char *say_bound(const struct expect_spec *spec, struct arena *a)
{
	char *text = arena_printf(a, "at most %s in any %s after %s",
				  say_count(spec->at_most, "attempt", a),
				  say_duration(bin_of(spec), a), spec->after);

	if (asks_for_drops(spec))
		text = arena_printf(a, "%s, at most %s", text,
				    say_count(spec->drops_at_most, "drop", a));
	if (spec->within != NSEC_UNSET)
		text = arena_printf(a, "%s, all back within %s", text,
				    say_duration(spec->within, a));
	return text;
}

static void report(const struct model *m, const struct plan_expect *e, const struct herd *h,
		   struct arena *a, struct expect_result *ret)
{
	ret->verdict = weigh(m, &e->spec, h);
	ret->subject = e->spec.app;
	if (!h->attempts) {
		ret->observed = arena_strdup(a, "it made no attempt after the step");
		return;
	}
	ret->observed = arena_printf(a, "%" PRId64 " of %s in one bin", h->most,
				     say_count(h->attempts, "attempt", a));
	if (asks_for_drops(&e->spec))
		ret->observed =
			h->counted
				? arena_printf(a, "%s, %s (%" PRId64 " by a full accept queue)",
					       ret->observed, say_count(h->drops, "drop", a),
					       h->overflows)
				: arena_printf(a, "%s, the drops were not counted", ret->observed);
	ret->value = (double)h->most;
	ret->unit = "attempts";
	ret->t = h->most_at;
	ret->evidence = arena_printf(a, "the bin that begins at %s", say_seconds(h->most_at, a));
}

/* Joins the time of coming back, as `reconnects` judges it by the very same keys. */
static void join_back(const struct model *m, const struct plan_expect *e, struct arena *a,
		      struct expect_result *ret)
{
	struct expect_result back = {.expect = e};

	if (e->spec.within == NSEC_UNSET)
		return;
	expect_reconnects.judge(m, e, a, &back);
	ret->observed = arena_printf(a, "%s; back: %s", ret->observed, back.observed);
	if (back.verdict <= ret->verdict)
		return;
	ret->verdict = back.verdict;
	ret->subject = back.subject;
	ret->value = back.value;
	ret->unit = back.unit;
	ret->evidence = back.evidence;
	ret->t = back.t;
	ret->pending = back.pending;
}

static void judge_herd(const struct model *m, const struct plan_expect *e, struct arena *a,
		       struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct spans spans = spans_of(m, e, &scratch);
	struct herd worst = {0};
	struct unclaimed unclaimed = unclaimed_find(m, e, model_first_on(m, e));
	bool any = false;

	result_begin(ret, say_bound(&e->spec, a));
	vec_foreach (span, &spans.list) {
		struct herd h = {.most_at = span->w.from};

		count_attempts(m, e, span->w, &h);
		count_drops(m, e, span->w, &h);
		enum verdict now = weigh(m, &e->spec, &h), before = weigh(m, &e->spec, &worst);

		if (!any || now > before || (now == before && h.most > worst.most))
			worst = h;
		any = true;
	}
	if (!any) {
		span_void(e, a, ret);
		return;
	}
	report(m, e, &worst, a, ret);
	if (unclaimed.attempts && ret->verdict != VERDICT_FAIL) {
		unclaimed_void(m, e, &unclaimed, a, ret);
		return;
	}
	join_back(m, e, a, ret);
}

const struct expect_ops expect_herd = {
	.name = "herd",
	.doc = "an app's instances do not all come back at the same moment",
	.fields = fields,
	.needs_peer = true,
	.observes = OBSERVES_COUNTERS,
	.deadline = span_deadline,
	.judge = judge_herd,
};
