/* SPDX-License-Identifier: MIT */
#include "harness/judge/model_build.h"

#include <stdlib.h>

/* Attempts to several addresses of one name count as one if begun this soon after the first. */
#define ONE_NAME_WINDOW NSEC_PER_SEC

/* What orders an app's connections into attempts. */
struct order {
	int service;
	int connection; /* also the order of the first SYNs */
};

static int compare_order(const void *a, const void *b)
{
	const struct order *x = a, *y = b;

	if (x->service != y->service)
		return x->service < y->service ? -1 : 1;
	return x->connection < y->connection ? -1 : x->connection > y->connection;
}

/* One connection as an attempt of its own. */
static struct model_attempt attempt_of(const struct model *m, int connection)
{
	const struct model_connection *c = &m->connections.v[connection];
	const struct model_end *e = &c->end[OPENER];
	struct model_attempt t = {
		.service = c->service,
		.connection = connection,
		.last = connection,
		.start = c->first_syn,
		.established = c->established,
		.answered = nsec_earlier(c->established, nsec_earlier(c->refused, e->forged)),
		.end = c->established,
	};

	if (t.end == NSEC_NEVER)
		t.end = nsec_earlier(c->refused, nsec_earlier(e->forged, e->rst));
	t.end_since = t.end;
	if (e->socket >= 0 && c->established == NSEC_NEVER) {
		const struct model_socket *s = &m->sockets.v[e->socket];

		if (s->end < t.end) {
			t.end = s->end;
			t.end_since = s->end_since;
		}
		t.open = t.end == NSEC_NEVER;
	}
	return t;
}

bool model_is_same_attempt(const struct model *m, const struct model_attempt *attempt,
			   int connection)
{
	const struct model_connection *c = &m->connections.v[connection];
	const struct endpoint *at = &c->end[ACCEPTOR].at;

	return attempt->service == c->service &&
	       c->first_syn - attempt->start <= ONE_NAME_WINDOW + m->stall_late &&
	       !endpoint_same_addr(at, &m->connections.v[attempt->connection].end[ACCEPTOR].at) &&
	       !endpoint_same_addr(at, &m->connections.v[attempt->last].end[ACCEPTOR].at);
}

/* It succeeds with the first address that answers, and fails with the last that does not. */
static void merge(struct model_attempt *into, const struct model_attempt *more)
{
	into->last = more->connection;
	into->established = nsec_earlier(into->established, more->established);
	if (into->established != NSEC_NEVER) {
		into->answered = into->end = into->end_since = into->established;
		into->open = false;
		return;
	}
	into->answered = nsec_later(into->answered, more->answered);
	into->end_since = nsec_later(into->end_since, more->end_since);
	into->end = nsec_later(into->end, more->end);
	into->open = into->open || more->open;
}

static void make_app_attempts(struct model *m, int app)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct model_app *own = &m->apps[app];
	struct order *orders = arena_new_array(&scratch, struct order, own->connections.n);
	size_t n = 0;

	vec_foreach (i, &own->connections)
		if (m->connections.v[*i].end[OPENER].app == app)
			orders[n++] = (struct order){m->connections.v[*i].service, *i};
	qsort(orders, n, sizeof(*orders), compare_order);
	for (size_t i = 0; i < n; i++) {
		struct model_attempt next = attempt_of(m, orders[i].connection);

		*vec_push(m->arena, &own->opened) = orders[i].connection;
		struct model_attempt *last =
			own->attempts.n ? &own->attempts.v[own->attempts.n - 1] : NULL;
		if (last && model_is_same_attempt(m, last, next.connection))
			merge(last, &next);
		else
			*vec_push(m->arena, &own->attempts) = next;
	}
}

void builder_make_attempts(struct model_builder *b)
{
	for (size_t i = 0; i < b->m->plan->apps.n; i++)
		make_app_attempts(b->m, (int)i);
}
