/* SPDX-License-Identifier: MIT */
#include "harness/base/rtnl.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/errno.h>
#include <netlink/route/link.h>

struct nl_sock *rtnl_socket(struct err *err)
{
	struct nl_sock *sk = nl_socket_alloc();
	int rc = sk ? nl_connect(sk, NETLINK_ROUTE) : -NLE_NOMEM;

	if (rc < 0) {
		/* libnl has no code of its own for most errors, EMFILE is one; errno still tells. */
		if (rc == -NLE_FAILURE)
			err_errno(err, "open a netlink socket");
		else
			err_set(err, "open a netlink socket: %s", nl_geterror(rc));
		nl_socket_free(sk);
		return NULL;
	}
	return sk;
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
