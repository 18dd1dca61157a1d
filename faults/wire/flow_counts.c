/* SPDX-License-Identifier: MIT */
#include "faults/wire/flow_counts.h"

#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>

/* Twice the flows, so that a search ends soon; a power of two. */
#define SLOTS ((size_t)2 * FLOW_COUNTS_MAX)
/* An odd 64-bit multiplier that spreads the bits of an address (the golden ratio). */
#define HASH_MUL 0x9e3779b97f4a7c15ULL
#define EMPTY    (-1)

struct flow_table {
	struct flow_count v[FLOW_COUNTS_MAX];
	size_t n;
	struct receipt others;
	bool any_others;
	int recent;           /* packets of one flow come in bursts; EMPTY: none yet */
	int16_t slots[SLOTS]; /* indices into v, by linear probing; nothing is ever taken out */
};

static void make_empty(struct flow_table *t)
{
	t->n = 0;
	t->others = (struct receipt){0};
	t->any_others = false;
	t->recent = EMPTY;
	for (size_t i = 0; i < SLOTS; i++)
		t->slots[i] = EMPTY;
}

static uint64_t endpoint_bits(const struct endpoint *e)
{
	uint64_t low, high;

	memcpy(&low, e->addr, sizeof(low));
	memcpy(&high, e->addr + sizeof(low), sizeof(high));
	return ((low ^ e->port) * HASH_MUL) ^ high;
}

/* The same for both directions. */
static size_t slot_of(const struct endpoint *a, const struct endpoint *b)
{
	uint64_t h = (endpoint_bits(a) + endpoint_bits(b)) * HASH_MUL;

	return (size_t)(h >> 32) % SLOTS;
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	return a->port == b->port && a->family == b->family &&
	       !memcmp(a->addr, b->addr, sizeof(a->addr));
}

static bool is_flow(const struct obs_flow *f, const struct endpoint *src,
		    const struct endpoint *dst, enum flow_protocol protocol)
{
	return f->protocol == protocol && ((same(&f->src, src) && same(&f->dst, dst)) ||
					   (same(&f->src, dst) && same(&f->dst, src)));
}

struct receipt *flow_counts_of(struct flow_counts *c, const struct endpoint *src,
			       const struct endpoint *dst, enum flow_protocol protocol)
{
	if (!c->table) {
		c->table = malloc(sizeof(*c->table));
		if (!c->table)
			abort();
		make_empty(c->table);
	}
	struct flow_table *t = c->table;
	if (t->recent != EMPTY && is_flow(&t->v[t->recent].flow, src, dst, protocol))
		return &t->v[t->recent].did;

	size_t slot = slot_of(src, dst);
	for (; t->slots[slot] != EMPTY; slot = (slot + 1) % SLOTS) {
		int i = t->slots[slot];

		if (!is_flow(&t->v[i].flow, src, dst, protocol))
			continue;
		t->recent = i;
		return &t->v[i].did;
	}
	if (t->n == FLOW_COUNTS_MAX) {
		t->any_others = true;
		return &t->others;
	}
	t->recent = (int)t->n;
	t->slots[slot] = (int16_t)t->n;
	t->v[t->n] = (struct flow_count){
		.flow = {.src = *src, .dst = *dst, .protocol = (uint8_t)protocol}};
	return &t->v[t->n++].did;
}

struct receipt *flow_counts_of_packet(struct flow_counts *c, const struct packet *p)
{
	enum flow_protocol protocol = FLOW_OTHER;

	if (p->protocol == IPPROTO_TCP)
		protocol = FLOW_TCP;
	else if (p->protocol == IPPROTO_UDP)
		protocol = FLOW_UDP;
	else if (p->protocol == IPPROTO_ICMP || p->protocol == IPPROTO_ICMPV6)
		protocol = FLOW_ICMP;
	return flow_counts_of(c, &p->src, &p->dst, protocol);
}

bool flow_counts_get(const struct flow_counts *c, size_t i, struct flow_count *ret)
{
	const struct flow_table *t = c->table;

	if (!t || i >= t->n + (t->any_others ? 1 : 0))
		return false;
	if (i < t->n)
		*ret = t->v[i];
	else
		*ret = (struct flow_count){.flow = {.others = true}, .did = t->others};
	return true;
}

void flow_counts_free(struct flow_counts *c)
{
	free(c->table);
	c->table = NULL;
}
