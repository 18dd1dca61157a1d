/* SPDX-License-Identifier: MIT */
#ifndef REF_RNG_H
#define REF_RNG_H

#include <stdint.h>

/* A seeded generator, one a client: adding a client changes nobody else's draws. It decides waits, not
 * secrets. */
struct rng {
	uint64_t state;
};

/* An independent stream for each (seed, stream). */
struct rng rng_stream(uint64_t seed, uint64_t stream);

/* Uniform in [0, 1), 53 bits. */
double rng_unit(struct rng *rng);

/* A seed from the kernel. */
uint64_t rng_fresh_seed(void);

#endif
