/* SPDX-License-Identifier: MIT */
#include "harness/base/rtnl.h"

#include <errno.h>
#include <linux/netlink.h>
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
