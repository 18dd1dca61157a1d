/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"
#include "harness/judge/took.h"
#include "harness/judge/unclaimed.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it"),
	FIELD(expect_spec, fault, "fault", FIELD_STRING, FIELD_REQUIRED,
	      "the timeline step's id, or its kind"),
	FIELD(expect_spec, peer, "peer", FIELD_STRING, 0,
	      "\"host:port\": only connections to this service"),
	FIELD(expect_spec, within, "within", FIELD_DURATION, FIELD_REQUIRED,
	      "the slowest connection, measured from the on-edge"),
	FIELD(expect_spec, not_before, "not-before", FIELD_DURATION, 0,
	      "no connection sooner than this after the on-edge"),
	{0},
};

/*
 * Judged at each on-edge that came, over the connections that cross the step's cables, were
 * established by then and had not ended. One is detected by the first FIN or RST that the app's own
 * host sends, or by the end of the app's socket (an abort by the kernel's own timeout leaves no
 * packet), or when a poll shows that the app has closed it (behind data that nobody acknowledges no
 * FIN is sent). A socket that a reset of the other end's host has ended is there until its app closes it:
 * only that is its end here. For the only such connection of an instance to a service the next attempt at that
 * service tells as well: a program may leave a dead socket open. But not if it had begun others there
 * meanwhile.
 *
 * What the harness did is not detection. A connection is left out if a stop, kill or restart of
 * this very app, or a forged reset that ended its socket, came before the app could show anything.
 * An app that was stopped only after the bound had passed has failed all the same.
 */
enum how { BY_FIN, BY_RST, BY_CLOSE, BY_SOCKET, BY_ATTEMPT, BY_HARNESS, NOT_AT_ALL };

/* One connection at one edge. */
struct sighting {
	int connection, own; /* own: the end that the app is */
	nsec_t on;           /* the edge */
	nsec_t since, t;     /* within which it was detected; t is NSEC_NEVER: it was not */
	enum how how;
};

struct tally {
	const struct model *m;
	const struct plan_expect *e;
	const bool *on_cable; /* of each host */
	int *rivals;          /* of each service: the instance's connections that count */
	size_t n_edges;       /* that came */
	size_t n_crossing;    /* connections at all edges */
	size_t n_excused;     /* ended by the harness before they had to be detected */
	size_t n_cut_off;     /* not detected, but the scenario ended before the bound */
	bool missed_any;
	struct sighting missed;
	struct tooks tooks; /* of what was detected; each of its own sighting */
	struct arena *scratch;
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	if (spec->not_before == NSEC_UNSET || spec->not_before <= spec->within)
		return true;
	return flaw_set(flaw, "not-before", "not-before is later than within",
			"nothing can be detected no sooner than not-before and within the bound");
}

static nsec_t deadline(const struct plan *plan, const struct plan_expect *e)
{
	return deadline_after_on(plan, e, e->spec.within);
}

/* The hosts whose cables the step is on; of a step on apps, the hosts of these. */
static bool *find_cables(const struct plan *plan, const struct plan_step *s, struct arena *a)
{
	bool *on = arena_new_array(a, bool, plan->hosts.n);

	for (size_t i = 0; i < s->cables.n; i++)
		on[s->cables.v[i]] = true;
	for (size_t i = 0; i < s->apps.n; i++)
		on[plan->apps.v[s->apps.v[i]].host] = true;
	return on;
}

/* A partition that has these two hosts on different sides. */
static bool parts(const struct plan_step *s, int host, int other)
{
	int a = plan_side_of(s, host), b = plan_side_of(s, other);

	return a != SIDE_NONE && b != SIDE_NONE && a != b;
}

/* An established connection has no packets of these kinds. */
static bool none_of_a_connection(const struct strings *kinds)
{
	for (size_t i = 0; i < kinds->n; i++)
		if (strcmp(kinds->v[i], "syn") != 0 && strcmp(kinds->v[i], "syn-ack") != 0 &&
		    strcmp(kinds->v[i], "dns") != 0)
			return false;
	return kinds->n > 0;
}

/* The step's match may let packets of the connection be touched on the cable of this end. */
static bool may_touch(const struct plan_step *s, const struct model_connection *c, int end)
{
	const struct match_spec *match = &s->fault.match;
	int other = c->end[!end].host;

	if (s->step != STEP_FAULT)
		return true;
	if (s->sides.n && (other < 0 || !parts(s, c->end[end].host, other)))
		return false;
	if (match->protocol != ENUM_UNSET && match->protocol != MATCH_TCP)
		return false;
	if (none_of_a_connection(&match->kind))
		return false;
	if (match->port != COUNT_UNSET && match->port != c->end[OPENER].at.port &&
	    match->port != c->end[ACCEPTOR].at.port)
		return false;
	return !s->match_peers.n || index_list_has(&s->match_peers, other);
}

static bool crosses(const struct tally *t, const struct model_connection *c)
{
	const struct plan_step *step = &t->m->plan->steps.v[t->e->step];

	for (int i = 0; i < N_ENDS; i++)
		if (c->end[i].host >= 0 && t->on_cable[c->end[i].host] && may_touch(step, c, i))
			return true;
	return false;
}

/* It is one that must be detected after the edge. */
static bool counts(const struct tally *t, const struct model_connection *c, nsec_t began)
{
	return c->established <= began && model_connection_over(t->m, c) >= began &&
	       crosses(t, c) && model_is_peer(t->m, t->e, c->service);
}

static void see(struct sighting *s, nsec_t since, nsec_t t, enum how how)
{
	if (t >= s->t)
		return;
	s->since = since;
	s->t = t;
	s->how = how;
}

/*
 * It began others at the service while one that counts was there: a program that polls beside a
 * connection begins the next one whether it has noticed anything or not.
 */
static bool has_beside(const struct tally *t, const struct model_app *own, int connection,
		       nsec_t on)
{
	const struct model *m = t->m;
	const struct model_connection *c = &m->connections.v[connection];

	vec_foreach (other, &own->attempts)
		if (other->service == c->service && other->start > c->established &&
		    other->start <= on)
			return true;
	return false;
}

/* The instance's first attempt at the service after the edge. */
static nsec_t next_attempt(const struct model *m, int app, int service, nsec_t on)
{
	vec_foreach (next, &m->apps[app].attempts)
		if (next->service == service && next->start > on)
			return next->start;
	return NSEC_NEVER;
}

/*
 * The end of the app's socket. What a reset has ended polls find no more, whether the app has noticed or
 * not: only the kernel's notification tells that it was closed. Where some of these were lost, what the polls
 * found is all there is.
 */
static void see_end(const struct model *m, const struct model_end *own, struct sighting *s)
{
	const struct model_socket *socket = &m->sockets.v[own->socket];
	bool was_reset = own->reset != NSEC_NEVER && own->reset <= socket->end;

	vec_foreach (lost, &m->hosts[own->host].notes_lost)
		if (*lost >= own->reset)
			was_reset = false;
	if (was_reset)
		see(s, socket->destroyed, socket->destroyed, BY_SOCKET);
	else
		see(s, socket->end_since, socket->end, BY_SOCKET);
}

static struct sighting look_at(const struct tally *t, int app, int connection, nsec_t on)
{
	const struct model *m = t->m;
	const struct model_connection *c = &m->connections.v[connection];
	struct sighting s = {.connection = connection, .on = on, .t = NSEC_NEVER};
	nsec_t next = next_attempt(m, app, c->service, on);
	bool reset_by_fault;

	s.own = c->end[OPENER].app == app ? OPENER : ACCEPTOR;
	s.how = NOT_AT_ALL;
	const struct model_end *own = &c->end[s.own];
	reset_by_fault = model_reset_by_fault(m, own);
	if (!reset_by_fault) {
		see(&s, own->fin, own->fin, BY_FIN);
		see(&s, own->rst, own->rst, BY_RST);
		if (own->socket >= 0) {
			const struct model_socket *socket = &m->sockets.v[own->socket];

			see(&s, socket->closed_since, socket->closed, BY_CLOSE);
			see_end(m, own, &s);
		}
	}
	if (s.own == OPENER && t->rivals[c->service] == 1 &&
	    !has_beside(t, &m->apps[app], connection, on))
		see(&s, next, next, BY_ATTEMPT);

	nsec_t act = model_harness_act_after(m, app, c->established);
	bool had_its_time = act != NSEC_NEVER && act - on >= t->e->spec.within;
	if (s.t >= act) {
		s.t = NSEC_NEVER;
		s.how = act == NSEC_NEVER || had_its_time ? NOT_AT_ALL : BY_HARNESS;
	}
	if (s.how == NOT_AT_ALL && reset_by_fault)
		s.how = BY_HARNESS;
	return s;
}

static void tally_sighting(struct tally *t, const struct sighting *s)
{
	t->n_crossing++;
	if (s->how == BY_HARNESS) {
		t->n_excused++;
		return;
	}
	if (s->how == NOT_AT_ALL && bound_is_cut_off(t->m->plan, &t->e->spec, s->on)) {
		t->n_cut_off++;
		return;
	}
	if (s->how == NOT_AT_ALL) {
		t->missed = t->missed_any ? t->missed : *s;
		t->missed_any = true;
		return;
	}
	struct sighting *kept = arena_new(t->scratch, struct sighting);

	*kept = *s;
	tooks_add(&t->tooks, &(struct took){
				     .least = nsec_later(0, s->since - s->on),
				     .most = nsec_later(0, s->t - s->on),
				     .of = kept,
			     });
}

static void tally_instance(struct tally *t, int app, const struct model_edge *edge)
{
	const struct model *m = t->m;
	const struct model_app *own = &m->apps[app];

	for (size_t i = 0; i < m->services.n; i++)
		t->rivals[i] = 0;
	vec_foreach (i, &own->opened)
		if (counts(t, &m->connections.v[*i], edge->began))
			t->rivals[m->connections.v[*i].service]++;
	vec_foreach (i, &own->connections) {
		if (!counts(t, &m->connections.v[*i], edge->began))
			continue;
		struct sighting s = look_at(t, app, *i, edge->on);

		tally_sighting(t, &s);
	}
}

static char *say_evidence(const struct sighting *s, struct arena *a)
{
	char *at = say_seconds(s->t, a);

	switch (s->how) {
	case BY_FIN:
		return arena_printf(a, "FIN sent at %s", at);
	case BY_RST:
		return arena_printf(a, "RST sent at %s", at);
	case BY_ATTEMPT:
		return arena_printf(a, "next attempt: SYN sent at %s", at);
	case BY_CLOSE:
		return arena_printf(a, "socket closed between %s and %s, nothing sent",
				    say_seconds(s->since, a), at);
	case BY_SOCKET:
		if (s->since == s->t)
			return arena_printf(a, "socket destroyed at %s", at);
		return arena_printf(a, "socket gone between %s and %s", say_seconds(s->since, a),
				    at);
	default:
		return NULL;
	}
}

static void report_time(const struct tally *t, struct arena *a, struct expect_result *ret)
{
	const struct sighting *s = tooks_judge(&t->tooks, &t->e->spec, a, ret)->of;

	ret->subject = model_connection_text(t->m, &t->m->connections.v[s->connection], s->own, a);
	ret->evidence = say_evidence(s, a);
	ret->t = s->t;
}

static void report_missed(const struct tally *t, struct arena *a, struct expect_result *ret)
{
	const struct sighting *s = &t->missed;

	ret->verdict = VERDICT_FAIL;
	ret->pending = true;
	ret->subject = model_connection_text(t->m, &t->m->connections.v[s->connection], s->own, a);
	ret->observed = arena_printf(a, "not detected until the end (%s after the edge)",
				     say_seconds(t->m->plan->duration - s->on, a));
	ret->t = s->on;
}

static bool is_narrowed(const struct tally *t)
{
	const struct plan_step *step = &t->m->plan->steps.v[t->e->step];
	const struct match_spec *match = &step->fault.match;

	return t->e->peer_hosts.n ||
	       (step->step == STEP_FAULT && (match->port != COUNT_UNSET || step->match_peers.n ||
					     match->kind.n || match->protocol != ENUM_UNSET));
}

/* Why nothing could be judged. */
static char *say_void(const struct tally *t, const char *label, struct arena *a)
{
	if (!t->n_edges)
		return arena_printf(a, "'%s' never began", label);
	if (!t->n_crossing)
		return arena_printf(a,
				    "no established connection%s crossed the cable when '%s' "
				    "began",
				    is_narrowed(t) ? " that its match and `peer` let through" : "",
				    label);
	if (t->n_cut_off)
		return arena_strdup(a, "the scenario ends before the bound: make it longer");
	return arena_strdup(a,
			    "the harness itself ended each connection before it could be judged");
}

static void report(const struct tally *t, struct arena *a, struct expect_result *ret)
{
	const struct expect_spec *spec = &t->e->spec;

	if (t->missed_any) {
		report_missed(t, a, ret);
		return;
	}
	if (t->tooks.n)
		report_time(t, a, ret);
	if (!t->tooks.n || (t->n_cut_off && ret->verdict == VERDICT_PASS))
		result_void(ret, spec->app, say_void(t, spec->fault, a));
}

static void judge_detects(const struct model *m, const struct plan_expect *e, struct arena *a,
			  struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	char *bound =
		arena_printf(a, "within %s of %s", say_duration(e->spec.within, a), e->spec.fault);

	if (e->spec.not_before != NSEC_UNSET)
		bound = arena_printf(a, "%s, not before %s", bound,
				     say_duration(e->spec.not_before, a));
	result_begin(ret, bound);
	struct tally t = {
		.m = m,
		.e = e,
		.on_cable = find_cables(m->plan, &m->plan->steps.v[e->step], &scratch),
		.rivals = arena_new_array(&scratch, int, m->services.n),
		.scratch = &scratch,
	};
	struct unclaimed unclaimed = unclaimed_find(m, e, model_first_on(m, e));
	vec_foreach (edge, &m->steps[e->step].edges) {
		if (edge->on == NSEC_NEVER)
			continue;
		t.n_edges++;
		for (size_t i = 0; i < e->apps.n; i++)
			tally_instance(&t, (int)e->apps.v[i], edge);
	}
	report(&t, a, ret);
	/* One of these may be the next attempt. */
	if (unclaimed.attempts && ret->verdict == VERDICT_FAIL)
		unclaimed_void(m, e, &unclaimed, a, ret);
}

const struct expect_ops expect_detects = {
	.name = "detects",
	.doc = "an app notices a fault: it ends each connection that crosses the cable",
	.fields = fields,
	.needs_peer = true,
	.check = check,
	.deadline = deadline,
	.judge = judge_detects,
};
