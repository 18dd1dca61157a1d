/* SPDX-License-Identifier: MIT */
#include "harness/judge/unclaimed.h"

#include "harness/judge/say.h"

static bool is_app_host(const struct model *m, const struct plan_expect *e, int host)
{
	for (size_t i = 0; i < e->apps.n; i++)
		if (m->plan->apps.v[e->apps.v[i]].host == host)
			return true;
	return false;
}

struct unclaimed unclaimed_find(const struct model *m, const struct plan_expect *e, nsec_t from)
{
	struct unclaimed u = {.first = -1};

	for (size_t i = 0; i < m->connections.n; i++) {
		const struct model_connection *c = &m->connections.v[i];
		const struct model_end *o = &c->end[OPENER];

		if (o->app >= 0 || c->first_syn < from || !model_is_peer(m, e, c->service) ||
		    !is_app_host(m, e, o->host))
			continue;
		u.first = u.first < 0 ? (int)i : u.first;
		u.attempts++;
		u.established += c->established != NSEC_NEVER;
		u.unanswered += c->established == NSEC_NEVER && c->refused == NSEC_NEVER &&
				o->forged == NSEC_NEVER;
	}
	return u;
}

void unclaimed_void(const struct model *m, const struct plan_expect *e, const struct unclaimed *u,
		    struct arena *a, struct expect_result *ret)
{
	const struct model_connection *c = &m->connections.v[u->first];

	result_void(ret, e->spec.app,
		    arena_printf(a,
				 "%s from '%s' to %s: by which program was not seen; put the "
				 "programs that use it on different hosts",
				 say_count(u->attempts, "attempt", a),
				 m->plan->hosts.v[c->end[OPENER].host].name,
				 m->services.v[c->service].name));
	ret->t = c->first_syn;
	ret->unclaimed = u->established + u->unanswered > 0;
}
