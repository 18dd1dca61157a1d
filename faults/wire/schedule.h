/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_SCHEDULE_H
#define WIRECUT_WIRE_SCHEDULE_H

#include "faults/wire/chain.h"

/* One edge of one window of a fault. */
struct edge {
	nsec_t t; /* when the plan wants it */
	bool on;
	struct running_fault *fault;
	size_t window; /* index into the step's edges */
};

/* All edges of all faults in the order in which they are applied. */
struct schedule {
	struct edge *v;
	size_t n, capacity;
	size_t next; /* the first that was not applied yet */
};

/*
 * Adds the edges of a fault; times count from t0. An edge that is never reached (NSEC_NEVER) has
 * none. Aborts when memory runs out. schedule_free frees it.
 */
void schedule_add(struct schedule *s, struct running_fault *f, nsec_t t0);

/*
 * Puts them in order, after the last schedule_add(). At the same time: first what ends, then what
 * begins (so that a window that ends where the next begins never has both on), then the end of
 * windows of no length; among those, the order of the timeline.
 */
void schedule_sort(struct schedule *s);

/* When the next edge is due; NSEC_NEVER: there is none. */
nsec_t schedule_next(const struct schedule *s);

/* Takes the next edge: opens or closes its window. NULL: there is none. */
const struct edge *schedule_pop(struct schedule *s);

void schedule_free(struct schedule *s);

#endif
