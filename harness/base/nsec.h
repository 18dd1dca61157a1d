/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_NSEC_H
#define WIRECUT_BASE_NSEC_H

#include <stdint.h>
#include <time.h>

/*
 * Every time in wirecut is a signed count of nanoseconds: a point (since t = 0 of the scenario, or
 * of CLOCK_MONOTONIC where a name says so) or a length.
 */
typedef int64_t nsec_t;

#define NSEC_PER_USEC ((nsec_t)1000)
#define NSEC_PER_MSEC ((nsec_t)1000000)
#define NSEC_PER_SEC  ((nsec_t)1000000000)

/* Later than every time: "never" as a deadline. */
#define NSEC_NEVER INT64_MAX
/* "Not given": tells an absent duration from a duration of zero. */
#define NSEC_UNSET INT64_MIN

/* The time of a clock (CLOCK_MONOTONIC, CLOCK_REALTIME) in ns. It cannot fail for these two. */
static inline nsec_t nsec_clock(clockid_t clock)
{
	struct timespec ts;

	clock_gettime(clock, &ts);
	return (nsec_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec;
}

static inline nsec_t nsec_monotonic(void)
{
	return nsec_clock(CLOCK_MONOTONIC);
}

static inline struct timespec nsec_to_timespec(nsec_t t)
{
	return (struct timespec){.tv_sec = t / NSEC_PER_SEC, .tv_nsec = t % NSEC_PER_SEC};
}

static inline nsec_t nsec_earlier(nsec_t x, nsec_t y)
{
	return x < y ? x : y;
}

static inline nsec_t nsec_later(nsec_t x, nsec_t y)
{
	return x > y ? x : y;
}

#endif
