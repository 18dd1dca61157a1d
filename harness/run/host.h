/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_HOST_H
#define WIRECUT_RUN_HOST_H

#include "harness/data/plan.h"

struct nl_sock;

/* The number of eth0, the same in every host: the first interface after lo. */
#define ETH0_IFINDEX 2

/*
 * A host while it lives: its namespaces, held by file descriptor and named nowhere, and netlink
 * sockets that were opened inside them and so stay there.
 */
struct host {
	const struct plan_host *plan;
	int index; /* in the plan */
	int net_fd, uts_fd, mnt_fd;
	int port_ifindex;         /* its cable's port in the cable namespace */
	int inner_ifindex;        /* the cable's other end; only with the link engine netem */
	int diag_fd;              /* NETLINK_SOCK_DIAG: dumps and SOCK_DESTROY */
	int notify_fd;            /* NETLINK_SOCK_DIAG: destroy notifications, non-blocking */
	bool congestion_by_route; /* see sysctl.h */
	bool dark;                /* without power: nothing can be started on it */
};

/* What the hosts of one run have in common. */
struct hosts_config {
	const struct plan *plan;
	/*
	 * Folders that stay visible in a host although they may lie under /tmp, /run or /var/tmp,
	 * which every host has for itself: the suite's programs and the scenario's folder.
	 */
	const char *const *keep_dirs; /* absolute; NULL-terminated */
};

/*
 * Makes every host of the plan and its cable, ports in the caller's network namespace. The caller
 * must be single-threaded and own its user namespace; it is back in its own namespaces when this
 * returns. `hosts` has room for all; on error what was made goes with the caller's process.
 */
int hosts_create(const struct hosts_config *config, struct host *hosts, struct err *err);

typedef int (*host_visit_fn)(const struct host *h, void *arg, struct err *err);

/* Calls fn inside the host's network and mount namespaces, and comes back to the caller's own. */
int host_visit(const struct host *h, host_visit_fn fn, void *arg, struct err *err);

/* Take the host's addresses away, and put them back with what went with them. */
int host_remove_addresses(const struct host *h, uint64_t *ret_n, struct err *err);
int host_restore_addresses(const struct plan *plan, const struct host *h, struct err *err);

/* Moves the calling process into the host's namespaces for good (before exec). */
int host_enter(const struct host *h, struct err *err);

#endif
