/* SPDX-License-Identifier: MIT */
#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"

static const struct field fields[] = {
	FIELD(expect_spec, host, "host", FIELD_STRING, FIELD_REQUIRED,
	      "a host; of a group, each host by itself"),
	FIELD(expect_spec, state, "state", FIELD_STRING, FIELD_REQUIRED,
	      "as in ss and RFC 9293: CLOSE_WAIT, TIME_WAIT, ESTABLISHED, ..."),
	FIELD(expect_spec, app, "app", FIELD_STRING, 0, "only sockets of this app"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only sockets whose other end is this service"),
	FIELDS_HOW_MANY,
	FIELDS_WHEN,
	{0},
};

/*
 * Counted per host, from the changes of its sockets. A host of which no dump was taken shows
 * nothing; 0 sockets on one that was dumped is an observation.
 */
struct count {
	int host;
	const struct level_step *step; /* the worst number; its witness: a socket counted */
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	if (!tcp_state_parse(spec->state))
		return flaw_set(
			flaw, "state", "there is no such TCP state",
			"one of ESTABLISHED, SYN_SENT, SYN_RECEIVED, FIN_WAIT_1, FIN_WAIT_2, "
			"TIME_WAIT, CLOSE_WAIT, LAST_ACK, LISTEN, CLOSING");
	return bound_check_how_many(spec, flaw) && bound_check_when(spec, flaw);
}

/* The number of sockets in the state, from the beginning on. */
static struct level count_host(const struct model *m, const struct plan_expect *e, int host,
			       struct arena *scratch)
{
	int state = tcp_state_parse(e->spec.state);
	struct level_step now = {.t = INT64_MIN, .witness = -1};
	struct level level = {0};

	*vec_push(scratch, &level.steps) = now;
	vec_foreach (change, &m->hosts[host].changes) {
		if (change->from != state && change->to != state)
			continue;
		if (!model_is_meant(e, &m->sockets.v[change->socket]))
			continue;
		now.t = change->t;
		now.value += change->to == state ? 1 : -1;
		if (change->to == state)
			now.witness = change->socket;
		*vec_push(scratch, &level.steps) = now;
	}
	return level;
}

static void report(const struct model *m, const struct plan_expect *e, const struct count *c,
		   struct arena *a, struct expect_result *ret)
{
	char local[ENDPOINT_TEXT], peer[ENDPOINT_TEXT];
	struct window w = bound_window(m->plan, &e->spec);
	int64_t n = c->step->value;

	ret->verdict = bound_is_broken(&e->spec, n) ? VERDICT_FAIL : VERDICT_PASS;
	ret->pending = bound_lasts_to_the_end(m->plan, &e->spec);
	ret->subject = arena_printf(a, "%s %s", m->plan->hosts.v[c->host].name, e->spec.state);
	ret->observed = say_count(n, "socket", a);
	ret->value = (double)n;
	ret->unit = "sockets";
	/* Of one moment, since when it had been so; a number that never changed has no such time. */
	ret->t = w.from == w.to && c->step->t != INT64_MIN ? c->step->t
							   : nsec_later(c->step->t, w.from);
	if (n <= 0 || c->step->witness < 0)
		return;
	const struct model_socket *s = &m->sockets.v[c->step->witness];
	ret->evidence =
		arena_printf(a, "%s %s, one of them %s > %s", w.from == w.to ? "since" : "at",
			     say_seconds(ret->t, a), endpoint_text(&s->local, local),
			     endpoint_text(&s->peer, peer));
}

/*
 * Of the sockets that the expectation is about, in any state, was there ever one? A count of 0 of all
 * sockets of a host is an observation; one of an app's, or of a peer's, that never was is none.
 */
static bool any_was_seen(const struct model *m, const struct plan_expect *e, int host)
{
	if (!e->spec.app && !e->peer_hosts.n)
		return true;
	vec_foreach (s, &m->sockets)
		if (s->host == host && model_is_meant(e, s))
			return true;
	return false;
}

static void judge_sockets(const struct model *m, const struct plan_expect *e, struct arena *a,
			  struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct count worst = {.host = -1};

	result_begin(ret, arena_printf(a, "%s in %s %s", say_how_many(&e->spec, a), e->spec.state,
				       say_when(&e->spec, a)));
	for (size_t i = 0; i < e->hosts.n; i++) {
		int host = (int)e->hosts.v[i];

		if (!m->hosts[host].polled) {
			result_void(ret, m->plan->hosts.v[host].name,
				    arena_strdup(a, "its sockets were never dumped"));
			continue;
		}
		if (!any_was_seen(m, e, host)) {
			result_void(ret, m->plan->hosts.v[host].name,
				    arena_strdup(a, "no socket of that app or peer was ever seen"));
			continue;
		}
		struct level level = count_host(m, e, host, &scratch);
		struct count c = {host,
				  level_worst(&level, bound_window(m->plan, &e->spec), &e->spec)};
		if (!worst.step || bound_badness(&e->spec, c.step->value) >
					   bound_badness(&e->spec, worst.step->value))
			worst = c;
	}
	if (!worst.step && ret->verdict != VERDICT_VOID)
		result_void(ret, e->spec.host, arena_strdup(a, "there is no such host"));
	if (worst.step &&
	    (bound_is_broken(&e->spec, worst.step->value) || ret->verdict != VERDICT_VOID))
		report(m, e, &worst, a, ret);
}

const struct expect_ops expect_sockets = {
	.name = "sockets",
	.doc = "how many TCP sockets of a host are in a state",
	.fields = fields,
	.needs_peer = false,
	.check = check,
	.deadline = bound_deadline,
	.judge = judge_sockets,
};
