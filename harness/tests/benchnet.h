/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_BENCHNET_H
#define WIRECUT_TESTS_BENCHNET_H

#include "harness/data/plan.h"
#include "harness/run/host.h"
#include "harness/run/link.h"

/*
 * Hosts, cables and a link engine as a scenario has them, without the scenario: what a benchmark or
 * a test puts its own traffic on. Everything goes with the calling process, which must be a child
 * of its own. All of it aborts on failure, with its message.
 */
struct benchnet {
	struct plan *plan;
	struct host *hosts;
	struct link *link;
	struct arena arena;
};

/*
 * Moves the process into fresh namespaces and makes the plan of `n_hosts` hosts, named h1, h2, ...
 * Faults may then be added to the plan. False: the kernel allows no namespaces.
 */
bool benchnet_begin(struct benchnet *b, int n_hosts);

/*
 * Makes the hosts and starts the engine, with real-time priority where a scenario's has it: t = 0
 * is then.
 */
void benchnet_up(struct benchnet *b);

/* Ends the engine; gives its records, which live until benchnet_free(). Its hosts stay. */
struct observations benchnet_down(struct benchnet *b);
void benchnet_free(struct benchnet *b);

/* How many packets the harness itself lost, by the engine's records. */
uint64_t benchnet_lost(const struct observations *obs);

/* Joins hosts 0 and 1 by a plain veth pair too: 10.1.0.1 and 10.1.0.2. */
void benchnet_join_directly(struct benchnet *b, bool offloads);

/* Frames received so far by all cables' ports, and by the two ends of the plain veth pair. */
uint64_t benchnet_cable_frames(const struct benchnet *b);
uint64_t benchnet_direct_frames(const struct benchnet *b);

#endif
