/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_MATCH_H
#define WIRECUT_WIRE_MATCH_H

#include "faults/wire/flow.h"
#include "harness/data/plan.h"

/* A `match`, of a fault or of an expectation, resolved to what can be asked of each packet at once. */
struct match {
	bool all;       /* no filter at all */
	int64_t port;   /* or COUNT_UNSET */
	int protocol;   /* enum match_protocol, or ENUM_UNSET */
	unsigned kinds; /* a bit for each enum packet_kind; 0: any */
	bool *peers;    /* per host of the plan; NULL: any */
	int *sides;     /* per host of the plan, SIDE_NONE: on none; NULL: any */
};

/*
 * `peers`: the hosts that its names mean. match_free frees it. Aborts when memory runs out. The second:
 * that of a fault, with the sides of a partition; `step` is a fault of `plan`.
 */
void match_init(struct match *m, const struct plan *plan, const struct match_spec *spec,
		const struct index_list *peers);
void match_init_fault(struct match *m, const struct plan *plan, const struct plan_step *step);
void match_free(struct match *m);

/*
 * `peer` is the host at the other end of the packet, as seen from the cable of host `cable`; or
 * HOST_UNKNOWN.
 */
bool match_packet(const struct match *m, const struct packet *p, int cable, int peer);

/* The same of a connection, whose end `peer_end` is the other end. A kind matches none. */
bool match_flow(const struct match *m, const struct flow *f, int peer_end);

#endif
