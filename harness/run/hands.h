/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_HANDS_H
#define WIRECUT_RUN_HANDS_H

#include "faults/hands.h"
#include "harness/run/state.h"

/*
 * The hands of faults on hosts and on apps (faults/hands.h), as they reach into the kernel. One of
 * them for each window of a fault: it remembers what was done in it.
 */
struct init_hands {
	struct hands hands; /* what the fault is given */
	struct state *state;
	struct deed *last; /* what was done; lives in the state's arena */
};

void hands_init(struct init_hands *h, struct state *s);

/* Takes back what was done, the last first; goes on after an error, and gives the first. */
int hands_take_back(struct init_hands *h, struct err *err);

#endif
