/* SPDX-License-Identifier: MIT */
#include "faults/netem/flights.h"

#include <stdlib.h>
#include <string.h>

/* A power of two; a guest's cable has far fewer frames under way. */
#define BUCKETS 16384
/* FNV-1a of 64 bits (RFC draft-eastlake-fnv). */
#define FNV_OFFSET 0xcbf29ce484222325ULL
#define FNV_PRIME  0x100000001b3ULL

void flights_init(struct flights *fs, size_t n_hosts)
{
	*fs = (struct flights){.n_hosts = n_hosts};
	fs->buckets = calloc(BUCKETS, sizeof(struct flight *));
	if (!fs->buckets)
		abort();
}

void flights_free(struct flights *fs)
{
	for (struct flight *f = fs->oldest, *next; f; f = next) {
		next = f->younger;
		free(f->seen);
		free(f);
	}
	free(fs->buckets);
	*fs = (struct flights){0};
}

static uint64_t hash_of(enum leg leg, const uint8_t *bytes, size_t len)
{
	uint64_t h = FNV_OFFSET ^ (uint64_t)leg;

	for (size_t i = 0; i < len; i++)
		h = (h ^ bytes[i]) * FNV_PRIME;
	return h;
}

static struct flight **bucket_of(struct flights *fs, uint64_t hash)
{
	return &fs->buckets[(hash ^ hash >> 32) % BUCKETS];
}

struct flight *flights_enter(struct flights *fs, enum leg leg, int cable, const uint8_t *bytes,
			     size_t len)
{
	struct flight *f = malloc(sizeof(*f) + len);

	if (!f)
		abort();
	memset(f, 0, sizeof(*f));
	f->leg = leg;
	f->cable = cable;
	f->hash = hash_of(leg, bytes, len);
	f->len = len;
	memcpy(f->bytes, bytes, len);
	if (leg == LEG_FROM_HOST && len && bytes[0] & MAC_GROUP_BIT) {
		f->seen = calloc(fs->n_hosts, sizeof(*f->seen));
		if (!f->seen)
			abort();
	}

	/* At the end, so that the first that is found is the oldest. */
	struct flight **link = bucket_of(fs, f->hash);
	while (*link)
		link = &(*link)->hash_next;
	*link = f;
	f->older = fs->youngest;
	*(f->older ? &f->older->younger : &fs->oldest) = f;
	fs->youngest = f;
	return f;
}

void flights_remove(struct flights *fs, struct flight *f)
{
	struct flight **link = bucket_of(fs, f->hash);

	while (*link != f)
		link = &(*link)->hash_next;
	*link = f->hash_next;
	*(f->older ? &f->older->younger : &fs->oldest) = f->younger;
	*(f->younger ? &f->younger->older : &fs->youngest) = f->older;
	free(f->seen);
	free(f);
}

bool flight_was_seen(const struct flight *f, int host)
{
	return f->seen ? f->seen[host] > 0 : f->n_out > 0;
}

void flight_see(struct flight *f, int host)
{
	f->n_out++;
	if (f->seen && f->seen[host] < UINT8_MAX)
		f->seen[host]++;
}

/* The frame can be this flight's, as far as the place where it was seen tells. */
static bool comes_out_at(const struct flight *f, enum leg leg, int host)
{
	return f->leg == leg && (leg == LEG_TO_HOST ? f->cable == host : f->cable != host);
}

struct flight *flights_find(struct flights *fs, enum leg leg, int host, const uint8_t *bytes,
			    size_t len)
{
	uint64_t hash = hash_of(leg, bytes, len);
	struct flight *doubled = NULL;

	for (struct flight *f = *bucket_of(fs, hash); f; f = f->hash_next) {
		if (f->hash != hash || f->len != len || !comes_out_at(f, leg, host) ||
		    memcmp(f->bytes, bytes, len) != 0)
			continue;
		if (!flight_was_seen(f, host))
			return f;
		doubled = f;
	}
	return doubled;
}

/* Exactly one bit differs. */
static bool differs_by_a_bit(const struct flight *f, const uint8_t *bytes, size_t *ret_offset)
{
	int bits = 0;

	for (size_t i = 0; i < f->len && bits <= 1; i++) {
		uint8_t change = f->bytes[i] ^ bytes[i];

		if (!change)
			continue;
		bits += __builtin_popcount(change);
		*ret_offset = i;
	}
	return bits == 1;
}

struct flight *flights_find_corrupt(struct flights *fs, enum leg leg, int host,
				    const uint8_t *bytes, size_t len, size_t *ret_offset)
{
	for (struct flight *f = fs->oldest; f; f = f->younger)
		if (f->len == len && comes_out_at(f, leg, host) && !flight_was_seen(f, host) &&
		    flight_fault_at(f, FAULT_STAGE_CORRUPT) &&
		    differs_by_a_bit(f, bytes, ret_offset))
			return f;
	return NULL;
}

const struct flight_fault *flight_fault_at(const struct flight *f, enum fault_stage stage)
{
	for (int i = 0; i < f->n_on; i++)
		if (f->on[i].link->fault->step->fault.ops->stage == stage)
			return &f->on[i];
	return NULL;
}
