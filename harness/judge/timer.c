/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"

/* The kernel counts retransmissions and probes in a byte. */
#define RETRIES_MAX 255

static const struct field fields[] = {
	FIELD(expect_spec, host, "host", FIELD_STRING, FIELD_REQUIRED,
	      "a host; of a group, each host by itself"),
	FIELD(expect_spec, timer, "kind", FIELD_ENUM, FIELD_REQUIRED,
	      "the timer that runs for the socket, as `ss -o` says", .names = tcp_timer_names),
	FIELD(expect_spec, app, "app", FIELD_STRING, 0, "only sockets of this app"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only sockets whose other end is this service"),
	FIELD(expect_spec, retries_at_least, "retries-at-least", FIELD_COUNT, 0,
	      "only with this many retransmissions or probes in a row without an answer", .min = 1,
	      .max = RETRIES_MAX),
	FIELD(expect_spec, left_at_most, "left-at-most", FIELD_DURATION, 0,
	      "only with no more than this until it expires"),
	FIELDS_HOW_MANY,
	FIELDS_WHEN,
	{0},
};

/*
 * Counted per host are the sockets for which the timer runs, as asked. A record holds until the next
 * of its socket; what is left of the timer's time goes down meanwhile, so a socket may begin to count
 * between two records.
 */
struct turn {
	nsec_t t;
	int by; /* +1, -1 */
	int socket;
};
struct turns {
	VEC(struct turn) list;
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	return bound_check_how_many(spec, flaw) && bound_check_when(spec, flaw);
}

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return x->by - y->by;
}

static bool is_asked(const struct model *m, const struct plan_expect *e,
		     const struct model_timer *timer)
{
	const struct expect_spec *spec = &e->spec;

	return timer->kind == spec->timer + 1 &&
	       (spec->retries_at_least == COUNT_UNSET ||
		timer->retries >= spec->retries_at_least) &&
	       model_is_meant(e, &m->sockets.v[timer->socket]);
}

/* The times at which sockets of the host begin and cease to count, in order. */
static struct turns find_turns(const struct model *m, const struct plan_expect *e, int host,
			       struct arena *scratch)
{
	const struct model_host *h = &m->hosts[host];
	nsec_t *next = arena_new_array(scratch, nsec_t, m->sockets.n);
	struct turns turns = {0};

	for (size_t i = 0; i < m->sockets.n; i++)
		next[i] = NSEC_NEVER;
	for (size_t i = h->timers.n; i-- > 0;) {
		const struct model_timer *timer = &h->timers.v[i];
		nsec_t until = next[timer->socket], from = timer->t;

		next[timer->socket] = timer->t;
		if (!is_asked(m, e, timer))
			continue;
		if (e->spec.left_at_most != NSEC_UNSET)
			from = nsec_later(from, timer->expires - e->spec.left_at_most);
		if (from >= until)
			continue;
		*vec_push(scratch, &turns.list) = (struct turn){from, +1, timer->socket};
		if (until != NSEC_NEVER)
			*vec_push(scratch, &turns.list) = (struct turn){until, -1, timer->socket};
	}
	if (turns.list.n)
		qsort(turns.list.v, turns.list.n, sizeof(*turns.list.v), compare_turns);
	return turns;
}

static struct level count_host(const struct model *m, const struct plan_expect *e, int host,
			       struct arena *scratch)
{
	struct turns turns = find_turns(m, e, host, scratch);
	struct level_step now = {.t = INT64_MIN, .witness = -1};
	struct level level = {0};

	*vec_push(scratch, &level.steps) = now;
	vec_foreach (turn, &turns.list) {
		now.t = turn->t;
		now.value += turn->by;
		if (turn->by > 0)
			now.witness = turn->socket;
		*vec_push(scratch, &level.steps) = now;
	}
	return level;
}

static char *say_bound(const struct expect_spec *spec, struct arena *a)
{
	char *text = arena_printf(a, "%s with timer %s", say_how_many(spec, a),
				  tcp_timer_names[spec->timer]);

	if (spec->retries_at_least != COUNT_UNSET)
		text = arena_printf(a, "%s and %lld retries", text,
				    (long long)spec->retries_at_least);
	if (spec->left_at_most != NSEC_UNSET)
		text = arena_printf(a, "%s and %s left", text, say_duration(spec->left_at_most, a));
	return arena_printf(a, "%s %s", text, say_when(spec, a));
}

static void report(const struct model *m, const struct plan_expect *e, int host,
		   const struct level_step *step, struct arena *a, struct expect_result *ret)
{
	char local[ENDPOINT_TEXT], peer[ENDPOINT_TEXT];

	ret->verdict = bound_is_broken(&e->spec, step->value) ? VERDICT_FAIL : VERDICT_PASS;
	ret->pending = bound_lasts_to_the_end(m->plan, &e->spec);
	ret->subject = arena_printf(a, "%s %s", m->plan->hosts.v[host].name,
				    tcp_timer_names[e->spec.timer]);
	ret->observed = say_count(step->value, "socket", a);
	ret->value = (double)step->value;
	ret->unit = "sockets";
	ret->t = nsec_later(step->t, bound_window(m->plan, &e->spec).from);
	if (step->value <= 0 || step->witness < 0)
		return;
	const struct model_socket *s = &m->sockets.v[step->witness];
	ret->evidence =
		arena_printf(a, "at %s, one of them %s > %s", say_seconds(ret->t, a),
			     endpoint_text(&s->local, local), endpoint_text(&s->peer, peer));
}

static void judge_timer(const struct model *m, const struct plan_expect *e, struct arena *a,
			struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	const struct level_step *worst = NULL;
	int worst_host = -1;

	result_begin(ret, say_bound(&e->spec, a));
	for (size_t i = 0; i < e->hosts.n; i++) {
		int host = (int)e->hosts.v[i];

		if (!m->hosts[host].polled) {
			result_void(ret, m->plan->hosts.v[host].name,
				    arena_strdup(a, "its sockets were never dumped"));
			continue;
		}
		struct level level = count_host(m, e, host, &scratch);
		const struct level_step *step =
			level_worst(&level, bound_window(m->plan, &e->spec), &e->spec);
		if (!worst ||
		    bound_badness(&e->spec, step->value) > bound_badness(&e->spec, worst->value)) {
			worst = step;
			worst_host = host;
		}
	}
	if (worst && (bound_is_broken(&e->spec, worst->value) || ret->verdict != VERDICT_VOID))
		report(m, e, worst_host, worst, a, ret);
}

const struct expect_ops expect_timer = {
	.name = "timer",
	.doc = "for how many TCP sockets of a host a timer of the kernel runs",
	.fields = fields,
	.observes = OBSERVES_TIMERS,
	.check = check,
	.deadline = bound_deadline,
	.judge = judge_timer,
};
