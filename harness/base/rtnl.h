/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_RTNL_H
#define WIRECUT_BASE_RTNL_H

#include <netlink/msg.h>
#include <netlink/socket.h>

#include "harness/base/err.h"

/* What all that speaks rtnetlink(7) needs. */

/* A socket in the current network namespace; NULL and *err on failure. */
struct nl_sock *rtnl_socket(struct err *err);

static inline void rtnl_cleanup_socket(struct nl_sock **sk)
{
	nl_socket_free(*sk);
}
#define _cleanup_nl_ __attribute__((cleanup(rtnl_cleanup_socket)))

/* Brings an interface up. NULL: out of memory. */
struct nl_msg *rtnl_up_request(int ifindex);

#endif
