/* SPDX-License-Identifier: MIT */
#include "harness/doctor/netlink.h"

#include <errno.h>
#include <linux/rtnetlink.h>
#include <net/if.h>

#include "harness/base/rtnl.h"

int netlink_commit(struct nlbatch *batch, struct err *err)
{
	struct nl_sock *sk = rtnl_open(err);
	int rc = sk ? nlbatch_commit(batch, sk, err) : -1;
	int saved = errno;
	nl_socket_free(sk);
	errno = saved;
	return rc;
}

struct nl_msg *netlink_up_request(int ifindex)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	struct ifinfomsg up = {.ifi_index = ifindex, .ifi_flags = IFF_UP, .ifi_change = IFF_UP};

	if (msg && nlmsg_append(msg, &up, sizeof(up), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}
