/* SPDX-License-Identifier: MIT */
#include "faults/wire/tally.h"

#include <stdlib.h>

struct tally_entry {
	int16_t expect; /* index in the plan */
	bool *hosts;    /* per host of the plan: it is counted there */
	enum direction direction;
	enum packets_where where;
	struct match match;
};

static size_t n_counting(const struct plan *plan)
{
	size_t n = 0;

	vec_foreach (e, &plan->expects)
		n += plan_counts_packets(e);
	return n;
}

static void add_entry(struct tally *t, const struct plan_expect *e, size_t index)
{
	const struct expect_spec *spec = &e->spec;
	struct tally_entry *entry = &t->entries[t->n++];

	entry->expect = (int16_t)index;
	entry->hosts = calloc(t->plan->hosts.n, sizeof(*entry->hosts));
	if (!entry->hosts)
		abort();
	for (size_t i = 0; i < e->hosts.n; i++)
		entry->hosts[e->hosts.v[i]] = true;
	entry->direction =
		spec->direction == ENUM_UNSET ? DIRECTION_BOTH : (enum direction)spec->direction;
	entry->where = spec->where == ENUM_UNSET ? PACKETS_SENT : (enum packets_where)spec->where;
	match_init(&entry->match, t->plan, &spec->packets, &e->match_peers);
}

int tally_init(struct tally *t, const struct plan *plan, const struct wire_sinks *sinks,
	       struct err *err)
{
	const size_t n = n_counting(plan);
	const uint32_t n_hosts = (uint32_t)plan->hosts.n;

	*t = (struct tally){.plan = plan, .sinks = *sinks};
	if (!n)
		return 0;
	if (whereabouts_init(&t->macs, n_hosts) ||
	    whereabouts_init(&t->addresses, n_hosts * ADDRESSES_PER_HOST))
		return err_set(err, "out of memory for the link engine");
	t->entries = calloc(n, sizeof(*t->entries));
	if (!t->entries)
		abort();
	for (size_t i = 0; i < plan->expects.n; i++)
		if (plan_counts_packets(&plan->expects.v[i]))
			add_entry(t, &plan->expects.v[i], i);
	return whereabouts_put_plan(&t->macs, &t->addresses, plan, err);
}

void tally_free(struct tally *t)
{
	for (size_t i = 0; i < t->n; i++) {
		match_free(&t->entries[i].match);
		free(t->entries[i].hosts);
	}
	free(t->entries);
	t->entries = NULL;
	t->n = 0;
	whereabouts_free(&t->macs);
	whereabouts_free(&t->addresses);
}

static void record(const struct tally *t, const struct tally_entry *entry, const struct packet *p,
		   int host, nsec_t now)
{
	struct observation o = packet_observed(p, EV_COUNTED, host, now);

	o.packet.expect = entry->expect;
	t->sinks.record(t->sinks.ctx, &o);
}

/* Counts it on the cable of `host`, for those that ask for this end of its way. */
static void count(const struct tally *t, const struct packet *p, int host, enum direction direction,
		  int peer, enum packets_where where, nsec_t now)
{
	for (const struct tally_entry *e = t->entries; e < t->entries + t->n; e++)
		if (e->where == where && e->hosts[host] &&
		    (e->direction == DIRECTION_BOTH || e->direction == direction) &&
		    match_packet(&e->match, p, host, peer))
			record(t, e, p, host, now);
}

void tally_sent(const struct tally *t, const struct packet *p, int from, nsec_t now)
{
	if (!t->n)
		return;
	count(t, p, from, DIRECTION_FROM_HOST, whereabouts_of_ip(&t->addresses, &p->dst),
	      PACKETS_SENT, now);

	if (p->dst_mac[0] & MAC_GROUP_BIT) {
		for (int host = 0; host < (int)t->plan->hosts.n; host++)
			if (host != from)
				count(t, p, host, DIRECTION_TO_HOST, from, PACKETS_SENT, now);
		return;
	}
	struct whereabout_key key = whereabouts_key(AF_PACKET, p->dst_mac, MAC_BYTES);
	int to = whereabouts_get(&t->macs, &key);
	if (to != HOST_UNKNOWN)
		count(t, p, to, DIRECTION_TO_HOST, from, PACKETS_SENT, now);
}

void tally_delivered(const struct tally *t, const struct packet *p, int from, int to, nsec_t now)
{
	if (!t->n)
		return;
	if (from != HOST_UNKNOWN)
		count(t, p, from, DIRECTION_FROM_HOST, whereabouts_of_ip(&t->addresses, &p->dst),
		      PACKETS_DELIVERED, now);
	else
		from = whereabouts_of_ip(&t->addresses, &p->src);
	count(t, p, to, DIRECTION_TO_HOST, from, PACKETS_DELIVERED, now);
}
