/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_LOOKUP_H
#define WIRECUT_JUDGE_LOOKUP_H

#include "harness/data/observation.h"

/*
 * A hash table from a small key of bytes (an address, a 4-tuple, a host and a cookie) to an index.
 * Open addressing, never more than half full; its memory is the arena's. Nothing is ever removed.
 */

/* Room for two packed endpoints (2 * 19 bytes) and an index. */
#define LOOKUP_KEY_BYTES 42

struct lookup_key {
	uint8_t bytes[LOOKUP_KEY_BYTES];
	uint8_t len;
};

struct lookup_slot {
	struct lookup_key key; /* len 0: the slot is free */
	int value;
};

struct lookup {
	struct arena *arena;
	struct lookup_slot *slots;
	size_t n_slots, n_used;
};

/* The value of the key; -1 if it has none. */
int lookup_get(const struct lookup *l, const struct lookup_key *key);

/* Where the key's value stands: -1 if it had none. Valid until the next call. */
int *lookup_at(struct lookup *l, const struct lookup_key *key);

/* Appends to a key that began as {0}. An endpoint's or address's IPv4-mapped form is its IPv4. */
void key_add_int(struct lookup_key *key, int value);
void key_add_u64(struct lookup_key *key, uint64_t value);
void key_add_addr(struct lookup_key *key, const struct endpoint *e);
void key_add_endpoint(struct lookup_key *key, const struct endpoint *e);

bool key_same(const struct lookup_key *x, const struct lookup_key *y);

#endif
