/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"
#include "harness/judge/unclaimed.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it"),
	FIELD(expect_spec, after, "after", FIELD_STRING, FIELD_REQUIRED,
	      "the timeline step's id, or its kind"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only connections to this service"),
	FIELD(expect_spec, within, "within", FIELD_DURATION, FIELD_REQUIRED,
	      "measured from the step's off-edge"),
	{0},
};

/*
 * Judged at each edge of the step, for each instance and each service that it had. It needs as many
 * connections as it had when the step began; where it had none then, but some before (a program that opens
 * one for each request), as many as it had at most at one time. Those that lived through the window are
 * there; a connection is back when a handshake that began after the on-edge was completed and, if
 * the instance had sent data there before, data on it was acknowledged. A `start` step ends nothing, so
 * there a handshake that was under way counts as well. Its time is that of the last one needed, from the
 * off-edge; it is 0 if all were back before that.
 *
 * The window ends with the bound, or with the next on-edge if that comes first: what ends later is
 * another story.
 */

/* One instance and one service at one edge. */
struct subject {
	int app, service;
	nsec_t off;
	size_t missing; /* connections that must come back */
	size_t back;    /* of these, how many did */
	nsec_t t;       /* when the last one was back; NSEC_NEVER: some were not */
};

struct tally {
	const struct model *m;
	const struct plan_expect *e;
	size_t n_edges; /* with an off-edge */
	size_t n_had_any;
	size_t n_judged;
	size_t missing, back; /* over all subjects */
	bool late_edge;       /* something was missing, but the scenario ended before the bound */
	struct subject slowest, never;
	bool any_never;
};

static nsec_t deadline(const struct plan *plan, const struct plan_expect *e)
{
	return deadline_after_off(plan, e, e->spec.within);
}

/* A connection begins or ends: what the number of those alive at one time is counted by. */
struct turn {
	nsec_t t;
	int by; /* +1, -1 */
};

static int compare_turns(const void *a, const void *b)
{
	const struct turn *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return x->by - y->by; /* one that ends makes room for one that begins */
}

static int compare_times(const void *a, const void *b)
{
	nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;

	return x < y ? -1 : x > y;
}

/* How many were established when the step began. */
static size_t count_alive(const struct model *m, const int *conns, size_t n, nsec_t began)
{
	size_t alive = 0;

	for (size_t i = 0; i < n; i++) {
		const struct model_connection *c = &m->connections.v[conns[i]];

		alive += c->established < began && model_connection_over(m, c) >= began;
	}
	return alive;
}

/* The largest number of connections established at one time before `on`. */
static size_t count_most(const struct model *m, const int *conns, size_t n, nsec_t on,
			 struct arena *scratch)
{
	struct turn *turns = arena_new_array(scratch, struct turn, n * 2);
	size_t n_turns = 0;
	int now = 0, most = 0;

	for (size_t i = 0; i < n; i++) {
		const struct model_connection *c = &m->connections.v[conns[i]];

		if (c->established >= on)
			continue;
		turns[n_turns++] = (struct turn){c->established, +1};
		turns[n_turns++] = (struct turn){model_connection_over(m, c), -1};
	}
	qsort(turns, n_turns, sizeof(*turns), compare_turns);
	for (size_t i = 0; i < n_turns && turns[i].t < on; i++) {
		now += turns[i].by;
		most = now > most ? now : most;
	}
	return (size_t)most;
}

/* What a connection must be like to count as back. */
struct wanted {
	nsec_t began;   /* what stood then is to be there again */
	nsec_t on;      /* completed after this */
	bool under_way; /* it may have begun before that */
	bool with_data;
};

/* When this one counts as back; NSEC_NEVER: it does not. */
static nsec_t back_at(const struct model_connection *c, const struct wanted *w)
{
	if (c->established == NSEC_NEVER || c->established <= w->on ||
	    (c->first_syn <= w->on && !w->under_way))
		return NSEC_NEVER;
	return w->with_data ? nsec_later(c->established, c->end[OPENER].acked) : c->established;
}

static struct subject look_at(const struct model *m, const int *conns, size_t n,
			      struct wanted wanted, nsec_t window_end, struct arena *scratch)
{
	nsec_t on = wanted.on;
	nsec_t *times = arena_new_array(scratch, nsec_t, n);
	size_t n_times = 0, survivors = 0;
	struct subject s = {.t = NSEC_NEVER};

	for (size_t i = 0; i < n; i++) {
		const struct model_connection *c = &m->connections.v[conns[i]];

		wanted.with_data = wanted.with_data || c->end[OPENER].data < on;
		if (c->established < on && model_connection_over(m, c) > window_end)
			survivors++;
	}
	for (size_t i = 0; i < n; i++) {
		nsec_t t = back_at(&m->connections.v[conns[i]], &wanted);

		if (t != NSEC_NEVER)
			times[n_times++] = t;
	}
	qsort(times, n_times, sizeof(*times), compare_times);
	size_t need = count_alive(m, conns, n, wanted.began);
	if (!need)
		need = count_most(m, conns, n, on, scratch);
	s.missing = need > survivors ? need - survivors : 0;
	s.back = n_times < s.missing ? n_times : s.missing;
	if (s.missing && s.back == s.missing)
		s.t = times[s.missing - 1];
	return s;
}

static bool had_connection(const struct model *m, const int *conns, size_t n, nsec_t on)
{
	for (size_t i = 0; i < n; i++)
		if (m->connections.v[conns[i]].established < on)
			return true;
	return false;
}

static nsec_t time_taken(const struct subject *s)
{
	return nsec_later(0, s->t - s->off);
}

static void tally_subject(struct tally *t, const struct subject *s)
{
	t->missing += s->missing;
	t->back += s->back;
	if (s->t == NSEC_NEVER && bound_is_cut_off(t->m->plan, &t->e->spec, s->off)) {
		t->late_edge = true;
		return;
	}
	if (s->t == NSEC_NEVER) {
		t->never = t->any_never ? t->never : *s;
		t->any_never = true;
	} else if (!t->n_judged || time_taken(s) > time_taken(&t->slowest)) {
		t->slowest = *s;
	}
	t->n_judged += s->t != NSEC_NEVER;
}

/* An instance's connections stand in runs of one service each. */
static void tally_instance(struct tally *t, int app, const struct model_edge *edge,
			   nsec_t window_end)
{
	const struct model *m = t->m;
	const struct model_app *own = &m->apps[app];
	size_t end;

	for (size_t i = 0; i < own->opened.n; i = end) {
		_cleanup_arena_ struct arena scratch = {0};
		int service = m->connections.v[own->opened.v[i]].service;
		const int *run = &own->opened.v[i];

		for (end = i + 1; end < own->opened.n; end++)
			if (m->connections.v[own->opened.v[end]].service != service)
				break;
		if (!model_is_peer(m, t->e, service) || !had_connection(m, run, end - i, edge->on))
			continue;
		t->n_had_any++;
		const struct wanted wanted = {
			.began = edge->began,
			.on = edge->on,
			.under_way = m->plan->steps.v[t->e->step].step == STEP_START,
		};
		struct subject s = look_at(m, run, end - i, wanted, window_end, &scratch);
		s.app = app;
		s.service = service;
		s.off = edge->off;
		if (s.missing)
			tally_subject(t, &s);
	}
}

static void tally_edge(struct tally *t, size_t index)
{
	const struct model_step *step = &t->m->steps[t->e->step];
	const struct model_edge *edge = &step->edges.v[index];
	nsec_t window_end;

	if (edge->on == NSEC_NEVER || edge->off == NSEC_NEVER)
		return;
	t->n_edges++;
	window_end = nsec_earlier(t->m->plan->duration, edge->off + t->e->spec.within);
	if (index + 1 < step->edges.n)
		window_end = nsec_earlier(window_end, step->edges.v[index + 1].on);
	for (size_t i = 0; i < t->e->apps.n; i++)
		tally_instance(t, (int)t->e->apps.v[i], edge, window_end);
}

static char *say_void(const struct tally *t, struct arena *a)
{
	const char *after = t->e->spec.after;

	if (!t->n_edges)
		return arena_printf(a, "'%s' was not lifted before the end", after);
	if (!t->n_had_any)
		return arena_printf(a, "there was no connection before '%s'", after);
	if (t->late_edge)
		return arena_strdup(a, "the scenario ends before the bound: make it longer");
	return arena_printf(a, "no connection ended by '%s'", after);
}

static void report(const struct tally *t, struct arena *a, struct expect_result *ret)
{
	const struct subject *s = t->any_never ? &t->never : &t->slowest;

	if (!t->any_never && (!t->n_judged || t->late_edge)) {
		result_void(ret, t->e->spec.app, say_void(t, a));
		return;
	}
	ret->subject = arena_printf(a, "%s > %s", t->m->plan->apps.v[s->app].name,
				    t->m->services.v[s->service].name);
	if (t->any_never) {
		ret->verdict = VERDICT_FAIL;
		ret->pending = true;
		ret->observed = arena_printf(a, "%zu of %zu are back", t->back, t->missing);
		ret->t = s->off;
		return;
	}
	nsec_t took = time_taken(s);
	ret->verdict = took > t->e->spec.within ? VERDICT_FAIL : VERDICT_PASS;
	ret->observed = say_seconds_against(took, t->e->spec.within, a);
	ret->value = to_seconds(took);
	ret->unit = "s";
	ret->evidence =
		arena_printf(a, "the last of %s was back at %s",
			     say_count((int64_t)s->missing, "connection", a), say_seconds(s->t, a));
	ret->t = s->t;
}

static void judge_reconnects(const struct model *m, const struct plan_expect *e, struct arena *a,
			     struct expect_result *ret)
{
	struct tally t = {.m = m, .e = e};
	struct unclaimed unclaimed = unclaimed_find(m, e, model_first_on(m, e));

	result_begin(ret, arena_printf(a, "within %s after %s", say_duration(e->spec.within, a),
				       e->spec.after));
	for (size_t i = 0; i < m->steps[e->step].edges.n; i++)
		tally_edge(&t, i);
	report(&t, a, ret);
	if (unclaimed.established && ret->verdict == VERDICT_FAIL)
		unclaimed_void(m, e, &unclaimed, a, ret);
}

const struct expect_ops expect_reconnects = {
	.name = "reconnects",
	.doc = "an app has as many connections again as before, with data acknowledged",
	.fields = fields,
	.needs_peer = true,
	.deadline = deadline,
	.judge = judge_reconnects,
};
