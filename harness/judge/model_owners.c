/* SPDX-License-Identifier: MIT */
#include "harness/judge/model_build.h"
#include "harness/judge/tolerance.h"

/*
 * Who owns what: the app with which a socket's cookie was seen. A refused socket lives for
 * microseconds and is seldom seen with its owner. Then, of the apps of that host,
 *  - the one that there is;
 *  - at an acceptor's end, the only one that was seen to listen on that port;
 *  - at any other, the only one that was seen to talk to that service.
 *
 * Where another may be the owner, nobody is: a guess would make a verdict of it. Another may be if a
 * program of an `exec` step ran on that host then, or an app that is not known to be a server only: of one
 * of which no socket was ever seen nothing tells what it talks to, and one that was seen to connect
 * elsewhere may have come to this service too, and been refused.
 */

#define SEVERAL_APPS (-2) /* in the tables of who talks to what */

struct owners {
	struct lookup talks; /* (host, peer's host or address, peer's port): the app, or SEVERAL */
	struct lookup listens; /* (host, local port): the same */
	int *only_app;         /* of each host: the one app that it has; -1: none or several */
	bool *serves;          /* of each app: some socket was seen with it as its owner ... */
	bool *opens;           /* ... and one that it had opened itself */
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

static bool lives_at(const struct model_life *lives, size_t n, nsec_t t)
{
	for (size_t i = 0; i < n; i++)
		if (lives[i].start <= t && t <= lives[i].exit)
			return true;
	return false;
}

/* A program that is no app of the plan, or another app of the host, may own it. */
static bool others_may(const struct model_builder *b, const struct owners *who, int host, int app,
		       nsec_t t)
{
	const struct model *m = b->m;
	const struct model_host *h = &m->hosts[host];

	if (lives_at(h->execs.v, h->execs.n, t))
		return true;
	if (who->only_app[host] >= 0)
		return false;
	for (size_t i = 0; i < m->plan->apps.n; i++)
		if (m->plan->apps.v[i].host == host && (int)i != app &&
		    (who->opens[i] || !who->serves[i]) &&
		    lives_at(m->apps[i].lives.v, m->apps[i].lives.n, t))
			return true;
	return false;
}

/* Who may own what goes from the host to this peer and was there at t; -1: nobody or several. */
static int infer_talker(const struct model_builder *b, const struct owners *who, int host,
			const struct endpoint *peer, nsec_t t)
{
	int app = who->only_app[host];

	if (app < 0) {
		struct lookup_key key = talks_key(b, host, peer);

		app = lookup_get(&who->talks, &key);
	}
	return app < 0 || others_may(b, who, host, app, t) ? -1 : app;
}

static int infer_listener(const struct owners *who, int host, const struct endpoint *local)
{
	struct lookup_key key = listens_key(host, local);
	int app = lookup_get(&who->listens, &key);

	return app < 0 ? -1 : app;
}

static int infer_end(const struct model_builder *b, const struct owners *who,
		     const struct model_connection *c, int end)
{
	const struct model_end *e = &c->end[end];
	int app = -1;

	if (e->host < 0)
		return -1;
	if (end == ACCEPTOR)
		app = infer_listener(who, e->host, &e->at);
	return app < 0 ? infer_talker(b, who, e->host, &c->end[!end].at, c->first_syn) : app;
}

static int infer_socket(const struct model_builder *b, const struct owners *who,
			const struct model_socket *s)
{
	int app = infer_talker(b, who, s->host, &s->peer, s->seen);

	return app < 0 ? infer_listener(who, s->host, &s->local) : app;
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

/* Its local port is not one of those on which its host was seen to listen. */
static bool is_opened(const struct owners *who, const struct model_socket *s)
{
	struct lookup_key listens = listens_key(s->host, &s->local);

	return s->peer.port && lookup_get(&who->listens, &listens) == -1;
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
		who->serves[s->app] = true;
	}
	vec_foreach (c, &b->m->connections) {
		const struct model_end *e = &c->end[ACCEPTOR];
		struct lookup_key listens = listens_key(e->host, &e->at);

		if (e->host >= 0 && e->app >= 0)
			note_owner(&who->listens, &listens, e->app);
	}
	vec_foreach (s, &b->m->sockets)
		if (s->app >= 0 && is_opened(who, s))
			who->opens[s->app] = true;
}

void builder_find_owners(struct model_builder *b)
{
	struct model *m = b->m;
	struct owners who = {
		.talks = {.arena = m->arena},
		.listens = {.arena = m->arena},
		.only_app = find_only_apps(m->plan, m->arena),
		.serves = arena_new_array(m->arena, bool, m->plan->apps.n),
		.opens = arena_new_array(m->arena, bool, m->plan->apps.n),
	};

	join_sockets(b);
	learn_owners(b, &who);
	vec_foreach (s, &m->sockets)
		if (s->app < 0)
			s->app = infer_socket(b, &who, s);
	for (size_t i = 0; i < m->connections.n; i++) {
		struct model_connection *c = &m->connections.v[i];

		for (int end = 0; end < N_ENDS; end++) {
			struct model_end *e = &c->end[end];

			if (e->app < 0)
				e->app = infer_end(b, &who, c, end);
			if (e->app >= 0 && (end == OPENER || e->app != c->end[OPENER].app))
				*vec_push(m->arena, &m->apps[e->app].connections) = (int)i;
		}
	}
}
