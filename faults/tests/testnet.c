/* SPDX-License-Identifier: MIT */
#include "faults/tests/testnet.h"

#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/ethtool.h>
#include <linux/if_addr.h>
#include <linux/sockios.h>
#include <net/if.h>
#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>
#include <netlink/route/route.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

#include "harness/base/cleanup.h"
#include "harness/base/rtnl.h"

#define HOST_IF      "eth0"
#define TESTNET_PORT 8000

static void die(const char *what)
{
	perror(what);
	abort();
}

static int write_file(const char *path, const char *text)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	return fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text) ? 0 : -1;
}

static int become_root_of_a_userns(struct err *err)
{
	char map[64];
	unsigned uid = geteuid(), gid = getegid();

	if (unshare(CLONE_NEWUSER))
		return err_errno(err, "not root, and no user namespace");
	snprintf(map, sizeof(map), "0 %u 1", uid);
	if (write_file("/proc/self/setgroups", "deny") || write_file("/proc/self/uid_map", map))
		return err_errno(err, "user namespace: uid_map");
	snprintf(map, sizeof(map), "0 %u 1", gid);
	if (write_file("/proc/self/gid_map", map))
		return err_errno(err, "user namespace: gid_map");
	return 0;
}

void testnet_enter(int ns)
{
	if (setns(ns, CLONE_NEWNET)) {
		perror("setns");
		abort();
	}
}

static int new_netns(struct err *err)
{
	if (unshare(CLONE_NEWNET))
		return err_errno(err, "new network namespace");
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	return fd < 0 ? err_errno(err, "/proc/self/ns/net") : fd;
}

static int open_route(struct nl_sock **ret, struct err *err)
{
	*ret = rtnl_open(err);
	return *ret ? 0 : -1;
}

static int add_veth(const char *name, const char *peer_name, int peer_ns, struct err *err)
{
	struct nl_sock *sk = NULL;
	struct rtnl_link *link = rtnl_link_veth_alloc();
	int ret = open_route(&sk, err);

	if (!ret) {
		struct rtnl_link *peer = rtnl_link_veth_get_peer(link);

		rtnl_link_set_name(link, name);
		rtnl_link_set_flags(link, IFF_UP);
		rtnl_link_set_name(peer, peer_name);
		rtnl_link_set_ns_fd(peer, peer_ns);
		int e = rtnl_link_add(sk, link, NLM_F_CREATE | NLM_F_EXCL);
		if (e)
			ret = err_set(err, "add %s: %s", name, nl_geterror(e));
		rtnl_link_put(peer);
	}
	rtnl_link_put(link);
	nl_socket_free(sk);
	return ret;
}

static int link_up(struct nl_sock *sk, const char *name, const char *mac, struct err *err)
{
	struct rtnl_link *old = NULL, *change = rtnl_link_alloc();
	struct nl_addr *addr = NULL;
	int e = rtnl_link_get_kernel(sk, 0, name, &old);

	if (!e && mac)
		e = nl_addr_parse(mac, AF_LLC, &addr);
	if (!e && addr)
		rtnl_link_set_addr(change, addr);
	rtnl_link_set_flags(change, IFF_UP);
	if (!e)
		e = rtnl_link_change(sk, old, change, 0);
	nl_addr_put(addr);
	rtnl_link_put(change);
	rtnl_link_put(old);
	return e ? err_set(err, "%s up: %s", name, nl_geterror(e)) : 0;
}

static int add_addr(struct nl_sock *sk, int ifindex, const char *text, struct err *err)
{
	struct rtnl_addr *a = rtnl_addr_alloc();
	struct nl_addr *local = NULL;
	int e = nl_addr_parse(text, AF_UNSPEC, &local);

	if (!e) {
		rtnl_addr_set_ifindex(a, ifindex);
		rtnl_addr_set_local(a, local);
		/* Without, it could be used only after a second. */
		if (nl_addr_get_family(local) == AF_INET6)
			rtnl_addr_set_flags(a, IFA_F_NODAD);
		e = rtnl_addr_add(sk, a, 0);
	}
	nl_addr_put(local);
	rtnl_addr_put(a);
	return e ? err_set(err, "address %s: %s", text, nl_geterror(e)) : 0;
}

static int add_neighbour(struct nl_sock *sk, int ifindex, const char *ip, const char *mac,
			 struct err *err)
{
	struct rtnl_neigh *n = rtnl_neigh_alloc();
	struct nl_addr *dst = NULL, *ll = NULL;
	int e = nl_addr_parse(ip, AF_UNSPEC, &dst);

	if (!e)
		e = nl_addr_parse(mac, AF_LLC, &ll);
	if (!e) {
		rtnl_neigh_set_ifindex(n, ifindex);
		rtnl_neigh_set_dst(n, dst);
		rtnl_neigh_set_lladdr(n, ll);
		rtnl_neigh_set_state(n, NUD_PERMANENT);
		e = rtnl_neigh_add(sk, n, NLM_F_CREATE | NLM_F_REPLACE);
	}
	nl_addr_put(dst);
	nl_addr_put(ll);
	rtnl_neigh_put(n);
	return e ? err_set(err, "neighbour %s: %s", ip, nl_geterror(e)) : 0;
}

static int set_offloads(const char *name, uint32_t on, struct err *err)
{
	const uint32_t commands[] = {ETHTOOL_STXCSUM, ETHTOOL_STSO, ETHTOOL_SGSO, ETHTOOL_SGRO};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	for (size_t i = 0; i < ARRAY_SIZE(commands); i++) {
		struct ethtool_value value = {.cmd = commands[i], .data = on};
		struct ifreq ifr = {.ifr_data = (char *)&value};

		snprintf(ifr.ifr_name, sizeof(ifr.ifr_name), "%s", name);
		if (ioctl(fd, SIOCETHTOOL, &ifr))
			return err_errno(err, "%s: set offload %u", name, commands[i]);
	}
	return 0;
}

/* In the host's namespace. */
static int configure_host(int i, struct err *err)
{
	char mac[32], ip[64], peer_ip[64], peer_mac[32];
	struct nl_sock *sk = NULL;
	int peer = 1 - i;

	snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", i + 1);
	snprintf(peer_mac, sizeof(peer_mac), "02:00:00:00:00:%02x", peer + 1);
	int ret = open_route(&sk, err);
	if (!ret)
		ret = link_up(sk, HOST_IF, mac, err);
	int ifindex = (int)if_nametoindex(HOST_IF);
	if (!ret)
		ret = link_up(sk, "lo", NULL, err);
	for (int v6 = 0; !ret && v6 < 2; v6++) {
		snprintf(ip, sizeof(ip), v6 ? "fd00::%d/64" : "10.0.0.%d/24", i + 1);
		snprintf(peer_ip, sizeof(peer_ip), v6 ? "fd00::%d" : "10.0.0.%d", peer + 1);
		ret = add_addr(sk, ifindex, ip, err);
		if (!ret)
			ret = add_neighbour(sk, ifindex, peer_ip, peer_mac, err);
	}
	nl_socket_free(sk);
	return ret ? ret : set_offloads(HOST_IF, 0, err);
}

static int add_host(struct testnet *net, int i, struct err *err)
{
	char port[IFNAMSIZ];

	net->host_ns[i] = new_netns(err);
	if (net->host_ns[i] < 0)
		return -1;
	testnet_enter(net->cable_ns);
	snprintf(port, sizeof(port), "port%d", i);
	if (add_veth(port, HOST_IF, net->host_ns[i], err))
		return -1;
	net->port_ifindex[i] = (int)if_nametoindex(port);
	testnet_enter(net->host_ns[i]);
	int ret = configure_host(i, err);
	testnet_enter(net->cable_ns);
	return ret;
}

int testnet_up(struct testnet *net, struct err *err)
{
	*net = (struct testnet){.cable_ns = -1, .host_ns = {-1, -1}};
	if (geteuid() && become_root_of_a_userns(err))
		return -1;
	net->cable_ns = new_netns(err);
	if (net->cable_ns < 0)
		return -1;
	/* The engine alone speaks on the ports. */
	write_file("/proc/sys/net/ipv6/conf/default/disable_ipv6", "1");
	for (int i = 0; i < TESTNET_HOSTS; i++)
		if (add_host(net, i, err))
			return -1;
	return 0;
}

void testnet_down(struct testnet *net)
{
	for (int i = 0; i < TESTNET_HOSTS; i++)
		cleanup_close(&net->host_ns[i]);
	cleanup_close(&net->cable_ns);
}

int testnet_offloads_on(const struct testnet *net, int host, struct err *err)
{
	testnet_enter(net->host_ns[host]);
	int ret = set_offloads(HOST_IF, 1, err);
	testnet_enter(net->cable_ns);
	return ret;
}

int testnet_join_directly(struct testnet *net, struct err *err)
{
	testnet_enter(net->host_ns[0]);
	int ret = add_veth("direct", "direct", net->host_ns[1], err);

	for (int i = 0; i < TESTNET_HOSTS && !ret; i++) {
		char ip[32];
		struct nl_sock *sk = NULL;

		testnet_enter(net->host_ns[i]);
		snprintf(ip, sizeof(ip), "10.1.0.%d/24", i + 1);
		ret = open_route(&sk, err);
		if (!ret)
			ret = link_up(sk, "direct", NULL, err);
		if (!ret)
			ret = add_addr(sk, (int)if_nametoindex("direct"), ip, err);
		nl_socket_free(sk);
		if (!ret)
			ret = set_offloads("direct", 0, err);
	}
	testnet_enter(net->cable_ns);
	return ret;
}

bool testnet_carrier(const struct testnet *net, int host)
{
	struct nl_sock *sk = NULL;
	struct rtnl_link *link = NULL;
	struct err err;

	testnet_enter(net->host_ns[host]);
	bool ret = !open_route(&sk, &err) && !rtnl_link_get_kernel(sk, 0, HOST_IF, &link) &&
		   rtnl_link_get_carrier(link);
	rtnl_link_put(link);
	nl_socket_free(sk);
	testnet_enter(net->cable_ns);
	return ret;
}

static void dump_cache(struct nl_cache *cache, FILE *out)
{
	struct nl_dump_params params = {.dp_type = NL_DUMP_LINE, .dp_fd = out};

	if (cache)
		nl_cache_dump(cache, &params);
	nl_cache_free(cache);
}

/* What the kernel adds by itself in the first seconds of an interface: link-local, and for groups. */
static bool comes_by_itself(const char *line)
{
	return strstr(line, "fe80:") || strstr(line, "<noarp>");
}

/* Takes the text; gives it without those lines. */
static char *what_was_set(char *text)
{
	char *kept = NULL, *rest = text, *line;
	size_t len = 0;
	FILE *out = open_memstream(&kept, &len);

	if (!out)
		die("open_memstream");
	while ((line = strsep(&rest, "\n")))
		if (*line && !comes_by_itself(line))
			fprintf(out, "%s\n", line);
	fclose(out);
	free(text);
	return kept;
}

char *testnet_settings(const struct testnet *net, int host)
{
	struct nl_sock *sk = NULL;
	struct nl_cache *addresses = NULL, *routes = NULL, *neighbours = NULL;
	struct err err;
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	testnet_enter(net->host_ns[host]);
	if (!out || open_route(&sk, &err) || rtnl_addr_alloc_cache(sk, &addresses) ||
	    rtnl_route_alloc_cache(sk, AF_UNSPEC, 0, &routes) ||
	    rtnl_neigh_alloc_cache(sk, &neighbours))
		die("read the settings of a host");
	dump_cache(addresses, out);
	dump_cache(routes, out);
	dump_cache(neighbours, out);
	fclose(out);
	nl_socket_free(sk);
	testnet_enter(net->cable_ns);
	return what_was_set(text);
}

bool testnet_skip(const struct err *why)
{
	const char *ci = getenv("CI");
	bool in_ci = ci && !strcmp(ci, "true");

	fprintf(stderr, "%s: no network namespaces here: %s\n", in_ci ? "ERROR" : "SKIP", why->msg);
	return !in_ci;
}

static socklen_t set_address(struct sockaddr_storage *ret, int family, const char *text, int port)
{
	struct sockaddr_in *a4 = (void *)ret;
	struct sockaddr_in6 *a6 = (void *)ret;

	memset(ret, 0, sizeof(*ret));
	ret->ss_family = (sa_family_t)family;
	if (family == AF_INET) {
		a4->sin_port = htons((uint16_t)port);
		inet_pton(family, text, &a4->sin_addr);
		return sizeof(*a4);
	}
	a6->sin6_port = htons((uint16_t)port);
	inet_pton(family, text, &a6->sin6_addr);
	return sizeof(*a6);
}

static struct testconnection connect_to(const struct testnet *net, int family, const char *text)
{
	struct sockaddr_storage addr;
	socklen_t len = set_address(&addr, family, text, TESTNET_PORT);
	struct testconnection c;

	testnet_enter(net->host_ns[1]);
	_cleanup_close_ int listener = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (bind(listener, (struct sockaddr *)&addr, len) || listen(listener, 1))
		die("listen");
	testnet_enter(net->host_ns[0]);
	c.client = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (connect(c.client, (struct sockaddr *)&addr, len))
		die("connect");
	c.server = accept(listener, NULL, NULL);
	if (c.server < 0)
		die("accept");
	testnet_enter(net->cable_ns);
	return c;
}

struct testconnection testnet_connect(const struct testnet *net, int family)
{
	return connect_to(net, family, family == AF_INET ? "10.0.0.2" : "fd00::2");
}

struct testconnection testnet_connect_directly(const struct testnet *net)
{
	return connect_to(net, AF_INET, "10.1.0.2");
}

int testnet_udp(const struct testnet *net, int host, int port)
{
	struct sockaddr_storage own, peer;
	socklen_t len = set_address(&own, AF_INET, host ? "10.0.0.2" : "10.0.0.1", port);

	set_address(&peer, AF_INET, host ? "10.0.0.1" : "10.0.0.2", port);
	testnet_enter(net->host_ns[host]);
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	if (bind(fd, (struct sockaddr *)&own, len) || connect(fd, (struct sockaddr *)&peer, len))
		die("UDP socket");
	testnet_enter(net->cable_ns);
	return fd;
}
