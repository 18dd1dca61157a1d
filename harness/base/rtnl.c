/* SPDX-License-Identifier: MIT */
#include "harness/base/rtnl.h"

#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <string.h>

/* What stands around the options of a qdisc. */
#define NETEM_HEADERS_BYTES 256

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

struct nl_msg *rtnl_link_request(int ifindex, bool up)
{
	const struct ifinfomsg change = {
		.ifi_family = AF_UNSPEC,
		.ifi_index = ifindex,
		.ifi_flags = up ? IFF_UP : 0,
		.ifi_change = IFF_UP,
	};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWLINK, 0);

	if (msg && nlmsg_append(msg, (void *)&change, sizeof(change), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

/* A request about netem as the root qdisc, with room for so many bytes of options. */
static struct nl_msg *netem_message(int type, int ifindex, uint32_t handle, int flags, size_t room)
{
	const struct tcmsg tc = {
		.tcm_family = AF_UNSPEC,
		.tcm_ifindex = ifindex,
		.tcm_handle = handle,
		.tcm_parent = TC_H_ROOT,
	};
	struct nl_msg *msg = nlmsg_alloc_size(NETEM_HEADERS_BYTES + room);
	struct nlmsghdr *h = msg ? nlmsg_put(msg, NL_AUTO_PORT, NL_AUTO_SEQ, type, 0, flags) : NULL;

	if (!h || nlmsg_append(msg, (void *)&tc, sizeof(tc), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, TCA_KIND, "netem") < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

struct nl_msg *rtnl_netem_request(int ifindex, uint32_t handle, int flags, const void *options,
				  size_t len)
{
	struct nl_msg *msg = netem_message(RTM_NEWQDISC, ifindex, handle, flags, len);

	if (msg && nla_put(msg, TCA_OPTIONS, (int)len, options) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

struct nl_msg *rtnl_netem_delete_request(int ifindex, uint32_t handle)
{
	return netem_message(RTM_DELQDISC, ifindex, handle, 0, 0);
}

struct nl_msg *rtnl_bridge_request(const char *name)
{
	struct rtnl_link *bridge = rtnl_link_alloc();
	struct nl_msg *msg = NULL;

	if (!bridge)
		return NULL;
	rtnl_link_set_name(bridge, name);
	if (rtnl_link_set_type(bridge, "bridge") == 0)
		rtnl_link_build_add_request(bridge, NLM_F_CREATE | NLM_F_EXCL, &msg);
	rtnl_link_put(bridge);
	return msg;
}
