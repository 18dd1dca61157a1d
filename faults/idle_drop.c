/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <stdlib.h>
#include <string.h>

#include "faults/fault.h"
#include "faults/wire/packet.h"
#include "harness/base/cleanup.h"

/*
 * A stateful middlebox: a NAT, a balancer, a cloud's firewall. It has an entry for each connection
 * and forgets one that was idle for too long; what comes then has no entry and is dropped, in silence
 * or with a reset. A new SYN makes a new entry.
 *
 * What it remembers is one table a cable, for both directions: an open-addressing hash table from a
 * connection's two endpoints to the time of its last packet that was let through. A connection that
 * is not in the table was there before the fault: it counts as seen at the on-edge. So an entry that
 * is as old as `after` says the same as none, and entries of that age are left behind whenever the
 * table is made anew.
 */

static const char *const answer_names[] = {"reset", "reset-both", NULL};
static_assert(ARRAY_SIZE(answer_names) == IDLE_ANSWER_RESET_BOTH + 2, "one name an answer");

static const struct field fields[] = {
	FIELD(fault_spec, idle_after, "after", FIELD_DURATION, FIELD_REQUIRED,
	      "how long without a packet, either way, until a connection is forgotten", .min = 1),
	FIELD(fault_spec, idle_answer, "answer", FIELD_ENUM, 0,
	      "what a packet of a forgotten connection brings: a reset in window for its sender, "
	      "or "
	      "one for both ends",
	      .names = answer_names, .default_text = "nothing: it vanishes"),
	{0},
};

/* Of a connection, the same in both directions. */
struct idle_entry {
	struct endpoint low, high; /* low.family 0: the place is free */
	nsec_t seen;
};

struct idle_table {
	struct idle_entry *v;
	size_t capacity; /* a power of two */
	size_t n;
};

#define FIRST_CAPACITY 64

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	const struct match_spec *m = &spec->match;

	if (m->kind.n || (m->protocol != ENUM_UNSET && m->protocol != MATCH_TCP))
		return flaw_set(
			flaw, m->kind.n ? "match.kind" : "match.protocol",
			"idle-drop is about TCP connections, not about packets of one kind or "
			"protocol",
			"match by 'peer' or 'port'");
	if (spec->direction == DIRECTION_TO_HOST || spec->direction == DIRECTION_FROM_HOST)
		return flaw_set(
			flaw, "direction",
			"a connection is idle when nothing passes either way: 'direction' says "
			"nothing",
			"leave 'direction' out");
	return true;
}

/* Nothing has been idle for longer than the window has lasted: see pass_or_drop(). */
static bool is_too_short(const struct fault_spec *spec, nsec_t window, struct flaw *flaw)
{
	flaw_set(
		flaw, "after",
		"nothing is forgotten: no connection can be seen idle for so long before the fault "
		"ends",
		"make 'after' shorter than 'for', or than what is left of the run");
	return window <= spec->idle_after;
}

static bool is_segment(const struct fault_spec *spec, const struct packet *packet)
{
	(void)spec;
	return packet_is_tcp(packet);
}

static int compare(const struct endpoint *a, const struct endpoint *b)
{
	int order = memcmp(a->addr, b->addr, sizeof(a->addr));

	return order ? order : (int)a->port - (int)b->port;
}

static bool same(const struct endpoint *a, const struct endpoint *b)
{
	return a->family == b->family && !compare(a, b);
}

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

static uint64_t hash_endpoint(uint64_t h, const struct endpoint *e)
{
	for (size_t i = 0; i < sizeof(e->addr); i++)
		h = (h ^ e->addr[i]) * FNV_PRIME;
	return (h ^ e->port) * FNV_PRIME;
}

/* The place that has the connection, or the free one where it belongs. One is always free. */
static struct idle_entry *place_of(const struct idle_table *t, const struct idle_entry *key)
{
	uint64_t h = hash_endpoint(hash_endpoint(FNV_OFFSET, &key->low), &key->high);

	for (size_t i = (size_t)(h ^ h >> 32);; i++) {
		struct idle_entry *e = &t->v[i & (t->capacity - 1)];

		if (!e->low.family || (same(&e->low, &key->low) && same(&e->high, &key->high)))
			return e;
	}
}

/* Makes the table anew: without what was forgotten by `now`, and at most a quarter full. */
static void rebuild(struct idle_table *t, nsec_t after, nsec_t now)
{
	struct idle_table old = *t;
	size_t kept = 0;

	for (size_t i = 0; i < old.capacity; i++)
		kept += old.v[i].low.family && now - old.v[i].seen < after;
	*t = (struct idle_table){.capacity = FIRST_CAPACITY};
	while (t->capacity / 4 < kept)
		t->capacity *= 2;
	t->v = calloc(t->capacity, sizeof(*t->v));
	if (!t->v)
		abort();
	for (size_t i = 0; i < old.capacity; i++) {
		if (!old.v[i].low.family || now - old.v[i].seen >= after)
			continue;
		*place_of(t, &old.v[i]) = old.v[i];
		t->n++;
	}
	free(old.v);
}

static struct idle_entry key_of(const struct packet *p)
{
	bool src_first = compare(&p->src, &p->dst) <= 0;

	return (struct idle_entry){.low = src_first ? p->src : p->dst,
				   .high = src_first ? p->dst : p->src};
}

static void pass_or_drop(const struct fault_call *call, struct fate *fate)
{
	struct idle_table *t = call->cable_state;
	nsec_t after = call->spec->idle_after;
	struct idle_entry key = key_of(call->packet);

	if (t->n >= t->capacity / 2)
		rebuild(t, after, call->now);
	struct idle_entry *e = place_of(t, &key);
	nsec_t seen = e->low.family ? e->seen : call->on;

	if (call->now - seen >= after && call->packet->kind != KIND_SYN) {
		fate->drop = true;
		fate->reset_sender = call->spec->idle_answer != ENUM_UNSET;
		fate->reset_receiver = call->spec->idle_answer == IDLE_ANSWER_RESET_BOTH;
		return;
	}
	t->n += !e->low.family;
	key.seen = call->now;
	*e = key;
}

static void forget(void *state, void *cable_state)
{
	struct idle_table *t = cable_state;

	(void)state;
	if (t)
		free(t->v);
}

const struct fault_ops fault_idle_drop = {
	.name = "idle-drop",
	.doc = "a middlebox that forgets a connection that was idle, and then drops its packets",
	.fields = fields,
	.stage = FAULT_STAGE_BLOCK,
	.check = check,
	.is_too_short = is_too_short,
	.cable_state_size = sizeof(struct idle_table),
	.forget = forget,
	.concerns = is_segment,
	.packet = pass_or_drop,
};
