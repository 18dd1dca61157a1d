/* SPDX-License-Identifier: MIT */
#include "harness/judge/lookup.h"

#include <assert.h>
#include <string.h>

#define FIRST_SLOTS 64 /* a power of two */

/* FNV-1a, 64 bits: http://www.isthe.com/chongo/tech/comp/fnv/ */
#define FNV_OFFSET UINT64_C(0xcbf29ce484222325)
#define FNV_PRIME  UINT64_C(0x100000001b3)

static size_t hash(const struct lookup_key *key)
{
	uint64_t h = FNV_OFFSET;

	for (size_t i = 0; i < key->len; i++)
		h = (h ^ key->bytes[i]) * FNV_PRIME;
	return (size_t)(h ^ (h >> 32));
}

bool key_same(const struct lookup_key *x, const struct lookup_key *y)
{
	return x->len == y->len && !memcmp(x->bytes, y->bytes, x->len);
}

/* The slot that has the key, or the free one where it would go. */
static struct lookup_slot *find(const struct lookup *l, const struct lookup_key *key)
{
	size_t i = hash(key) & (l->n_slots - 1);

	while (l->slots[i].key.len && !key_same(&l->slots[i].key, key))
		i = (i + 1) & (l->n_slots - 1);
	return &l->slots[i];
}

static void grow(struct lookup *l)
{
	struct lookup old = *l;

	l->n_slots = old.n_slots ? old.n_slots * 2 : FIRST_SLOTS;
	l->slots = arena_new_array(l->arena, struct lookup_slot, l->n_slots);
	for (size_t i = 0; i < old.n_slots; i++)
		if (old.slots[i].key.len)
			*find(l, &old.slots[i].key) = old.slots[i];
}

int lookup_get(const struct lookup *l, const struct lookup_key *key)
{
	if (!l->n_slots)
		return -1;
	const struct lookup_slot *s = find(l, key);
	return s->key.len ? s->value : -1;
}

int *lookup_at(struct lookup *l, const struct lookup_key *key)
{
	if ((l->n_used + 1) * 2 > l->n_slots)
		grow(l);
	struct lookup_slot *s = find(l, key);
	if (!s->key.len) {
		s->key = *key;
		s->value = -1;
		l->n_used++;
	}
	return &s->value;
}

static void add(struct lookup_key *key, const void *bytes, size_t n)
{
	assert(key->len + n <= LOOKUP_KEY_BYTES);
	memcpy(key->bytes + key->len, bytes, n);
	key->len = (uint8_t)(key->len + n);
}

void key_add_int(struct lookup_key *key, int value)
{
	add(key, &value, sizeof(value));
}

void key_add_u64(struct lookup_key *key, uint64_t value)
{
	add(key, &value, sizeof(value));
}

void key_add_addr(struct lookup_key *key, const struct endpoint *e)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff}; /* RFC 4291, 2.5.5.2 */
	uint8_t packed[1 + sizeof(e->addr)] = {e->family};

	if (e->family == AF_INET6 && !memcmp(e->addr, mapped, sizeof(mapped))) {
		packed[0] = AF_INET;
		memcpy(packed + 1, e->addr + sizeof(mapped), sizeof(struct in_addr));
	} else if (e->family == AF_INET) {
		memcpy(packed + 1, e->addr, sizeof(struct in_addr));
	} else {
		memcpy(packed + 1, e->addr, sizeof(e->addr));
	}
	add(key, packed, sizeof(packed));
}

void key_add_endpoint(struct lookup_key *key, const struct endpoint *e)
{
	key_add_addr(key, e);
	add(key, &e->port, sizeof(e->port));
}
