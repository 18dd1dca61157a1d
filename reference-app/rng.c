/* SPDX-License-Identifier: MIT */
#include "reference-app/rng.h"

#include <sys/random.h>

#include "reference-app/clock.h"

/* SplitMix64: Steele, Lea, Flood, "Fast splittable pseudorandom number generators", OOPSLA 2014; the
 * constants are those of Vigna's public-domain splitmix64.c. */
static uint64_t next(struct rng *rng)
{
	uint64_t z = (rng->state += UINT64_C(0x9e3779b97f4a7c15));

	z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
	return z ^ z >> 31;
}

struct rng rng_stream(uint64_t seed, uint64_t stream)
{
	struct rng from_seed = {.state = seed};
	struct rng from_stream = {.state = stream};

	/* Both are mixed first: neighbouring streams must not be the same sequence one step apart. */
	return (struct rng){.state = next(&from_seed) ^ next(&from_stream) * 3};
}

double rng_unit(struct rng *rng)
{
	return (double)(next(rng) >> 11) * 0x1p-53;
}

uint64_t rng_fresh_seed(void)
{
	uint64_t seed;

	/* It fails only on kernels before 3.17; the time is then good enough for jitter. */
	if (getrandom(&seed, sizeof(seed), 0) != sizeof(seed))
		seed = (uint64_t)clock_now();
	return seed;
}
