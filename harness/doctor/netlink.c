/* SPDX-License-Identifier: MIT */
#include "harness/doctor/netlink.h"

#include <errno.h>

int netlink_commit(struct nlbatch *batch, struct err *err)
{
	struct nl_sock *sk = rtnl_open(err);
	int rc = sk ? nlbatch_commit(batch, sk, err) : -1;
	int saved = errno;
	nl_socket_free(sk);
	errno = saved;
	return rc;
}
