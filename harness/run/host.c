/* SPDX-License-Identifier: MIT */
/*
 * Hosts and cables.
 *
 * The caller's network namespace is the cable namespace: it holds one port (`p1`, `p2`, ...) for
 * each host, the near end of a veth pair whose far end is the host's eth0. Nothing connects the
 * ports but the link engine; with netem, that is bridges of the kernel (bridges.h).
 *
 * All namespaces are made by the one thread that calls: it unshares, opens the new namespace's
 * file under /proc/self/ns, and goes back with setns(). No helper process is needed, and nothing
 * has a name that could be left behind: when the last descriptor and the last process are gone, so
 * is the namespace.
 *
 * The order matters in two places. Sysctls come before the veth pair, because an interface takes
 * its IPv6 settings (no DAD, no router solicitation) from `default` as it appears. The veth pair is
 * made with its far end in the host's namespace from the start, with fixed interface numbers, so
 * that no message is needed to move it or to ask for its number.
 */
#include "harness/run/host.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/if_addr.h>
#include <linux/neighbour.h>
#include <linux/rtnetlink.h>
#include <net/if.h>
#include <sched.h>
#include <unistd.h>

#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>

#include "harness/base/cleanup.h"
#include "harness/base/nlbatch.h"
#include "harness/base/rtnl.h"
#include "harness/run/bridges.h"
#include "harness/run/hostfs.h"
#include "harness/run/offload.h"
#include "harness/run/sockdiag.h"
#include "harness/run/sysctl.h"

/* The far end is the only interface of a new namespace beside lo, which is number 1. */
#define PORT_IFINDEX_BASE 100
#define IP4_PREFIX        16
#define IP6_PREFIX        64
/* Preferred to the kernel's own route for an address's prefix, whose metric is 256. */
#define IP6_METRIC 128

/* The namespaces of the caller, to go back to. */
struct home {
	int net_fd, uts_fd, mnt_fd;
};

static int open_own(const char *kind, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/self/ns/%s", kind);
	int fd = open(path, O_RDONLY | O_CLOEXEC);
	return fd >= 0 ? fd : err_errno(err, "open %s", path);
}

static int go_home(const struct home *home, struct err *err)
{
	if (setns(home->net_fd, CLONE_NEWNET) < 0 || setns(home->uts_fd, CLONE_NEWUTS) < 0 ||
	    setns(home->mnt_fd, CLONE_NEWNS) < 0)
		return err_errno(err, "go back to the sandbox's own namespaces");
	return 0;
}

/* Enters new namespaces, prepares what must be there before eth0 appears, and keeps their fds. */
static int namespaces_create(const struct hosts_config *config, struct host *h, struct err *err)
{
	if (unshare(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWNS) < 0)
		return err_errno(err, "make namespaces");
	if (sethostname(h->plan->name, strlen(h->plan->name)) < 0)
		return err_errno(err, "set the host name");
	if ((h->net_fd = open_own("net", err)) < 0 || (h->uts_fd = open_own("uts", err)) < 0 ||
	    (h->mnt_fd = open_own("mnt", err)) < 0)
		return -1;
	if (sysctl_write_baseline(&h->congestion_by_route, err) < 0)
		return -1;
	if ((h->diag_fd = sockdiag_open(err)) < 0 ||
	    (h->notify_fd = sockdiag_open_notifications(err)) < 0)
		return -1;
	return hostfs_create(config, h, err);
}

static struct nl_addr *binary_addr(int family, const char *text)
{
	unsigned char bytes[16];
	size_t len = family == AF_INET ? 4 : 16;

	return inet_pton(family, text, bytes) == 1 ? nl_addr_build(family, bytes, len) : NULL;
}

static struct nl_addr *mac_addr(const char *text)
{
	struct nl_addr *a = NULL;

	return nl_addr_parse(text, AF_LLC, &a) < 0 ? NULL : a;
}

/* The veth pair of one host: its port here, its eth0 there, the MAC as planned. */
static struct nl_msg *veth_request(const struct host *h)
{
	struct rtnl_link *port = rtnl_link_veth_alloc();
	struct nl_msg *msg = NULL;
	char name[IFNAMSIZ];

	if (!port)
		return NULL;
	struct rtnl_link *eth0 = rtnl_link_veth_get_peer(port);
	struct nl_addr *mac = mac_addr(h->plan->mac);

	snprintf(name, sizeof(name), "p%d", h->index + 1);
	rtnl_link_set_name(port, name);
	rtnl_link_set_ifindex(port, h->port_ifindex);
	rtnl_link_set_name(eth0, "eth0");
	rtnl_link_set_ifindex(eth0, ETH0_IFINDEX);
	rtnl_link_set_ns_fd(eth0, h->net_fd);
	if (mac) {
		rtnl_link_set_addr(eth0, mac);
		rtnl_link_build_add_request(port, NLM_F_CREATE | NLM_F_EXCL, &msg);
	}
	nl_addr_put(mac);
	rtnl_link_put(eth0);
	rtnl_link_put(port);
	return msg;
}

static int cables_create(const struct plan *plan, struct host *hosts, struct err *err)
{
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(err);
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};

	if (!sk)
		return -1;
	for (size_t i = 0; i < plan->hosts.n; i++)
		nlbatch_add(&batch, veth_request(&hosts[i]),
			    arena_printf(&arena, "make the cable of host %s", hosts[i].plan->name));
	/* A veth can be opened only once both of its ends are there. */
	for (size_t i = 0; i < plan->hosts.n; i++)
		nlbatch_add(&batch, rtnl_link_request(hosts[i].port_ifindex, true),
			    "bring up a cable's port");
	return nlbatch_commit(&batch, sk, err);
}

enum address_change { ADDRESS_ADD, ADDRESS_REMOVE };

static struct nl_msg *address_request(enum address_change change, int family, const char *text)
{
	struct nl_addr *local = binary_addr(family, text);
	struct rtnl_addr *addr = rtnl_addr_alloc();
	struct nl_msg *msg = NULL;

	if (local && addr) {
		nl_addr_set_prefixlen(local, family == AF_INET ? IP4_PREFIX : IP6_PREFIX);
		rtnl_addr_set_ifindex(addr, ETH0_IFINDEX);
		rtnl_addr_set_local(addr, local);
		if (family == AF_INET6)
			rtnl_addr_set_flags(addr, IFA_F_NODAD);
		if (change == ADDRESS_ADD)
			rtnl_addr_build_add_request(addr, NLM_F_CREATE | NLM_F_EXCL, &msg);
		else
			rtnl_addr_build_delete_request(addr, 0, &msg);
	}
	rtnl_addr_put(addr);
	nl_addr_put(local);
	return msg;
}

/*
 * The route to all peers, as the kernel made it for the address, but with the congestion control
 * that connections over it use.
 */
static struct nl_msg *route_request(int family, const char *self, const char *congestion)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_CREATE | NLM_F_REPLACE);
	int prefix = family == AF_INET ? IP4_PREFIX : IP6_PREFIX;
	struct rtmsg r = {.rtm_family = (unsigned char)family,
			  .rtm_dst_len = (unsigned char)prefix,
			  .rtm_table = RT_TABLE_MAIN,
			  .rtm_protocol = RTPROT_STATIC,
			  .rtm_scope = family == AF_INET ? RT_SCOPE_LINK : RT_SCOPE_UNIVERSE,
			  .rtm_type = RTN_UNICAST};
	unsigned char addr[16] = {0}, net[16] = {0};
	int len = family == AF_INET ? 4 : 16;

	inet_pton(family, self, addr);
	memcpy(net, addr, (size_t)prefix / 8);
	if (msg &&
	    (nlmsg_append(msg, &r, sizeof(r), NLMSG_ALIGNTO) < 0 ||
	     nla_put(msg, RTA_DST, len, net) < 0 || nla_put(msg, RTA_PREFSRC, len, addr) < 0 ||
	     nla_put_u32(msg, RTA_OIF, ETH0_IFINDEX) < 0 ||
	     (family == AF_INET6 && nla_put_u32(msg, RTA_PRIORITY, IP6_METRIC) < 0))) {
		nlmsg_free(msg);
		return NULL;
	}
	struct nlattr *metrics = msg ? nla_nest_start(msg, RTA_METRICS) : NULL;
	if (metrics && nla_put_string(msg, RTAX_CC_ALGO, congestion) == 0)
		nla_nest_end(msg, metrics);
	return msg;
}

static bool sets_congestion_control(const struct plan_host *h)
{
	vec_foreach (s, &h->sysctl)
		if (!strcmp(s->name, "net.ipv4.tcp_congestion_control"))
			return true;
	return false;
}

static void add_congestion_routes(struct nlbatch *batch, const struct host *h)
{
	if (!h->congestion_by_route || sets_congestion_control(h->plan))
		return;
	nlbatch_add(batch, route_request(AF_INET, h->plan->ip4, BASELINE_CONGESTION_CONTROL),
		    "set the congestion control of the IPv4 route");
	if (sysctl_have_ipv6())
		nlbatch_add(batch,
			    route_request(AF_INET6, h->plan->ip6, BASELINE_CONGESTION_CONTROL),
			    "set the congestion control of the IPv6 route");
}

static struct nl_msg *neighbour_request(int family, const char *ip, struct nl_addr *mac)
{
	struct nl_addr *dst = binary_addr(family, ip);
	struct rtnl_neigh *neigh = rtnl_neigh_alloc();
	struct nl_msg *msg = NULL;

	if (dst && neigh && mac) {
		rtnl_neigh_set_family(neigh, family);
		rtnl_neigh_set_ifindex(neigh, ETH0_IFINDEX);
		rtnl_neigh_set_state(neigh, NUD_PERMANENT);
		rtnl_neigh_set_dst(neigh, dst);
		rtnl_neigh_set_lladdr(neigh, mac);
		rtnl_neigh_build_add_request(neigh, NLM_F_CREATE, &msg);
	}
	rtnl_neigh_put(neigh);
	nl_addr_put(dst);
	return msg;
}

/* A permanent entry for every peer: a cut cable must not be noticed by ARP or ND. */
static void add_neighbours(struct nlbatch *batch, const struct plan *plan, const struct host *self)
{
	/* Asked once: it looks a name up in /proc/sys, as slow as there are namespaces. */
	bool ipv6 = sysctl_have_ipv6();

	vec_foreach (peer, &plan->hosts) {
		if (peer == self->plan)
			continue;
		struct nl_addr *mac = mac_addr(peer->mac);

		nlbatch_add(batch, neighbour_request(AF_INET, peer->ip4, mac),
			    "add a permanent IPv4 neighbour");
		if (ipv6)
			nlbatch_add(batch, neighbour_request(AF_INET6, peer->ip6, mac),
				    "add a permanent IPv6 neighbour");
		nl_addr_put(mac);
	}
}

/* The host's addresses, and what the kernel drops together with the last one of an interface. */
static void add_addresses(struct nlbatch *batch, const struct plan *plan, const struct host *h)
{
	nlbatch_add(batch, address_request(ADDRESS_ADD, AF_INET, h->plan->ip4),
		    "add the IPv4 address");
	if (sysctl_have_ipv6())
		nlbatch_add(batch, address_request(ADDRESS_ADD, AF_INET6, h->plan->ip6),
			    "add the IPv6 address");
	add_congestion_routes(batch, h);
	if (plan->neighbours != NEIGHBOURS_LEARN)
		add_neighbours(batch, plan, h);
}

/* Inside the host's network namespace: addresses, neighbours, offloads, the user's sysctls. */
static int network_configure(const struct plan *plan, const struct host *h, struct err *err)
{
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(err);
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};

	if (!sk)
		return -1;
	nlbatch_add(&batch, rtnl_link_request(LO_IFINDEX, true), "bring up lo");
	nlbatch_add(&batch, rtnl_link_request(ETH0_IFINDEX, true), "bring up eth0");
	add_addresses(&batch, plan, h);
	if (nlbatch_commit(&batch, sk, err) < 0 ||
	    (plan->gso != GSO_ON && offload_disable("eth0", err) < 0))
		return -1;
	vec_foreach (s, &h->plan->sysctl)
		if (sysctl_write(s->name, s->value, err) < 0)
			return -1;
	return 0;
}

int hosts_create(const struct hosts_config *config, struct host *hosts, struct err *err)
{
	const struct plan *plan = config->plan;
	_cleanup_close_ int net = open_own("net", err);
	_cleanup_close_ int uts = open_own("uts", err);
	_cleanup_close_ int mnt = open_own("mnt", err);
	struct home home = {net, uts, mnt};

	if (net < 0 || uts < 0 || mnt < 0 || sysctl_prepare_cable_namespace(err) < 0)
		return -1;
	for (size_t i = 0; i < plan->hosts.n; i++) {
		struct host *h = &hosts[i];

		*h = (struct host){.plan = &plan->hosts.v[i],
				   .index = (int)i,
				   .net_fd = -1,
				   .uts_fd = -1,
				   .mnt_fd = -1,
				   .diag_fd = -1,
				   .notify_fd = -1,
				   .port_ifindex = PORT_IFINDEX_BASE + (int)i};
		if (namespaces_create(config, h, err) < 0)
			return err_wrap(err, "host %s", h->plan->name);
		if (go_home(&home, err) < 0)
			return -1;
	}
	if (cables_create(plan, hosts, err) < 0)
		return -1;
	if (plan->link == LINK_NETEM &&
	    bridges_create(hosts, plan->hosts.n, PORT_IFINDEX_BASE, err) < 0)
		return -1;
	for (size_t i = 0; i < plan->hosts.n; i++) {
		if (setns(hosts[i].net_fd, CLONE_NEWNET) < 0)
			return err_errno(err, "enter host %s", hosts[i].plan->name);
		if (network_configure(plan, &hosts[i], err) < 0)
			return err_wrap(err, "host %s", hosts[i].plan->name);
	}
	return go_home(&home, err);
}

int host_enter(const struct host *h, struct err *err)
{
	if (setns(h->net_fd, CLONE_NEWNET) < 0 || setns(h->uts_fd, CLONE_NEWUTS) < 0 ||
	    setns(h->mnt_fd, CLONE_NEWNS) < 0)
		return err_errno(err, "enter host %s", h->plan->name);
	return 0;
}

int host_visit(const struct host *h, host_visit_fn fn, void *arg, struct err *err)
{
	_cleanup_close_ int net = open_own("net", err);
	_cleanup_close_ int uts = open_own("uts", err);
	_cleanup_close_ int mnt = open_own("mnt", err);
	struct home home = {net, uts, mnt};

	if (net < 0 || uts < 0 || mnt < 0)
		return -1;
	int rc = host_enter(h, err);
	if (rc == 0)
		rc = fn(h, arg, err);
	struct err lost = {0};
	if (go_home(&home, &lost) < 0) {
		*err = lost;
		return -1;
	}
	return rc;
}

static int remove_addresses(const struct host *h, void *arg, struct err *err)
{
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(err);
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};
	uint64_t *ret_n = arg;

	if (!sk)
		return -1;
	nlbatch_add(&batch, address_request(ADDRESS_REMOVE, AF_INET, h->plan->ip4),
		    "remove the IPv4 address");
	if (sysctl_have_ipv6())
		nlbatch_add(&batch, address_request(ADDRESS_REMOVE, AF_INET6, h->plan->ip6),
			    "remove the IPv6 address");
	*ret_n = batch.items.n;
	return nlbatch_commit(&batch, sk, err);
}

int host_remove_addresses(const struct host *h, uint64_t *ret_n, struct err *err)
{
	return host_visit(h, remove_addresses, ret_n, err);
}

static int restore_addresses(const struct host *h, void *arg, struct err *err)
{
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(err);
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};
	const struct plan *const *plan = arg;

	if (!sk)
		return -1;
	add_addresses(&batch, *plan, h);
	return nlbatch_commit(&batch, sk, err);
}

int host_restore_addresses(const struct plan *plan, const struct host *h, struct err *err)
{
	return host_visit(h, restore_addresses, &plan, err);
}
