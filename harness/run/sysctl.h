/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_SYSCTL_H
#define WIRECUT_RUN_SYSCTL_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/err.h"

/*
 * Sysctls of the network namespace the caller is in. /proc/sys/net shows the reader's own
 * namespace, so these must be called inside the one that is meant.
 */

/* Writes one, by its dotted name (net.ipv4.tcp_retries2). */
int sysctl_write(const char *name, const char *value, struct err *err);

/* Reads one, without the newline; what does not fit into `size` bytes is an error. */
int sysctl_read(const char *name, char *value, size_t size, struct err *err);

/* The congestion control of every host whose scenario says nothing of it. */
#define BASELINE_CONGESTION_CONTROL "cubic"

/*
 * What every host starts from, whatever the machine has set: the table in sysctl.c.
 *
 * Where the machine does not let others choose that congestion control (it is not in its
 * tcp_allowed_congestion_control, as on a machine whose own is bbr), *ret_by_route is set: a route
 * may still name it (ip-route(8), congctl), and the host's routes must.
 */
int sysctl_write_baseline(bool *ret_by_route, struct err *err);

/*
 * Prepares the cable namespace before the hosts are made from it. It speaks for nobody: no IPv6 on
 * its ports, so no ND or MLD of its own. And every host gets a small hash table of TCP sockets of
 * its own (from Linux 6.1 on): a dump walks the whole table, and the machine's may have a quarter
 * of a million buckets, which is a millisecond and more each time.
 */
int sysctl_prepare_cable_namespace(struct err *err);

/* False where the kernel runs without IPv6 (ipv6.disable=1): hosts then have IPv4 only. */
bool sysctl_have_ipv6(void);

#endif
