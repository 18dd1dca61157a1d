/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_COUNTERS_H
#define WIRECUT_RUN_COUNTERS_H

#include "harness/data/observation.h"
#include "harness/run/host.h"

/*
 * The observer of the network stack's counters: those of /proc/net/snmp and /proc/net/netstat that
 * an expectation of the plan names, on the hosts that it names.
 */
struct counters;

/*
 * Opens the files inside each of these hosts' namespaces, to which they stay bound. A counter that
 * this kernel does not have is an error. NULL in *ret: the plan asks for none. Records are added to
 * `obs`. The caller must be single-threaded; it is back in its own namespace when this returns.
 */
int counters_new(const struct plan *plan, const struct host *hosts, struct observations *obs,
		 struct counters **ret, struct err *err);
void counters_free(struct counters *c);

/*
 * Reads them, and records with time t what has changed; the first time, every one, as 0: from there
 * on their growth is counted.
 */
int counters_sample(struct counters *c, nsec_t t, struct err *err);

#endif
