/* SPDX-License-Identifier: MIT */
#include "harness/judge/model_build.h"

#include <string.h>

#include "harness/judge/tolerance.h"

/*
 * Sockets, from the dumps and the destroy notifications of each host, and who owns them.
 *
 * A socket is known by its host and cookie. Its state is 0 before it is seen and when it is gone.
 * Facts of the kernel that shape this file:
 *  - a destroy notification has inode 0, and port 0 where the port was given back before: only the
 *    cookie says which socket it was. One whose cookie was never seen tells nothing.
 *  - TIME_WAIT (and an orphan's FIN_WAIT_2) is a small socket that takes over the cookie of the one
 *    that the app had: the notification means the app's, and the small one may be seen before or
 *    after it. It ends at the poll that no longer finds it. So the app's socket ends once, and
 *    the state may live on.
 *  - a reset unhashes a socket at once, but the notification comes when the app closes it: then the
 *    poll's "gone" comes first, and counts.
 *
 * Owner: the app with which a socket's cookie was seen; else, of the apps of that host, the one that
 * there is; else the only one known to talk to that service, or to listen on that port. Where
 * several may be, nobody: a guess would make a verdict of it.
 */

#define SEVERAL_APPS (-2) /* in the tables of who talks to what */

static struct lookup_key cookie_key(int host, uint64_t cookie)
{
	struct lookup_key key = {0};

	key_add_int(&key, host);
	key_add_u64(&key, cookie);
	return key;
}

static int find_socket(struct model_builder *b, const struct observation *o)
{
	const struct obs_socket *s = &o->socket;
	struct model *m = b->m;
	struct lookup_key key = cookie_key(o->host, s->cookie);
	int known = lookup_get(&b->socket_by_cookie, &key);

	if (known >= 0 || builder_ignores(b, &s->local, &s->peer))
		return known;
	if (o->event != EV_STATE && !(s->local.port && s->peer.port))
		return -1;
	int i = (int)m->sockets.n;
	*lookup_at(&b->socket_by_cookie, &key) = i;
	*vec_push(m->arena, &m->sockets) = (struct model_socket){
		.cookie = s->cookie,
		.host = o->host,
		.app = -1,
		.local = s->local,
		.peer = s->peer,
		.peer_host = builder_host(b, &s->peer),
		.seen = o->t,
		.end_since = NSEC_NEVER,
		.end = NSEC_NEVER,
		.closed_since = NSEC_NEVER,
		.closed = NSEC_NEVER,
	};
	*vec_push(m->arena, &b->state_now) = 0;
	*vec_push(m->arena, &b->timer_runs) = false;
	return i;
}

static void change_state(struct model_builder *b, int socket, nsec_t t, uint8_t to)
{
	uint8_t *now = &b->state_now.v[socket];
	struct model_host *h = &b->m->hosts[b->m->sockets.v[socket].host];

	if (*now == to)
		return;
	*vec_push(b->m->arena, &h->changes) =
		(struct model_change){.t = t, .socket = socket, .from = *now, .to = to};
	*now = to;
}

/* The app closed it if it is in a state that only a close leads to, or lost its file. */
static void note_closed(struct model_socket *s, const struct observation *o)
{
	int state = o->socket.state;
	bool closing = state == STATE_FIN_WAIT_1 || state == STATE_FIN_WAIT_2 ||
		       state == STATE_LAST_ACK || state == STATE_CLOSING;
	bool orphan = s->had_inode && !o->socket.inode && state != STATE_TIME_WAIT;

	s->had_inode = s->had_inode || o->socket.inode;
	if (s->closed != NSEC_NEVER || !(closing || orphan))
		return;
	s->closed = o->t;
	s->closed_since = o->socket.since == NSEC_UNSET ? o->t : o->socket.since;
}

static void change_timer(struct model_builder *b, int socket, const struct observation *o)
{
	struct model_host *h = &b->m->hosts[b->m->sockets.v[socket].host];
	const struct obs_socket *s = &o->socket;
	bool runs = o->event == EV_STATE && s->timer;
	bool *ran = &b->timer_runs.v[socket];

	if (runs)
		*vec_push(b->m->arena, &h->timers) =
			(struct model_timer){.t = o->t,
					     .socket = socket,
					     .kind = s->timer,
					     .retries = s->retries,
					     .expires = o->t + s->left};
	else if (*ran)
		*vec_push(b->m->arena, &h->timers) =
			(struct model_timer){.t = o->t, .socket = socket};
	*ran = runs;
}

void builder_add_socket(struct model_builder *b, const struct observation *o)
{
	if (o->host < 0 || (size_t)o->host >= b->m->plan->hosts.n)
		return;
	if (o->event == EV_POLLED) {
		b->m->hosts[o->host].polled = true;
		return;
	}
	int i = find_socket(b, o);
	if (i < 0)
		return;
	struct model_socket *s = &b->m->sockets.v[i];
	if (s->app < 0)
		s->app = o->app;

	if (o->event == EV_STATE) {
		note_closed(s, o);
		change_state(b, i, o->t, o->socket.state);
		change_timer(b, i, o);
		return;
	}
	bool small = b->state_now.v[i] == STATE_TIME_WAIT;
	bool notified = o->event == EV_DESTROYED;
	if (s->end == NSEC_NEVER && (notified || !small)) {
		s->end = o->t;
		s->end_since = notified || o->socket.since == NSEC_UNSET ? o->t : o->socket.since;
	}
	if (!notified || !small) {
		change_state(b, i, o->t, 0);
		change_timer(b, i, o);
	}
}

/* ---- owners ---- */

struct owners {
	struct lookup talks; /* (host, peer's host or address, peer's port): the app, or SEVERAL */
	struct lookup listens; /* (host, local port): the same */
	int *only_app;         /* of each host: the one app that it has; -1: none or several */
};

static struct lookup_key talks_key(const struct model_builder *b, int host,
				   const struct endpoint *peer)
{
	struct lookup_key key = {0};
	int peer_host = builder_host(b, peer);

	key_add_int(&key, host);
	key_add_int(&key, peer_host);
	key_add_int(&key, peer->port);
	if (peer_host < 0)
		key_add_addr(&key, peer);
	return key;
}

static struct lookup_key listens_key(int host, const struct endpoint *local)
{
	struct lookup_key key = {0};

	key_add_int(&key, host);
	key_add_int(&key, local->port);
	return key;
}

static void note_owner(struct lookup *l, const struct lookup_key *key, int app)
{
	int *slot = lookup_at(l, key);

	*slot = *slot == -1 || *slot == app ? app : SEVERAL_APPS;
}

static int *find_only_apps(const struct plan *plan, struct arena *a)
{
	int *only = arena_new_array(a, int, plan->hosts.n);

	for (size_t h = 0; h < plan->hosts.n; h++)
		only[h] = -1;
	for (size_t i = 0; i < plan->apps.n; i++) {
		int *slot = &only[plan->apps.v[i].host];

		*slot = *slot == -1 ? (int)i : SEVERAL_APPS;
	}
	return only;
}

/* Who may own what has this local and this peer endpoint on the host; -1: nobody or several. */
static int infer_owner(const struct model_builder *b, const struct owners *who, int host,
		       const struct endpoint *local, const struct endpoint *peer)
{
	if (host < 0)
		return -1;
	int app = who->only_app[host];
	if (app < 0) {
		struct lookup_key key = talks_key(b, host, peer);

		app = lookup_get(&who->talks, &key);
	}
	if (app < 0) {
		struct lookup_key key = listens_key(host, local);

		app = lookup_get(&who->listens, &key);
	}
	return app < 0 ? -1 : app;
}

/* The end of the latest connection begun by t that has the socket's endpoints, or NULL. */
static struct model_end *end_of_socket(const struct model_builder *b, const struct model_socket *s,
				       nsec_t t)
{
	int i = builder_connection(b, &s->local, &s->peer, t);

	if (i < 0)
		return NULL;
	struct model_connection *c = &b->m->connections.v[i];
	struct lookup_key local = {0}, opener = {0};
	key_add_endpoint(&local, &s->local);
	key_add_endpoint(&opener, &c->end[OPENER].at);
	struct model_end *e = &c->end[key_same(&local, &opener) ? OPENER : ACCEPTOR];
	return e->host == s->host ? e : NULL;
}

static void join_sockets(struct model_builder *b)
{
	for (size_t i = 0; i < b->m->sockets.n; i++) {
		struct model_socket *s = &b->m->sockets.v[i];
		struct model_end *e = end_of_socket(b, s, s->seen);

		/* A dump is stamped before it is taken: it may show what came just after. */
		if (!e || e->socket >= 0)
			e = end_of_socket(b, s, s->seen + TOLERANCE_POLLED);
		if (!e || e->socket >= 0)
			continue;
		e->socket = (int)i;
		if (s->app >= 0)
			e->app = s->app;
		else
			s->app = e->app;
	}
}

/* Who talks to which service and who listens where, by the sockets whose owner was seen. */
static void learn_owners(const struct model_builder *b, struct owners *who)
{
	vec_foreach (s, &b->m->sockets) {
		if (s->app < 0)
			continue;
		struct lookup_key talks = talks_key(b, s->host, &s->peer);
		struct lookup_key listens = listens_key(s->host, &s->local);
		if (s->peer.port)
			note_owner(&who->talks, &talks, s->app);
		else
			note_owner(&who->listens, &listens, s->app);
	}
	vec_foreach (c, &b->m->connections) {
		const struct model_end *e = &c->end[ACCEPTOR];
		struct lookup_key listens = listens_key(e->host, &e->at);

		if (e->host >= 0 && e->app >= 0)
			note_owner(&who->listens, &listens, e->app);
	}
}

void builder_find_owners(struct model_builder *b)
{
	struct model *m = b->m;
	struct owners who = {
		.talks = {.arena = m->arena},
		.listens = {.arena = m->arena},
		.only_app = find_only_apps(m->plan, m->arena),
	};

	join_sockets(b);
	learn_owners(b, &who);
	vec_foreach (s, &m->sockets)
		if (s->app < 0)
			s->app = infer_owner(b, &who, s->host, &s->local, &s->peer);
	for (size_t i = 0; i < m->connections.n; i++) {
		struct model_connection *c = &m->connections.v[i];

		for (int end = 0; end < N_ENDS; end++) {
			struct model_end *e = &c->end[end];

			if (e->app < 0)
				e->app = infer_owner(b, &who, e->host, &e->at, &c->end[!end].at);
			if (e->app >= 0 && (end == OPENER || e->app != c->end[OPENER].app))
				*vec_push(m->arena, &m->apps[e->app].connections) = (int)i;
		}
	}
}
