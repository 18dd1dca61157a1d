/* SPDX-License-Identifier: MIT */
#include "reference-app/latency.h"

#define SUBBUCKET_BITS 6u /* LATENCY_SUBBUCKETS */

_Static_assert(1u << SUBBUCKET_BITS == LATENCY_SUBBUCKETS, "the two go together");

/* Values below LATENCY_SUBBUCKETS have a bucket each. Of a larger one, of the power p, the leading
 * SUBBUCKET_BITS bits behind the first choose among those of its power. */
static unsigned bucket_of(uint64_t value)
{
	unsigned shift;

	if (value < LATENCY_SUBBUCKETS)
		return (unsigned)value;
	shift = 63u - (unsigned)__builtin_clzll(value) - SUBBUCKET_BITS;
	if (shift >= LATENCY_POWERS)
		return LATENCY_BUCKETS - 1;
	return LATENCY_SUBBUCKETS * shift + (unsigned)(value >> shift);
}

/* The largest value of the bucket. */
static nsec_t bucket_end(unsigned bucket)
{
	unsigned shift = bucket < 2 * LATENCY_SUBBUCKETS ? 0 : bucket / LATENCY_SUBBUCKETS - 1;
	uint64_t leading = bucket - LATENCY_SUBBUCKETS * shift;

	return (nsec_t)(((leading + 1) << shift) - 1);
}

void latency_add(struct latency *latency, nsec_t took)
{
	latency->counts[bucket_of(took > 0 ? (uint64_t)took : 0)]++;
	latency->total++;
	if (took > latency->max)
		latency->max = took;
}

nsec_t latency_percentile(const struct latency *latency, double percent)
{
	double wanted = (double)latency->total * percent / 100;
	uint64_t seen = 0;

	for (unsigned i = 0; i < LATENCY_BUCKETS && latency->total; i++) {
		seen += latency->counts[i];
		if ((double)seen < wanted || seen == 0)
			continue;
		return bucket_end(i) < latency->max ? bucket_end(i) : latency->max;
	}
	return latency->max;
}
