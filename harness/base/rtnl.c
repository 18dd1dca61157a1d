/* SPDX-License-Identifier: MIT */
#include "harness/base/rtnl.h"

#include <errno.h>
#include <linux/netlink.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <string.h>

const char *rtnl_reason(int rc)
{
	return rc == -NLE_FAILURE ? strerror(errno) : nl_geterror(rc);
}

struct nl_sock *rtnl_open(struct err *err)
{
	struct nl_sock *sk = nl_socket_alloc();
	int rc = sk ? nl_connect(sk, NETLINK_ROUTE) : -NLE_NOMEM;

	if (rc >= 0)
		return sk;
	int saved = errno;
	err_set(err, "open a netlink socket: %s", rtnl_reason(rc));
	nl_socket_free(sk);
	errno = saved;
	return NULL;
}

struct nl_msg *rtnl_up_request(int ifindex)
{
	struct rtnl_link *old = rtnl_link_alloc(), *change = rtnl_link_alloc();
	struct nl_msg *msg = NULL;

	if (old && change) {
		rtnl_link_set_ifindex(old, ifindex);
		rtnl_link_set_flags(change, IFF_UP);
		rtnl_link_build_change_request(old, change, 0, &msg);
	}
	rtnl_link_put(old);
	rtnl_link_put(change);
	return msg;
}
