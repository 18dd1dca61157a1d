/* SPDX-License-Identifier: MIT */
#include "reference-app/timers.h"

#include <stdlib.h>

#define HEAP_CAP_FIRST 64

static void put(struct timers *timers, size_t place, struct timer *timer)
{
	timers->heap[place] = timer;
	timer->place = place;
}

static void sift_up(struct timers *timers, struct timer *timer)
{
	size_t place = timer->place;

	while (place > 1 && timers->heap[place / 2]->at > timer->at) {
		put(timers, place, timers->heap[place / 2]);
		place /= 2;
	}
	put(timers, place, timer);
}

static void sift_down(struct timers *timers, struct timer *timer)
{
	size_t place = timer->place;

	for (;;) {
		size_t child = place * 2;

		if (child > timers->len)
			break;
		if (child < timers->len && timers->heap[child + 1]->at < timers->heap[child]->at)
			child++;
		if (timers->heap[child]->at >= timer->at)
			break;
		put(timers, place, timers->heap[child]);
		place = child;
	}
	put(timers, place, timer);
}

int timers_reserve(struct timers *timers, size_t count)
{
	size_t cap = timers->cap ? timers->cap : HEAP_CAP_FIRST;
	struct timer **heap;

	while (cap <= timers->reserved + count)
		cap *= 2;
	if (cap != timers->cap) {
		heap = realloc(timers->heap, cap * sizeof(struct timer *));
		if (!heap)
			return -1;
		timers->heap = heap;
		timers->cap = cap;
	}
	timers->reserved += count;
	return 0;
}

void timers_release(struct timers *timers, size_t count)
{
	timers->reserved -= count;
}

void timers_free(struct timers *timers)
{
	free(timers->heap);
	*timers = (struct timers){0};
}

void timer_arm(struct timers *timers, struct timer *timer, nsec_t at)
{
	if (!timer_armed(timer))
		put(timers, ++timers->len, timer);
	timer->at = at;
	sift_up(timers, timer);
	sift_down(timers, timer);
}

void timer_disarm(struct timers *timers, struct timer *timer)
{
	struct timer *last;
	size_t place = timer->place;

	if (!timer_armed(timer))
		return;
	timer->place = 0;
	last = timers->heap[timers->len--];
	if (last == timer)
		return;
	put(timers, place, last);
	sift_up(timers, last);
	sift_down(timers, last);
}

nsec_t timers_next(const struct timers *timers)
{
	return timers->len ? timers->heap[1]->at : NSEC_NEVER;
}

void timers_run(struct timers *timers, nsec_t now)
{
	/* Bounded by what is armed on entry: a function that keeps arming itself for the past cannot
	 * starve the sockets. */
	for (size_t budget = timers->len; budget > 0 && timers_next(timers) <= now; budget--) {
		struct timer *timer = timers->heap[1];

		timer_disarm(timers, timer);
		timer->expired(timer, now);
	}
}
