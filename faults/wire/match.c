/* SPDX-License-Identifier: MIT */
#include "faults/wire/match.h"

#include <stdlib.h>

#include "faults/wire/whereabouts.h"
#include "harness/base/field.h"

/* Per host of the plan; NULL: no name was given. */
static bool *peers_of(const struct plan *plan, const struct index_list *peers)
{
	if (!peers->n)
		return NULL;
	bool *ret = calloc(plan->hosts.n, sizeof(*ret));
	if (!ret)
		abort();
	for (size_t i = 0; i < peers->n; i++)
		ret[peers->v[i]] = true;
	return ret;
}

static bool is_everything(const struct match *m)
{
	return m->port == COUNT_UNSET && m->protocol == ENUM_UNSET && !m->kinds && !m->peers &&
	       !m->sides;
}

void match_init(struct match *m, const struct plan *plan, const struct match_spec *spec,
		const struct index_list *peers)
{
	*m = (struct match){.port = spec->port, .protocol = spec->protocol};
	for (size_t i = 0; i < spec->kind.n; i++) {
		int kind = field_enum_index(packet_kind_names, spec->kind.v[i]);

		if (kind >= 0)
			m->kinds |= 1u << kind;
	}
	m->peers = peers_of(plan, peers);
	m->all = is_everything(m);
}

void match_init_fault(struct match *m, const struct plan *plan, const struct plan_step *step)
{
	match_init(m, plan, &step->fault.match, &step->match_peers);
	if (step->sides.n) {
		m->sides = calloc(plan->hosts.n, sizeof(*m->sides));
		if (!m->sides)
			abort();
		for (size_t i = 0; i < plan->hosts.n; i++)
			m->sides[i] = plan_side_of(step, (int64_t)i);
	}
	m->all = is_everything(m);
}

void match_free(struct match *m)
{
	free(m->peers);
	m->peers = NULL;
	free(m->sides);
	m->sides = NULL;
}

static bool is_protocol(const struct packet *p, int protocol)
{
	switch (protocol) {
	case MATCH_TCP:
		return p->protocol == IPPROTO_TCP;
	case MATCH_UDP:
		return p->protocol == IPPROTO_UDP;
	case MATCH_ICMP:
		return p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6;
	default:
		return true;
	}
}

static bool is_peer(const struct match *m, int peer)
{
	return !m->peers || (peer != HOST_UNKNOWN && m->peers[peer]);
}

static bool has_port(const struct match *m, const struct endpoint *a, const struct endpoint *b)
{
	return m->port == COUNT_UNSET || m->port == a->port || m->port == b->port;
}

#define DNS_PORT 53 /* RFC 1035, section 4.2 */

static bool is_dns(const struct packet *p)
{
	return (p->protocol == IPPROTO_UDP || p->protocol == IPPROTO_TCP) &&
	       (p->src.port == DNS_PORT || p->dst.port == DNS_PORT);
}

static bool is_of_kind(const struct match *m, const struct packet *p)
{
	if (!m->kinds)
		return true;
	return (p->kind != KIND_OTHER && m->kinds & 1u << p->kind) ||
	       (m->kinds & 1u << KIND_DNS && is_dns(p));
}

/* No side: whatever the filter says. */
static bool is_between_sides(const struct match *m, int cable, int peer)
{
	if (!m->sides)
		return true;
	return peer != HOST_UNKNOWN && m->sides[cable] != SIDE_NONE &&
	       m->sides[peer] != SIDE_NONE && m->sides[cable] != m->sides[peer];
}

bool match_packet(const struct match *m, const struct packet *p, int cable, int peer)
{
	if (m->all)
		return true;
	return is_of_kind(m, p) && is_protocol(p, m->protocol) && has_port(m, &p->src, &p->dst) &&
	       is_peer(m, peer) && is_between_sides(m, cable, peer);
}

bool match_flow(const struct match *m, const struct flow *f, int peer_end)
{
	if (m->all)
		return true;
	return !m->kinds && (m->protocol == ENUM_UNSET || m->protocol == MATCH_TCP) &&
	       has_port(m, &f->end[0].at, &f->end[1].at) && is_peer(m, f->end[peer_end].host);
}
