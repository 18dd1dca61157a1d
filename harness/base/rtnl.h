/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_RTNL_H
#define WIRECUT_BASE_RTNL_H

#include <netlink/msg.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/base/err.h"

/*
 * A socket of NETLINK_ROUTE, for the network namespace that the caller is in; nl_socket_free() closes
 * it. NULL: an error, and errno is that of the call that failed.
 */
struct nl_sock *rtnl_open(struct err *err);

/*
 * What went wrong, for a failed call's return value; to be asked at once. libnl has no code of its own
 * for most errors, EMFILE is one: of these errno still tells.
 */
const char *rtnl_reason(int rc);

/* lo is the first interface of every network namespace. */
#define LO_IFINDEX 1

/* Takes an interface up, or down. NULL: out of memory. */
struct nl_msg *rtnl_link_request(int ifindex, bool up);

/*
 * netem as the root qdisc of an interface: put there, or changed, as the flags of a request say
 * (NLM_F_CREATE ...). `handle` is what the qdisc is called, or 0: the kernel chooses. `options` are a
 * struct tc_netem_qopt, and attributes behind it. NULL: out of memory.
 */
struct nl_msg *rtnl_netem_request(int ifindex, uint32_t handle, int flags, const void *options,
				  size_t len);

/*
 * Takes the root qdisc of an interface away if it is a netem of this handle. The kernel's answers
 * otherwise: EINVAL, it is another; ENOENT, there is none but the default; ENODEV, no such interface
 * (tc_get_qdisc() of net/sched/sch_api.c). NULL: out of memory.
 */
struct nl_msg *rtnl_netem_delete_request(int ifindex, uint32_t handle);

/* A new bridge, with the kernel's own settings. NULL: out of memory. */
struct nl_msg *rtnl_bridge_request(const char *name);

static inline void cleanup_nl_socket(struct nl_sock **sk)
{
	nl_socket_free(*sk);
}

#define _cleanup_nl_ __attribute__((cleanup(cleanup_nl_socket)))

#endif
