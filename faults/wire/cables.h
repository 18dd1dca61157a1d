/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_CABLES_H
#define WIRECUT_WIRE_CABLES_H

#include "faults/wire/chain.h"

struct cable {
	struct chain from_host, to_host;
	int n_down; /* windows that hold it down; 0: it is up */
};

/* The cables of a plan with their faults: all off at first, schedule.h turns them on and off. */
struct cables {
	struct cable *v; /* per host of the plan */
	size_t n;
	struct running_fault *faults; /* in the order of the timeline */
	size_t n_faults;
	struct fault_memory *memories; /* of each fault (in its order) on each cable */
	bool by_peer;                  /* some fault asks for the host at a packet's other end */
};

/* The plan must outlive them. cables_free frees what they hold. Aborts when memory runs out. */
void cables_init(struct cables *c, const struct plan *plan);
void cables_free(struct cables *c);

/* A host that is named twice, alone and by its group, has one cable all the same. */
bool cable_named_before(const struct index_list *cables, size_t i);

/*
 * One more window takes the cable down, or one less. True if it goes down, or comes up, by that.
 */
bool cable_take_down(struct cable *c, bool down);

/* The fault that is on and has taken the cable of this host down; NULL: none has. */
struct running_fault *cables_taken_down_by(const struct cables *c, int host);

#endif
