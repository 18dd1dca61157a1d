/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/judge/say.h"
#include "harness/judge/span.h"
#include "harness/judge/tolerance.h"

#define PORT_MAX 65535

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, 0,
	      "the app, or one instance of it, that must own the socket; or else `host`"),
	FIELD(expect_spec, host, "host", FIELD_STRING, 0,
	      "a host; of a group, each host by itself"),
	FIELD(expect_spec, port, "port", FIELD_COUNT, FIELD_REQUIRED, "the TCP port", .min = 1,
	      .max = PORT_MAX),
	FIELD_AFTER_OR_T0,
	FIELD(expect_spec, within, "within", FIELD_DURATION, FIELD_REQUIRED,
	      "at most this long after t = 0, or after the step"),
	{0},
};

/*
 * Judged by the socket that stays: a server that is restarted may go on listening for a while, or
 * come and go. So what counts is that there is a socket in LISTEN when the bound has passed, and
 * since when there has been one without a break. Sockets on loopback do not count. One that the first
 * poll behind the bound shows may have been there in time.
 */
struct subject {
	int host, app; /* app -1: anybody's */
	struct span span;
	enum verdict verdict;
	nsec_t since; /* when the last stretch of listening began; NSEC_NEVER: it does not listen */
	nsec_t later; /* when it began, if only after the bound; NSEC_NEVER: not at all */
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	if (!spec->app == !spec->host)
		return flaw_set(flaw, spec->app ? "host" : NULL,
				spec->app ? "app and host exclude each other"
					  : "neither app nor host is given",
				"whose socket? app: server");
	return true;
}

static bool is_listener(const struct model_socket *s, const struct subject *subject, int64_t port)
{
	return s->local.port == port && (subject->app < 0 || s->app == subject->app);
}

static void find_listening(const struct model *m, int64_t port, struct subject *s)
{
	int n = 0;

	s->since = s->later = NSEC_NEVER;
	vec_foreach (change, &m->hosts[s->host].changes) {
		if ((change->from != STATE_LISTEN && change->to != STATE_LISTEN) ||
		    !is_listener(&m->sockets.v[change->socket], s, port))
			continue;
		n += change->to == STATE_LISTEN ? 1 : -1;
		if (change->t > s->span.w.to) {
			if (n > 0)
				s->later = nsec_earlier(s->later, change->t);
			continue;
		}
		if (n == 0)
			s->since = NSEC_NEVER;
		else if (s->since == NSEC_NEVER)
			s->since = change->t;
	}
}

static bool was_observed(const struct model *m, const struct subject *s)
{
	return m->hosts[s->host].polled && (s->app < 0 || m->apps[s->app].lives.n > 0);
}

static nsec_t time_taken(const struct subject *s)
{
	nsec_t since = s->since != NSEC_NEVER ? s->since : s->later;

	return since == NSEC_NEVER ? NSEC_NEVER : nsec_later(0, since - s->span.w.from);
}

static struct subject look_at(const struct model *m, const struct plan_expect *e, int host, int app,
			      const struct span *span)
{
	struct subject s = {.host = host, .app = app, .span = *span, .verdict = VERDICT_VOID};

	find_listening(m, e->spec.port, &s);
	if (!was_observed(m, &s))
		return s;
	if (s.since != NSEC_NEVER)
		s.verdict = VERDICT_PASS;
	else if (!span->cut_off)
		s.verdict = VERDICT_FAIL;
	return s;
}

static bool is_worse(const struct subject *x, const struct subject *y)
{
	if (x->verdict != y->verdict)
		return x->verdict > y->verdict;
	return time_taken(x) > time_taken(y);
}

static void report(const struct model *m, const struct plan_expect *e, const struct subject *s,
		   struct arena *a, struct expect_result *ret)
{
	const char *name =
		s->app >= 0 ? m->plan->apps.v[s->app].name : m->plan->hosts.v[s->host].name;
	nsec_t took = time_taken(s);

	ret->verdict = s->verdict;
	ret->subject = arena_printf(a, "%s:%lld", name, (long long)e->spec.port);
	ret->t = s->span.w.from;
	if (s->verdict == VERDICT_VOID) {
		ret->observed = arena_strdup(
			a, !was_observed(m, s)
				   ? "it never ran, or its sockets were never dumped"
				   : "the scenario ends before the bound: make it longer");
		return;
	}
	ret->pending = took == NSEC_NEVER;
	if (took == NSEC_NEVER) {
		ret->observed = arena_strdup(a, "it did not listen until the end");
		return;
	}
	ret->observed = say_seconds_against(took, e->spec.within, a);
	ret->value = to_seconds(took);
	ret->unit = "s";
	ret->t = s->since != NSEC_NEVER ? s->since : s->later;
	if (s->verdict == VERDICT_FAIL && s->later - s->span.w.to <= POLL_PERIOD)
		result_in_doubt(ret, took - POLL_PERIOD, took, s->span.w.to - s->span.w.from, a);
	ret->evidence = arena_printf(a, "listening since %s", say_seconds(ret->t, a));
}

static void judge_listens(const struct model *m, const struct plan_expect *e, struct arena *a,
			  struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct spans spans = spans_of(m, e, &scratch);
	size_t n = e->spec.app ? e->apps.n : e->hosts.n;
	struct subject worst = {0};
	bool any = false;

	result_begin(ret, say_span(&e->spec, a));
	vec_foreach (span, &spans.list) {
		for (size_t i = 0; i < n; i++) {
			int app = e->spec.app ? (int)e->apps.v[i] : -1;
			int host = app < 0 ? (int)e->hosts.v[i] : (int)m->plan->apps.v[app].host;
			struct subject s = look_at(m, e, host, app, span);

			if (!any || is_worse(&s, &worst))
				worst = s;
			any = true;
		}
	}
	if (any)
		report(m, e, &worst, a, ret);
	else
		span_void(e, a, ret);
}

const struct expect_ops expect_listens = {
	.name = "listens",
	.doc = "an app, or anything on a host, listens on a port when the bound has passed",
	.fields = fields,
	.observes = OBSERVES_LISTENERS,
	.check = check,
	.deadline = span_deadline,
	.judge = judge_listens,
};
