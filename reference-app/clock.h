/* SPDX-License-Identifier: MIT */
#ifndef REF_CLOCK_H
#define REF_CLOCK_H

#include <stdint.h>
#include <time.h>

/* A time or a length of time, in nanoseconds. Times are CLOCK_MONOTONIC: setting the wall clock moves
 * no timer. */
typedef int64_t nsec_t;

#define NSEC_PER_USEC INT64_C(1000)
#define NSEC_PER_MSEC INT64_C(1000000)
#define NSEC_PER_SEC  INT64_C(1000000000)
#define NSEC_NEVER    INT64_MAX

static inline nsec_t clock_now(void)
{
	struct timespec ts;

	clock_gettime(CLOCK_MONOTONIC, &ts);
	return ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

#endif
