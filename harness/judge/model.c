/* SPDX-License-Identifier: MIT */
#include "harness/judge/model.h"

#include <arpa/inet.h>
#include <string.h>

#include "harness/judge/model_build.h"
#include "harness/judge/tolerance.h"

#define DNS_PORT 53

int builder_host(const struct model_builder *b, const struct endpoint *e)
{
	struct lookup_key key = {0};

	key_add_addr(&key, e);
	return lookup_get(&b->host_by_addr, &key);
}

/* 127/8, ::1 and the IPv4-mapped form of the former. */
static bool is_loopback(const struct endpoint *e)
{
	struct in6_addr v6;

	if (e->family == AF_INET)
		return e->addr[0] == 127;
	memcpy(&v6, e->addr, sizeof(v6));
	return IN6_IS_ADDR_LOOPBACK(&v6) || (IN6_IS_ADDR_V4MAPPED(&v6) && e->addr[12] == 127);
}

bool builder_ignores(const struct model_builder *b, const struct endpoint *x,
		     const struct endpoint *y)
{
	int host = builder_host(b, x);

	return x->port == DNS_PORT || y->port == DNS_PORT || is_loopback(x) || is_loopback(y) ||
	       (host >= 0 && host == builder_host(b, y));
}

static void add_address(struct model_builder *b, const char *text, int host)
{
	struct endpoint e = {0};
	struct lookup_key key = {0};

	if (!text)
		return;
	e.family = strchr(text, ':') ? AF_INET6 : AF_INET;
	if (inet_pton(e.family, text, e.addr) != 1)
		return;
	key_add_addr(&key, &e);
	*lookup_at(&b->host_by_addr, &key) = host;
}

/* Which of the programs has ended does not matter: only when some ran. */
static void add_exec(struct model *m, const struct observation *o)
{
	if (o->host < 0 || (size_t)o->host >= m->plan->hosts.n)
		return;
	struct model_host *h = &m->hosts[o->host];
	if (o->event == EV_START) {
		*vec_push(m->arena, &h->execs) =
			(struct model_life){.start = o->t, .exit = NSEC_NEVER};
		return;
	}
	vec_foreach (life, &h->execs)
		if (o->event == EV_EXIT && life->exit == NSEC_NEVER) {
			life->exit = o->t;
			return;
		}
}

static void add_process(struct model *m, const struct observation *o)
{
	if (o->app < 0) {
		add_exec(m, o);
		return;
	}
	if ((size_t)o->app >= m->plan->apps.n)
		return;
	struct model_app *app = &m->apps[o->app];
	if (o->event == EV_SAMPLE) {
		*vec_push(m->arena, &app->samples) =
			(struct model_sample){.t = o->t, .fds = o->process.fds};
		return;
	}
	if (o->event == EV_START) {
		*vec_push(m->arena, &app->lives) =
			(struct model_life){.start = o->t, .exit = NSEC_NEVER};
		return;
	}
	if (!app->lives.n || app->lives.v[app->lives.n - 1].exit != NSEC_NEVER)
		return; /* its start was not seen: nothing to measure from */
	struct model_life *life = &app->lives.v[app->lives.n - 1];
	life->exit = o->t;
	life->status = o->process.status;
	life->signal = o->process.signal;
	life->by_harness = o->process.by_harness;
	if (life->by_harness)
		*vec_push(m->arena, &app->harness_acts) = o->t;
}

static void add_line(struct model *m, const struct observation *o)
{
	struct model_line line = {.t = o->t, .text = o->text};

	if (o->app < 0 || (size_t)o->app >= m->plan->apps.n || !o->text)
		return;
	struct model_app *app = &m->apps[o->app];
	if (o->event == EV_LOG)
		*vec_push(m->arena, &app->logged) = line;
	else
		*vec_push(m->arena, &app->json) = line;
}

static void add_count(struct model *m, const struct observation *o)
{
	if (o->host < 0 || (size_t)o->host >= m->plan->hosts.n || !o->text)
		return;
	*vec_push(m->arena, &m->hosts[o->host].counts) =
		(struct model_count){.t = o->t, .name = o->text, .value = o->counter.value};
}

static void add_counted(struct model *m, const struct observation *o)
{
	const struct plan *plan = m->plan;

	if (o->host >= 0 && (size_t)o->host < plan->hosts.n && o->packet.expect >= 0 &&
	    (size_t)o->packet.expect < plan->expects.n)
		*vec_push(m->arena, &m->hosts[o->host].packets) = (struct model_packet){
			.t = o->t, .label = plan->expects.v[o->packet.expect].label};
}

static bool ends_apps(const struct plan_step *s)
{
	return s->step == STEP_STOP || s->step == STEP_KILL || s->step == STEP_RESTART;
}

static void begin_edge(struct model *m, const struct plan_step *s, const struct observation *o)
{
	struct model_edge *e = &m->steps[o->fault.step].edges.v[o->fault.edge];
	const struct plan_edge *planned = &s->edges.v[o->fault.edge];
	nsec_t due = o->fault.asked == NSEC_UNSET ? o->t : nsec_earlier(o->t, o->fault.asked);

	e->on = nsec_earlier(e->on, o->t);
	e->began = nsec_earlier(e->began, s->step == STEP_FAULT ? o->t : due);
	if (planned->on == planned->off)
		e->off = nsec_earlier(e->off, o->t);
	for (size_t i = 0; ends_apps(s) && i < s->apps.n; i++)
		*vec_push(m->arena, &m->apps[s->apps.v[i]].harness_acts) = due;
}

static void add_edge(struct model *m, const struct observation *o)
{
	const struct obs_fault *f = &o->fault;

	if (f->step < 0 || (size_t)f->step >= m->plan->steps.n)
		return;
	const struct plan_step *s = &m->plan->steps.v[f->step];
	if (f->edge < 0 || (size_t)f->edge >= s->edges.n)
		return;
	if (o->event == EV_ON)
		begin_edge(m, s, o);
	/* One that is to stay until the end is lifted by the end, not by the plan. */
	struct model_edge *e = &m->steps[f->step].edges.v[f->edge];
	if (o->event == EV_OFF && s->edges.v[f->edge].off != NSEC_NEVER)
		e->off = nsec_earlier(e->off, o->t);
}

static void add_record(struct model_builder *b, const struct observation *o)
{
	switch (o->source) {
	case OBS_PACKET:
		if (o->event == EV_COUNTED)
			add_counted(b->m, o);
		else
			builder_add_packet(b, o);
		break;
	case OBS_SOCKET:
		builder_add_socket(b, o);
		break;
	case OBS_PROCESS:
		add_process(b->m, o);
		break;
	case OBS_APP:
		add_line(b->m, o);
		break;
	case OBS_FAULT:
		add_edge(b->m, o);
		break;
	case OBS_COUNTER:
		add_count(b->m, o);
		break;
	case OBS_LAG:
		if (o->event == EV_NOTIFY_LOST && o->host >= 0)
			*vec_push(b->m->arena, &b->m->hosts[o->host].notes_lost) = o->t;
		break;
	default:
		break;
	}
}

static struct model *new_model(const struct plan *plan, struct arena *a)
{
	struct model *m = arena_new(a, struct model);

	m->plan = plan;
	m->arena = a;
	m->apps = arena_new_array(a, struct model_app, plan->apps.n);
	m->hosts = arena_new_array(a, struct model_host, plan->hosts.n);
	m->steps = arena_new_array(a, struct model_step, plan->steps.n);
	for (size_t i = 0; i < plan->steps.n; i++)
		for (size_t edge = 0; edge < plan->steps.v[i].edges.n; edge++)
			*vec_push(a, &m->steps[i].edges) =
				(struct model_edge){NSEC_NEVER, NSEC_NEVER, NSEC_NEVER};
	return m;
}

struct model *model_build(const struct plan *plan, const struct observations *obs, struct arena *a)
{
	struct model_builder b = {
		.m = new_model(plan, a),
		.host_by_addr.arena = a,
		.socket_by_cookie.arena = a,
		.connection_by_tuple.arena = a,
		.service_by_end.arena = a,
	};

	for (size_t i = 0; i < plan->hosts.n; i++) {
		add_address(&b, plan->hosts.v[i].ip4, (int)i);
		add_address(&b, plan->hosts.v[i].ip6, (int)i);
	}
	for (size_t i = 0; i < obs->list.n && obs->list.v[i].t <= plan->duration; i++)
		add_record(&b, &obs->list.v[i]);
	builder_find_owners(&b);
	builder_make_attempts(&b);
	return b.m;
}

nsec_t model_end_over(const struct model *m, const struct model_end *e)
{
	nsec_t sent = nsec_earlier(e->fin, e->rst);

	if (e->socket < 0)
		return sent;
	const struct model_socket *s = &m->sockets.v[e->socket];
	return nsec_earlier(sent, nsec_earlier(s->closed, s->end));
}

nsec_t model_connection_over(const struct model *m, const struct model_connection *c)
{
	return nsec_earlier(c->refused, nsec_earlier(model_end_over(m, &c->end[OPENER]),
						     model_end_over(m, &c->end[ACCEPTOR])));
}

bool model_reset_by_fault(const struct model *m, const struct model_end *e)
{
	if (e->forged == NSEC_NEVER)
		return false;
	if (e->socket < 0)
		return true; /* nothing says that it survived */
	const struct model_socket *s = &m->sockets.v[e->socket];
	return s->end >= e->forged && s->end != NSEC_NEVER &&
	       s->end_since <= e->forged + TOLERANCE_POLLED;
}

nsec_t model_harness_act_after(const struct model *m, int app, nsec_t t)
{
	nsec_t first = NSEC_NEVER;

	vec_foreach (act, &m->apps[app].harness_acts)
		if (*act >= t)
			first = nsec_earlier(first, *act);
	return first;
}

nsec_t model_first_on(const struct model *m, const struct plan_expect *e)
{
	nsec_t first = NSEC_NEVER;

	vec_foreach (edge, &m->steps[e->step].edges)
		first = nsec_earlier(first, edge->on);
	return first;
}

bool model_is_peer(const struct model *m, const struct plan_expect *e, int service)
{
	const struct model_service *s = &m->services.v[service];

	if (!e->peer_hosts.n)
		return true;
	if (e->peer_port != COUNT_UNSET && e->peer_port != s->port)
		return false;
	return index_list_has(&e->peer_hosts, s->host);
}

bool model_is_meant(const struct plan_expect *e, const struct model_socket *s)
{
	if (e->spec.app && (s->app < 0 || !index_list_has(&e->apps, s->app)))
		return false;
	if (!e->peer_hosts.n)
		return true;
	return s->peer_host >= 0 && index_list_has(&e->peer_hosts, s->peer_host) &&
	       (e->peer_port == COUNT_UNSET || e->peer_port == s->peer.port);
}

char *model_connection_text(const struct model *m, const struct model_connection *c, int own,
			    struct arena *a)
{
	char at[ENDPOINT_TEXT], to[ENDPOINT_TEXT];
	const struct model_end *e = &c->end[own];
	const char *name = e->app < 0 ? "?" : m->plan->apps.v[e->app].name;

	if (own == OPENER)
		return arena_printf(a, "%s %s > %s", name, endpoint_text(&e->at, at),
				    m->services.v[c->service].name);
	return arena_printf(a, "%s %s < %s", name, m->services.v[c->service].name,
			    endpoint_text(&c->end[OPENER].at, to));
}
