/* SPDX-License-Identifier: MIT */
#include "harness/run/bridges.h"

#include <linux/if_bridge.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <stdio.h>

#include "harness/base/cleanup.h"
#include "harness/base/nlbatch.h"
#include "harness/base/rtnl.h"

/*
 * A bridge by itself forwards nothing in its first 15 seconds, asks who wants which group, and
 * forgets where a host is after five minutes of silence. The switch of `wire` does none of that, and
 * so these do not: no forward delay, no snooping of groups, and the place of each host is told.
 * A cable's own bridge has two ports and learns nothing: what enters one leaves the other.
 */

enum learning { LEARNS, LEARNS_NOT };

/* Interface numbers: the ports, the inner ends, the outer ends, the cables' bridges, the switch. */
struct numbers {
	int ports, inner, outer, bridges, the_switch;
};

static struct numbers numbers_of(size_t n, int base)
{
	int hosts = (int)n;

	return (struct numbers){base, base + hosts, base + 2 * hosts, base + 3 * hosts,
				base + 4 * hosts};
}

static struct nl_msg *link_message(int type, int family, int ifindex, int flags)
{
	const struct ifinfomsg info = {.ifi_family = (unsigned char)family, .ifi_index = ifindex};
	struct nl_msg *msg = nlmsg_alloc_simple(type, flags);

	if (msg && nlmsg_append(msg, (void *)&info, sizeof(info), NLMSG_ALIGNTO) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static int put_bridge_options(struct nl_msg *msg)
{
	struct nlattr *info = nla_nest_start(msg, IFLA_LINKINFO);
	struct nlattr *data = NULL;

	if (!info || nla_put_string(msg, IFLA_INFO_KIND, "bridge") < 0 ||
	    !(data = nla_nest_start(msg, IFLA_INFO_DATA)) ||
	    nla_put_u32(msg, IFLA_BR_STP_STATE, 0) < 0 ||
	    nla_put_u32(msg, IFLA_BR_FORWARD_DELAY, 0) < 0 ||
	    nla_put_u8(msg, IFLA_BR_MCAST_SNOOPING, 0) < 0)
		return -1;
	nla_nest_end(msg, data);
	nla_nest_end(msg, info);
	return 0;
}

static struct nl_msg *bridge_request(const char *name, int ifindex)
{
	struct nl_msg *msg =
		link_message(RTM_NEWLINK, AF_UNSPEC, ifindex, NLM_F_CREATE | NLM_F_EXCL);

	if (!msg || nla_put_string(msg, IFLA_IFNAME, name) < 0 || put_bridge_options(msg) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct nl_msg *veth_request(int n, int inner_ifindex, int outer_ifindex)
{
	struct rtnl_link *inner = rtnl_link_veth_alloc();
	struct nl_msg *msg = NULL;
	char name[IFNAMSIZ];

	if (!inner)
		return NULL;
	struct rtnl_link *outer = rtnl_link_veth_get_peer(inner);
	snprintf(name, sizeof(name), "q%d", n);
	rtnl_link_set_name(inner, name);
	rtnl_link_set_ifindex(inner, inner_ifindex);
	snprintf(name, sizeof(name), "r%d", n);
	rtnl_link_set_name(outer, name);
	rtnl_link_set_ifindex(outer, outer_ifindex);
	rtnl_link_build_add_request(inner, NLM_F_CREATE | NLM_F_EXCL, &msg);
	rtnl_link_put(outer);
	rtnl_link_put(inner);
	return msg;
}

static struct nl_msg *master_request(int ifindex, int master)
{
	struct nl_msg *msg = link_message(RTM_NEWLINK, AF_UNSPEC, ifindex, 0);

	if (!msg || nla_put_u32(msg, IFLA_MASTER, (uint32_t)master) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct nl_msg *no_learning_request(int ifindex)
{
	struct nl_msg *msg = link_message(RTM_SETLINK, AF_BRIDGE, ifindex, 0);
	struct nlattr *port = msg ? nla_nest_start(msg, IFLA_PROTINFO | NLA_F_NESTED) : NULL;

	if (!port || nla_put_u8(msg, IFLA_BRPORT_LEARNING, 0) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	nla_nest_end(msg, port);
	return msg;
}

/* Where the host is, until it is seen elsewhere; never forgotten. */
static struct nl_msg *place_request(int ifindex, const char *mac)
{
	const struct ndmsg entry = {.ndm_family = AF_BRIDGE,
				    .ndm_ifindex = ifindex,
				    .ndm_state = NUD_NOARP,
				    .ndm_flags = NTF_MASTER};
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWNEIGH, NLM_F_CREATE | NLM_F_REPLACE);
	struct nl_addr *address = NULL;

	if (!msg || nl_addr_parse(mac, AF_LLC, &address) < 0 ||
	    nlmsg_append(msg, (void *)&entry, sizeof(entry), NLMSG_ALIGNTO) < 0 ||
	    nla_put_addr(msg, NDA_LLADDR, address) < 0) {
		nl_addr_put(address);
		nlmsg_free(msg);
		return NULL;
	}
	nl_addr_put(address);
	return msg;
}

static void join(struct nlbatch *batch, int ifindex, int master, enum learning learning)
{
	nlbatch_add(batch, master_request(ifindex, master), "put an interface into a bridge");
	if (learning == LEARNS_NOT)
		nlbatch_add(batch, no_learning_request(ifindex), "make a bridge learn nothing");
}

static void add_cable(struct nlbatch *batch, struct host *h, const struct numbers *base)
{
	const int i = h->index, inner = base->inner + i, outer = base->outer + i;
	const int bridge = base->bridges + i;
	const char *name = arena_printf(batch->arena, "c%d", i + 1);

	h->inner_ifindex = inner;
	nlbatch_add(batch, veth_request(i + 1, inner, outer), "make the inner part of a cable");
	nlbatch_add(batch, bridge_request(name, bridge), "make the bridge of a cable");
	join(batch, base->ports + i, bridge, LEARNS_NOT);
	join(batch, inner, bridge, LEARNS_NOT);
	join(batch, outer, base->the_switch, LEARNS);
	nlbatch_add(batch, place_request(outer, h->plan->mac),
		    "tell the bridge of the switch where a host is");
	nlbatch_add(batch, rtnl_link_request(inner, true), "bring up the inner part of a cable");
	nlbatch_add(batch, rtnl_link_request(outer, true), "bring up the inner part of a cable");
	nlbatch_add(batch, rtnl_link_request(bridge, true), "bring up the bridge of a cable");
}

int bridges_create(struct host *hosts, size_t n, int port_ifindex_base, struct err *err)
{
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(err);
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};
	const struct numbers base = numbers_of(n, port_ifindex_base);

	if (!sk)
		return -1;
	nlbatch_add(&batch, bridge_request("switch", base.the_switch),
		    "make the bridge of the switch");
	for (size_t i = 0; i < n; i++)
		add_cable(&batch, &hosts[i], &base);
	nlbatch_add(&batch, rtnl_link_request(base.the_switch, true),
		    "bring up the bridge of the switch");
	if (nlbatch_commit(&batch, sk, err) < 0)
		return err_wrap(err, "the link engine netem (wirecut doctor says what lacks)");
	return 0;
}
