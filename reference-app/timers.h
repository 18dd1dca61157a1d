/* SPDX-License-Identifier: MIT */
#ifndef REF_TIMERS_H
#define REF_TIMERS_H

#include <stdbool.h>
#include <stddef.h>

#include "reference-app/clock.h"

/* Timers in a binary heap. Pure: the caller brings the time. A timer lives inside the object it
 * belongs to, and the heap holds pointers. Room is reserved when the object is made, where a failure
 * can be told; arming never fails. */

struct timer {
	nsec_t at;
	size_t place; /* in the heap, from 1; 0: not armed */
	void (*expired)(struct timer *timer, nsec_t now);
};

struct timers {
	struct timer **heap; /* heap[1] is the earliest */
	size_t len;
	size_t cap;
	size_t reserved; /* for so many timers; cap is above it */
};

void timers_free(struct timers *timers);

/* Reserves room for `count` more timers. -1 when memory is short. */
int timers_reserve(struct timers *timers, size_t count);

/* Gives room back, once for each timer reserved and no longer armed. */
void timers_release(struct timers *timers, size_t count);

/* Arms the timer, or moves it. Its room has been reserved. */
void timer_arm(struct timers *timers, struct timer *timer, nsec_t at);

void timer_disarm(struct timers *timers, struct timer *timer);

static inline bool timer_armed(const struct timer *timer)
{
	return timer->place != 0;
}

/* When the earliest is due; NSEC_NEVER without one. */
nsec_t timers_next(const struct timers *timers);

/* Disarms each timer that is due and calls its function, the earliest first. It runs no more of them
 * than were armed on entry, so it ends even when a function keeps arming its timer for the past. */
void timers_run(struct timers *timers, nsec_t now);

#endif
