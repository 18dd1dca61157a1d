/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_QDISCS_H
#define WIRECUT_NETEM_QDISCS_H

#include "faults/netem/params.h"
#include "harness/base/err.h"

/*
 * netem as the root qdisc of interfaces of the network namespace in which this was opened, by
 * rtnetlink(7): put there, and changed in place, which keeps what is queued.
 */
struct qdiscs;

/* NULL and *err on failure. qdiscs_close() frees it; the qdiscs stay. */
struct qdiscs *qdiscs_open(struct err *err);
void qdiscs_close(struct qdiscs *q);

/*
 * Makes the table of these parameters' jitter. That takes a millisecond, for which no edge should have
 * to wait: qdiscs_change() does it only where it was not done.
 */
void qdiscs_prepare(struct qdiscs *q, const struct netem_params *params);

/* With the next commit the interface gets the qdisc, with no effect on any packet yet. */
void qdiscs_add(struct qdiscs *q, int ifindex);

/*
 * With the next commit the interface's qdisc does this, its generator begins anew from the seed
 * (Linux 6.6 and later), and what is queued leaves when it would have.
 */
void qdiscs_change(struct qdiscs *q, int ifindex, const struct netem_params *params, uint64_t seed);

/* Sends all in as few system calls as there is room for; returns when it is so. */
int qdiscs_commit(struct qdiscs *q, struct err *err);

#endif
