/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/judge/say.h"
#include "harness/judge/span.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only connections to this service"),
	FIELD(expect_spec, fault, "fault", FIELD_STRING, 0,
	      "a timeline step's id, or its kind: from its on-edge to its off-edge"),
	FIELD_DURING,
	{0},
};

/*
 * Judged are the connections of each instance, at either end, that were established when the window
 * began. One has ended when either end has sent a FIN or an RST or its socket is gone, whoever caused
 * it: the app, the kernel, a forged reset, a step of the timeline. An instance that had no connection
 * then has shown nothing.
 */
struct tally {
	const struct model *m;
	const struct plan_expect *e;
	size_t n_windows;
	size_t n_held;         /* established when a window began */
	size_t n_ended;        /* of these, in the window */
	int unconnected;       /* an instance without a connection; -1: none */
	nsec_t unconnected_at; /* the window's begin */
	int first, own;        /* the connection that ended first, and the end that the app is */
	nsec_t first_t, first_from;
};

static void tally_instance(struct tally *t, int app, struct window w)
{
	const struct model *m = t->m;
	size_t held_before = t->n_held;

	vec_foreach (i, &m->apps[app].connections) {
		const struct model_connection *c = &m->connections.v[*i];
		nsec_t over = model_connection_over(m, c);

		if (c->established > w.from || over < w.from || !model_is_peer(m, t->e, c->service))
			continue;
		t->n_held++;
		if (over > w.to)
			continue;
		t->n_ended++;
		if (over >= t->first_t)
			continue;
		t->first_t = over;
		t->first_from = w.from;
		t->first = *i;
		t->own = c->end[OPENER].app == app ? OPENER : ACCEPTOR;
	}
	if (t->n_held == held_before && t->unconnected < 0) {
		t->unconnected = app;
		t->unconnected_at = w.from;
	}
}

static void tally_window(struct tally *t, struct window w)
{
	t->n_windows++;
	for (size_t i = 0; i < t->e->apps.n; i++)
		tally_instance(t, (int)t->e->apps.v[i], w);
}

static void tally_all(struct tally *t)
{
	const struct plan *plan = t->m->plan;

	if (!t->e->spec.fault) {
		tally_window(t, bound_window(plan, &t->e->spec));
		return;
	}
	vec_foreach (edge, &t->m->steps[t->e->step].edges)
		if (edge->on != NSEC_NEVER)
			tally_window(t, (struct window){edge->on,
							nsec_earlier(edge->off, plan->duration)});
}

/* "client: FIN sent at 3.000 s": what was first seen of the end of this end. */
static char *say_end(const struct model *m, const struct model_end *e, struct arena *a)
{
	const char *name = e->app >= 0    ? m->plan->apps.v[e->app].name
			   : e->host >= 0 ? m->plan->hosts.v[e->host].name
					  : "?";
	nsec_t gone = e->socket < 0 ? NSEC_NEVER : m->sockets.v[e->socket].end;
	nsec_t over = model_end_over(m, e);
	const char *how = over == e->fin ? "FIN sent" : over == e->rst ? "RST sent" : "socket gone";

	if (over == NSEC_NEVER)
		return arena_printf(a, "%s: still open", name);
	if (e->forged <= over)
		return arena_printf(a, "%s: forged reset at %s", name, say_seconds(e->forged, a));
	if (over == gone && m->sockets.v[e->socket].end_since != gone)
		return arena_printf(a, "%s: socket gone between %s and %s", name,
				    say_seconds(m->sockets.v[e->socket].end_since, a),
				    say_seconds(gone, a));
	return arena_printf(a, "%s: %s at %s", name, how, say_seconds(over, a));
}

static void report_ended(const struct tally *t, struct arena *a, struct expect_result *ret)
{
	const struct model_connection *c = &t->m->connections.v[t->first];

	ret->verdict = VERDICT_FAIL;
	ret->subject = model_connection_text(t->m, c, t->own, a);
	ret->observed =
		arena_printf(a, "%zu of %s ended, the first %s after %s", t->n_ended,
			     say_count((int64_t)t->n_held, "connection", a),
			     say_seconds(t->first_t - t->first_from, a),
			     t->e->spec.fault ? t->e->spec.fault : say_seconds(t->first_from, a));
	ret->evidence = arena_printf(a, "%s; %s", say_end(t->m, &c->end[t->own], a),
				     say_end(t->m, &c->end[!t->own], a));
	ret->t = t->first_t;
}

static void report(const struct tally *t, struct arena *a, struct expect_result *ret)
{
	ret->value = (double)t->n_ended;
	ret->unit = "connections";
	if (t->n_ended) {
		report_ended(t, a, ret);
	} else if (!t->n_windows) {
		span_void(t->e, a, ret);
	} else if (t->unconnected >= 0) {
		result_void(ret, t->m->plan->apps.v[t->unconnected].name,
			    arena_printf(a, "it had no connection at %s",
					 say_seconds(t->unconnected_at, a)));
	} else {
		ret->subject = t->e->spec.app;
		ret->observed = arena_printf(a, "none of %s ended",
					     say_count((int64_t)t->n_held, "connection", a));
	}
}

static void judge_stays_connected(const struct model *m, const struct plan_expect *e,
				  struct arena *a, struct expect_result *ret)
{
	struct tally t = {.m = m, .e = e, .unconnected = -1, .first_t = NSEC_NEVER};

	result_begin(ret, arena_printf(a, "no connection ends %s",
				       e->spec.fault ? arena_printf(a, "during %s", e->spec.fault)
						     : say_when(&e->spec, a)));
	tally_all(&t);
	report(&t, a, ret);
}

const struct expect_ops expect_stays_connected = {
	.name = "stays-connected",
	.doc = "none of an app's connections ends in a window (default: the whole run)",
	.fields = fields,
	.needs_peer = true,
	.check = span_check,
	.deadline = bound_deadline,
	.judge = judge_stays_connected,
};
