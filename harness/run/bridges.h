/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_BRIDGES_H
#define WIRECUT_RUN_BRIDGES_H

#include "harness/run/host.h"

/*
 * Joins the ports of all hosts by the kernel's own bridges, for the link engine netem, in the current
 * network namespace:
 *
 *   host's eth0 == port [bridge c1] inner end == outer end [bridge switch] ...
 *
 * So each direction of a cable leaves an interface that is not the host's: what goes to the host the
 * port, what comes from it the inner end. hosts_create() has made the ports; sets .inner_ifindex of
 * each host.
 */
int bridges_create(struct host *hosts, size_t n, int port_ifindex_base, struct err *err);

#endif
