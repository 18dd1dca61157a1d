/* SPDX-License-Identifier: MIT */
#include "harness/base/rng.h"

#define FNV1A_OFFSET 0xcbf29ce484222325ULL
#define FNV1A_PRIME  0x00000100000001b3ULL

uint64_t rng_hash(const char *name)
{
	uint64_t h = FNV1A_OFFSET;

	for (const unsigned char *p = (const unsigned char *)name; *p; p++)
		h = (h ^ *p) * FNV1A_PRIME;
	return h;
}

static uint64_t splitmix64(uint64_t *state)
{
	uint64_t z = (*state += 0x9e3779b97f4a7c15ULL);

	z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
	z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
	return z ^ (z >> 31);
}

static uint64_t rotl(uint64_t x, int k)
{
	return (x << k) | (x >> (64 - k));
}

void rng_init(struct rng *r, uint64_t seed, const char *stream_name)
{
	uint64_t state = seed;

	/* Seeds that differ by one must not give streams that differ by one name's hash. */
	state = splitmix64(&state) ^ rng_hash(stream_name);
	for (int i = 0; i < 4; i++)
		r->s[i] = splitmix64(&state);
}

uint64_t rng_u64(struct rng *r)
{
	uint64_t result = rotl(r->s[1] * 5, 7) * 9;
	uint64_t t = r->s[1] << 17;

	r->s[2] ^= r->s[0];
	r->s[3] ^= r->s[1];
	r->s[1] ^= r->s[2];
	r->s[0] ^= r->s[3];
	r->s[2] ^= t;
	r->s[3] = rotl(r->s[3], 45);
	return result;
}

double rng_uniform(struct rng *r)
{
	return (double)(rng_u64(r) >> 11) * 0x1.0p-53;
}

double rng_uniform_open(struct rng *r)
{
	/* Half a step up: never 0, and never 1 either. */
	return ((double)(rng_u64(r) >> 12) + 0.5) * 0x1.0p-52;
}
