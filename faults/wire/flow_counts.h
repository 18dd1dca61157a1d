/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_FLOW_COUNTS_H
#define WIRECUT_WIRE_FLOW_COUNTS_H

#include "faults/wire/packet.h"

/*
 * What a fault did in its window, by flow: a small hash table, bounded, so that neither a scan of all
 * ports nor a herd of clients makes it grow. The first flows that are touched have a place each; all
 * later ones share one, and are never left out silently. Pure.
 */

/* Flows of a window with a place of their own. The rest is one sum. */
#define FLOW_COUNTS_MAX 128

struct flow_count {
	struct obs_flow flow;
	struct receipt did;
};

/* All zero: empty. What it holds is made when the first flow comes. */
struct flow_counts {
	struct flow_table *table;
};

/*
 * Where to count what is done to the packets between these two, in either direction. Good until the
 * next call. Aborts when memory runs out.
 */
struct receipt *flow_counts_of(struct flow_counts *c, const struct endpoint *src,
			       const struct endpoint *dst, enum flow_protocol protocol);
struct receipt *flow_counts_of_packet(struct flow_counts *c, const struct packet *p);

/* The i-th in the order in which they came, the sum of the others last. False: there are no more. */
bool flow_counts_get(const struct flow_counts *c, size_t i, struct flow_count *ret);

/* Makes it empty again, and frees what it holds. */
void flow_counts_free(struct flow_counts *c);

#endif
