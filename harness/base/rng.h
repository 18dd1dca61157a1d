/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_RNG_H
#define WIRECUT_BASE_RNG_H

#include <stdint.h>

/*
 * Seeded random streams: xoshiro256** by Blackman and Vigna (https://prng.di.unimi.it), its state
 * filled by splitmix64 as its authors ask.
 *
 * A stream is keyed by the run's seed and by a name ("cut/client.1/to-host"): streams of different
 * names are independent, so that one more fault never changes another's draws.
 */
struct rng {
	uint64_t s[4];
};

void rng_init(struct rng *r, uint64_t seed, const char *stream_name);

uint64_t rng_u64(struct rng *r);

/* Uniform in [0, 1), 53 bits. */
double rng_uniform(struct rng *r);

/* Uniform in (0, 1): for a function that has no value at 0. */
double rng_uniform_open(struct rng *r);

/* A stable 64-bit hash of a name (FNV-1a): for seeds and for sharding, not against an adversary. */
uint64_t rng_hash(const char *name);

#endif
