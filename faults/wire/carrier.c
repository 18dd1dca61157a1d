/* SPDX-License-Identifier: MIT */
#include "faults/wire/carrier.h"

#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/msg.h>
#include <stdlib.h>

#include "harness/base/rtnl.h"

struct carrier {
	struct nl_sock *sk;
};

struct carrier *carrier_open(struct err *err)
{
	struct carrier *c = calloc(1, sizeof(*c));

	if (!c) {
		err_set(err, "out of memory");
		return NULL;
	}
	c->sk = rtnl_open(err);
	if (!c->sk) {
		carrier_close(c);
		return NULL;
	}
	return c;
}

void carrier_close(struct carrier *c)
{
	if (!c)
		return;
	nl_socket_free(c->sk);
	free(c);
}

int carrier_set(struct carrier *c, int ifindex, bool up, struct err *err)
{
	const struct ifinfomsg change = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = ifindex,
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);
	int rc = msg ? nlmsg_append(msg, (void *)&change, sizeof(change), NLMSG_ALIGNTO)
		     : -NLE_NOMEM;

	if (rc < 0)
		nlmsg_free(msg);
	else
		rc = nl_send_sync(c->sk, msg); /* frees the message */
	return rc < 0 ? err_set(err, "take a cable's port %s: %s", up ? "up" : "down",
				rtnl_reason(rc))
		      : 0;
}
