/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_TALLY_H
#define WIRECUT_WIRE_TALLY_H

#include "faults/wire/match.h"
#include "faults/wire/sinks.h"
#include "faults/wire/whereabouts.h"

/*
 * The packets that `packets` expectations count: each of them is a record (EV_COUNTED), for each
 * expectation and host that it counts for. Both link engines show it every packet, at both ends of its
 * way. Pure: no clock, no kernel.
 */
struct tally {
	const struct plan *plan;
	struct wire_sinks sinks;
	struct tally_entry *entries;        /* one an expectation */
	size_t n;                           /* 0: nobody asks, and the two calls below do nothing */
	struct whereabouts macs, addresses; /* as the plan has them */
};

/* tally_free frees it, also after an error (-1 and *err). Aborts when memory for an entry runs out. */
int tally_init(struct tally *t, const struct plan *plan, const struct wire_sinks *sinks,
	       struct err *err);
void tally_free(struct tally *t);

/*
 * Host `from` sends the packet, at `now`. It goes to the host that has its destination's MAC address; one
 * for a group goes to all others.
 */
void tally_sent(const struct tally *t, const struct packet *p, int from, nsec_t now);

/*
 * The packet, or one more copy of it, reaches host `to`, at `now`. `from`: the host that sent it;
 * HOST_UNKNOWN: a fault forged it, in the name of the host that its source address belongs to.
 */
void tally_delivered(const struct tally *t, const struct packet *p, int from, int to, nsec_t now);

#endif
