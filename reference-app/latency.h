/* SPDX-License-Identifier: MIT */
#ifndef REF_LATENCY_H
#define REF_LATENCY_H

#include "reference-app/clock.h"

/* How long many things took, for percentiles: counts in buckets whose width grows with the value, so
 * that any number of them needs the same memory and each figure is right within 1/64. Pure. */

#define LATENCY_SUBBUCKETS 64u
/* Buckets of 1 ns up to LATENCY_SUBBUCKETS ns, then so many for each power of two up to 2^40 ns, 18
 * minutes; what is longer counts as that. */
#define LATENCY_POWERS  34u
#define LATENCY_BUCKETS (LATENCY_SUBBUCKETS * (LATENCY_POWERS + 1))

struct latency {
	uint64_t counts[LATENCY_BUCKETS];
	uint64_t total;
	nsec_t max;
};

/* One took so long. */
void latency_add(struct latency *latency, nsec_t took);

/* The smallest time that `percent` of 100 did not exceed, rounded up to its bucket's end; 0 without
 * any. */
nsec_t latency_percentile(const struct latency *latency, double percent);

#endif
