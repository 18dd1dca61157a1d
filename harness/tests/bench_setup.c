/* SPDX-License-Identifier: MIT */
/*
 * What it costs to make two hosts and their cables, beside what it must cost: the same namespaces,
 * veth pairs, addresses and neighbours by bare system calls and one libnl socket (nothing checked,
 * no files, no sysctls, no socket observers), and beside an `ip` script that makes the same.
 *
 * The three are timed in turn, in processes of their own, so that a change in the machine's speed
 * meets all alike. The median is printed, and the ratios of the medians.
 */
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>
#include <netlink/route/neighbour.h>

#include "harness/base/cleanup.h"
#include "harness/run/host.h"
#include "harness/tests/netns.h"

#define ROUNDS 50
#define HOSTS  2

static struct arena arena;

/* --- the three ways --- */

static int by_wirecut(void)
{
	static const char *const none[] = {NULL};
	static struct host hosts[HOSTS];
	struct hosts_config config = {.plan = plan_of_hosts(HOSTS, &arena), .keep_dirs = none};
	struct err err;

	if (hosts_create(&config, hosts, &err) == 0)
		return 0;
	fprintf(stderr, "bench_setup: %s\n", err.msg);
	return -1;
}

static int add_address(struct nl_sock *sk, const char *text, int ifindex)
{
	struct nl_addr *local = NULL;
	struct rtnl_addr *addr = rtnl_addr_alloc();
	int rc = nl_addr_parse(text, AF_UNSPEC, &local);

	rtnl_addr_set_ifindex(addr, ifindex);
	rtnl_addr_set_local(addr, local);
	rc = rc < 0 ? rc : rtnl_addr_add(sk, addr, 0);
	rtnl_addr_put(addr);
	nl_addr_put(local);
	return rc;
}

static int add_neighbour(struct nl_sock *sk, const char *ip, const char *mac, int ifindex)
{
	struct nl_addr *dst = NULL, *lladdr = NULL;
	struct rtnl_neigh *n = rtnl_neigh_alloc();

	nl_addr_parse(ip, AF_UNSPEC, &dst);
	nl_addr_parse(mac, AF_LLC, &lladdr);
	rtnl_neigh_set_ifindex(n, ifindex);
	rtnl_neigh_set_dst(n, dst);
	rtnl_neigh_set_lladdr(n, lladdr);
	rtnl_neigh_set_state(n, NUD_PERMANENT);
	int rc = rtnl_neigh_add(sk, n, NLM_F_CREATE);
	rtnl_neigh_put(n);
	nl_addr_put(dst);
	nl_addr_put(lladdr);
	return rc;
}

static int bring_up(struct nl_sock *sk, int ifindex)
{
	struct rtnl_link *old = rtnl_link_alloc(), *change = rtnl_link_alloc();

	rtnl_link_set_ifindex(old, ifindex);
	rtnl_link_set_flags(change, IFF_UP);
	int rc = rtnl_link_change(sk, old, change, 0);
	rtnl_link_put(old);
	rtnl_link_put(change);
	return rc;
}

static int bare_host(int i, int home)
{
	char ip4[32], ip6[32], mac[32], peer4[32], peer6[32], peer_mac[32], port[16];
	int peer = i == 1 ? 2 : 1;

	snprintf(ip4, sizeof(ip4), "10.0.0.%d/16", i);
	snprintf(ip6, sizeof(ip6), "fd00::%d/64", i);
	snprintf(mac, sizeof(mac), "02:00:00:00:00:%02x", i);
	snprintf(peer4, sizeof(peer4), "10.0.0.%d", peer);
	snprintf(peer6, sizeof(peer6), "fd00::%d", peer);
	snprintf(peer_mac, sizeof(peer_mac), "02:00:00:00:00:%02x", peer);
	snprintf(port, sizeof(port), "p%d", i);
	if (unshare(CLONE_NEWNET) < 0)
		return -1;
	int ns = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	struct nl_sock *sk = nl_socket_alloc(), *home_sk = nl_socket_alloc();
	struct nl_addr *lladdr = NULL;
	if (nl_connect(sk, NETLINK_ROUTE) < 0 || setns(home, CLONE_NEWNET) < 0 ||
	    nl_connect(home_sk, NETLINK_ROUTE) < 0)
		return -1;
	struct rtnl_link *veth = rtnl_link_veth_alloc(), *far = rtnl_link_veth_get_peer(veth);
	nl_addr_parse(mac, AF_LLC, &lladdr);
	rtnl_link_set_name(veth, port);
	rtnl_link_set_ifindex(veth, 100 + i);
	rtnl_link_set_name(far, "eth0");
	rtnl_link_set_ifindex(far, 2);
	rtnl_link_set_ns_fd(far, ns);
	rtnl_link_set_addr(far, lladdr);
	int rc = rtnl_link_add(home_sk, veth, NLM_F_CREATE | NLM_F_EXCL);
	rc = rc < 0 ? rc : bring_up(home_sk, 100 + i);
	rc = rc < 0 ? rc : bring_up(sk, 1);
	rc = rc < 0 ? rc : bring_up(sk, 2);
	rc = rc < 0 ? rc : add_address(sk, ip4, 2);
	rc = rc < 0 ? rc : add_address(sk, ip6, 2);
	rc = rc < 0 ? rc : add_neighbour(sk, peer4, peer_mac, 2);
	rc = rc < 0 ? rc : add_neighbour(sk, peer6, peer_mac, 2);
	if (rc < 0)
		fprintf(stderr, "bench_setup: bare: %s\n", nl_geterror(rc));
	return rc;
}

static int by_bare_calls(void)
{
	int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	return home < 0 || bare_host(1, home) < 0 || bare_host(2, home) < 0 ? -1 : 0;
}

static int by_ip_script(void)
{
	static const char script[] =
		"set -e; mount -t tmpfs none /run; mkdir -p /run/netns\n"
		"for i in 1 2; do\n"
		"  ip netns add h$i\n"
		"  ip link add p$i type veth peer name eth0 netns h$i address 02:00:00:00:00:0$i\n"
		"  ip link set p$i up\n"
		"  ip -n h$i link set lo up; ip -n h$i link set eth0 up\n"
		"  ip -n h$i addr add 10.0.0.$i/16 dev eth0\n"
		"  ip -n h$i addr add fd00::$i/64 dev eth0 nodad\n"
		"  p=$((3 - i))\n"
		"  ip -n h$i neigh add 10.0.0.$p lladdr 02:00:00:00:00:0$p dev eth0 nud permanent\n"
		"  ip -n h$i neigh add fd00::$p lladdr 02:00:00:00:00:0$p dev eth0 nud permanent\n"
		"done\n";

	execlp("sh", "sh", "-c", script, (char *)NULL);
	return -1;
}

/* --- timing --- */

static const struct way {
	const char *name;
	int (*make)(void);
} ways[] = {
	{"wirecut", by_wirecut},
	{"bare libnl calls", by_bare_calls},
	{"an ip script", by_ip_script},
};

/* In a fresh process and fresh namespaces; their own making is not timed. */
static nsec_t time_one(const struct way *way, nsec_t *shared)
{
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		if (!fresh_namespaces())
			_exit(2);
		shared[0] = nsec_monotonic();
		pid_t worker = fork(); /* the script ends its process: all three pay for one */
		if (worker == 0)
			_exit(way->make() < 0);
		if (waitpid(worker, &status, 0) != worker || status)
			_exit(1);
		shared[1] = nsec_monotonic();
		_exit(0);
	}
	if (waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "bench_setup: %s failed%s\n", way->name,
			WEXITSTATUS(status) == 2 ? ": user namespaces are not allowed here" : "");
		exit(1);
	}
	return shared[1] - shared[0];
}

static int by_length(const void *a, const void *b)
{
	nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;

	return (x > y) - (x < y);
}

int main(void)
{
	static nsec_t times[ARRAY_SIZE(ways)][ROUNDS];
	double median_ms[ARRAY_SIZE(ways)];
	nsec_t *shared = mmap(NULL, sizeof(nsec_t) * 2, PROT_READ | PROT_WRITE,
			      MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (shared == MAP_FAILED)
		return 1;
	for (int i = 0; i < ROUNDS; i++)
		for (size_t w = 0; w < ARRAY_SIZE(ways); w++)
			times[w][i] = time_one(&ways[w], shared);
	for (size_t w = 0; w < ARRAY_SIZE(ways); w++) {
		qsort(times[w], ROUNDS, sizeof(nsec_t), by_length);
		nsec_t median = times[w][ROUNDS / 2];
		median_ms[w] = (double)median / 1e6;
		printf("set-up of two hosts, %-18s %8.2f ms (median of %d)\n", ways[w].name,
		       median_ms[w], ROUNDS);
	}
	printf("ratio to bare libnl calls: %.2f; to an ip script: %.2f\n",
	       median_ms[0] / median_ms[1], median_ms[0] / median_ms[2]);
	arena_free(&arena);
	return 0;
}
