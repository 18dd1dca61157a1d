/* SPDX-License-Identifier: MIT */
#include "harness/tests/benchnet.h"

#include <fcntl.h>
#include <ifaddrs.h>
#include <linux/if_link.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include <netlink/route/addr.h>
#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>

#include "harness/base/cleanup.h"
#include "harness/base/rtnl.h"
#include "harness/run/offload.h"
#include "harness/tests/netns.h"

#define DIRECT_IF "direct"

/* As a scenario's engine. */
#define ENGINE_PRIORITY 2

static void __attribute__((noreturn)) die(const char *what, const char *why)
{
	fprintf(stderr, "%s: %s\n", what, why);
	abort();
}

static bool be_real_time(bool on)
{
	const struct sched_param p = {.sched_priority = on ? ENGINE_PRIORITY : 0};

	return sched_setscheduler(0, on ? SCHED_FIFO : SCHED_OTHER, &p) == 0;
}

bool benchnet_begin(struct benchnet *b, int n_hosts)
{
	*b = (struct benchnet){0};
	/* Before the user namespace, in which nobody may; the engine inherits it. */
	be_real_time(true);
	if (!fresh_namespaces())
		return false;
	b->plan = plan_of_hosts(n_hosts, &b->arena);
	b->plan->name = arena_strdup(&b->arena, "a benchmark");
	b->plan->seed = 1;
	b->hosts = arena_new_array(&b->arena, struct host, (size_t)n_hosts);
	return true;
}

void benchnet_up(struct benchnet *b)
{
	static const char *const none[] = {NULL};
	const struct hosts_config config = {.plan = b->plan, .keep_dirs = none};
	char dir[] = "/tmp/wirecut-benchnet.XXXXXX";
	struct err err = {0};

	if (!mkdtemp(dir))
		die(dir, "cannot be made");
	_cleanup_close_ int results = open(dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (hosts_create(&config, b->hosts, &err) ||
	    link_start(b->plan, b->hosts, results, &b->link, &err))
		die("benchnet", err.msg);
	be_real_time(false);
	/* What it captures is of no use to anybody; it writes on into the file without a name. */
	if (unlinkat(results, "packets.pcapng", 0) || rmdir(dir))
		die(dir, "cannot be removed");
	if (link_begin(b->link, nsec_monotonic(), &err))
		die("benchnet", err.msg);
}

struct observations benchnet_down(struct benchnet *b)
{
	struct observations obs = {.arena = &b->arena};
	struct err err = {0};
	pid_t pid = link_pid(b->link);

	if (link_end(b->link, &obs, &err))
		die("benchnet", err.msg);
	link_free(b->link);
	b->link = NULL;
	waitpid(pid, NULL, 0);
	return obs;
}

void benchnet_free(struct benchnet *b)
{
	arena_free(&b->arena);
}

uint64_t benchnet_lost(const struct observations *obs)
{
	uint64_t lost = 0;

	vec_foreach (o, &obs->list)
		if (o->source == OBS_LAG && o->event == EV_RING_DROP)
			lost += o->lag.count;
	return lost;
}

/* -- a plain veth pair -------------------------------------------------------------------- */

static struct nl_sock *route_socket(void)
{
	struct err err;
	struct nl_sock *sk = rtnl_open(&err);

	if (!sk)
		die("benchnet", err.msg);
	return sk;
}

static void check(int rc, const char *what)
{
	if (rc < 0)
		die(what, nl_geterror(rc));
}

static void add_pair(int peer_ns)
{
	struct nl_sock *sk = route_socket();
	struct rtnl_link *link = rtnl_link_veth_alloc(), *peer = rtnl_link_veth_get_peer(link);

	rtnl_link_set_name(link, DIRECT_IF);
	rtnl_link_set_name(peer, DIRECT_IF);
	rtnl_link_set_ns_fd(peer, peer_ns);
	check(rtnl_link_add(sk, link, NLM_F_CREATE | NLM_F_EXCL), "add a veth pair");
	rtnl_link_put(peer);
	rtnl_link_put(link);
	nl_socket_free(sk);
}

static void bring_up(const char *ip, bool offloads)
{
	struct nl_sock *sk = route_socket();
	struct rtnl_link *old = rtnl_link_alloc(), *change = rtnl_link_alloc();
	struct rtnl_addr *addr = rtnl_addr_alloc();
	struct nl_addr *local = NULL;
	int ifindex = (int)if_nametoindex(DIRECT_IF);
	struct err err = {0};

	rtnl_link_set_ifindex(old, ifindex);
	rtnl_link_set_flags(change, IFF_UP);
	check(rtnl_link_change(sk, old, change, 0), "bring up a veth");
	check(nl_addr_parse(ip, AF_INET, &local), ip);
	rtnl_addr_set_ifindex(addr, ifindex);
	rtnl_addr_set_local(addr, local);
	check(rtnl_addr_add(sk, addr, 0), "add an address");
	if (!offloads && offload_disable(DIRECT_IF, &err))
		die("benchnet", err.msg);
	nl_addr_put(local);
	rtnl_addr_put(addr);
	rtnl_link_put(old);
	rtnl_link_put(change);
	nl_socket_free(sk);
}

static void enter(int net_fd)
{
	if (setns(net_fd, CLONE_NEWNET))
		die("benchnet", "setns");
}

static int own_net(void)
{
	int fd = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (fd < 0)
		die("benchnet", "/proc/self/ns/net");
	return fd;
}

void benchnet_join_directly(struct benchnet *b, bool offloads)
{
	_cleanup_close_ int home = own_net();

	enter(b->hosts[0].net_fd);
	add_pair(b->hosts[1].net_fd);
	bring_up("10.1.0.1/24", offloads);
	enter(b->hosts[1].net_fd);
	bring_up("10.1.0.2/24", offloads);
	enter(home);
}

/* -- counting ----------------------------------------------------------------------------- */

/* Of the calling process's namespace, without its loopback and what else is not asked for. */
static uint64_t frames_received(const char *prefix)
{
	struct ifaddrs *all = NULL;
	uint64_t sum = 0;

	if (getifaddrs(&all))
		die("benchnet", "getifaddrs");
	for (const struct ifaddrs *i = all; i; i = i->ifa_next) {
		const struct rtnl_link_stats *stats = i->ifa_data;

		if (i->ifa_addr && i->ifa_addr->sa_family == AF_PACKET &&
		    !strncmp(i->ifa_name, prefix, strlen(prefix)))
			sum += stats->rx_packets;
	}
	freeifaddrs(all);
	return sum;
}

uint64_t benchnet_cable_frames(const struct benchnet *b)
{
	(void)b;
	return frames_received("p");
}

uint64_t benchnet_direct_frames(const struct benchnet *b)
{
	_cleanup_close_ int home = own_net();

	enter(b->hosts[0].net_fd);
	uint64_t sum = frames_received(DIRECT_IF);
	enter(b->hosts[1].net_fd);
	sum += frames_received(DIRECT_IF);
	enter(home);
	return sum;
}
