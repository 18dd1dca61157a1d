/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/if_packet.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>

#include <netlink/route/link.h>
#include <netlink/route/link/veth.h>

#include "harness/base/cleanup.h"
#include "harness/doctor/netlink.h"
#include "harness/doctor/probe.h"
#include "harness/run/sysctl.h"

/* The interfaces that the probe makes. */
enum { PORT_IFINDEX = LO_IFINDEX + 1, ETH0_IFINDEX };

/* The ring of the link engine (faults/wire/ring.c): 16 MiB in blocks of 64 KiB, slots of 2 KiB. */
#define RING_BLOCK_BYTES (64U * 1024)
#define RING_BLOCKS      256U
#define RING_SLOT_BYTES  2048U

/* Packets that netem may hold: its own default (tc-netem(8)). */
#define NETEM_LIMIT 1000

static struct nl_msg *veth_request(void)
{
	struct rtnl_link *port = rtnl_link_veth_alloc();
	struct nl_msg *msg = NULL;

	if (!port)
		return NULL;
	struct rtnl_link *eth0 = rtnl_link_veth_get_peer(port);

	rtnl_link_set_name(port, "p1");
	rtnl_link_set_ifindex(port, PORT_IFINDEX);
	rtnl_link_set_name(eth0, "eth0");
	rtnl_link_set_ifindex(eth0, ETH0_IFINDEX);
	rtnl_link_build_add_request(port, NLM_F_CREATE | NLM_F_EXCL, &msg);
	rtnl_link_put(eth0);
	rtnl_link_put(port);
	return msg;
}

static void run_veth(const struct doctor_input *in, struct doctor_finding *f)
{
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};
	struct err err = {0};

	nlbatch_add(&batch, veth_request(), "make a veth pair");
	nlbatch_add(&batch, rtnl_link_request(PORT_IFINDEX, true), "set up one end");
	nlbatch_add(&batch, rtnl_link_request(ETH0_IFINDEX, true), "set up the other end");
	if (netlink_commit(&batch, &err) == 0) {
		finding_have(f, "made and set up");
		return;
	}
	int error = errno;
	finding_lack(f, "%s", err.msg);
	if (error == EOPNOTSUPP)
		mend_module("veth", f);
	else
		mend_refused(&in->machine, f);
}

const struct doctor_probe probe_veth = {
	.name = "veth",
	.what = "a veth pair in a namespace of one's own, for the cables",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_veth,
};

static int open_ring(void)
{
	const struct sockaddr_ll all = {.sll_family = AF_PACKET, .sll_protocol = htons(ETH_P_ALL)};
	const int version = TPACKET_V2, on = 1;
	const struct tpacket_req ring = {
		.tp_block_size = RING_BLOCK_BYTES,
		.tp_block_nr = RING_BLOCKS,
		.tp_frame_size = RING_SLOT_BYTES,
		.tp_frame_nr = RING_BLOCK_BYTES / RING_SLOT_BYTES * RING_BLOCKS,
	};
	size_t bytes = (size_t)RING_BLOCK_BYTES * RING_BLOCKS;
	_cleanup_close_ int fd = socket(AF_PACKET, SOCK_RAW | SOCK_CLOEXEC, 0);

	if (fd < 0 || setsockopt(fd, SOL_PACKET, PACKET_VERSION, &version, sizeof(version)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_IGNORE_OUTGOING, &on, sizeof(on)) < 0 ||
	    setsockopt(fd, SOL_PACKET, PACKET_RX_RING, &ring, sizeof(ring)) < 0)
		return -1;
	void *map = mmap(NULL, bytes, PROT_READ | PROT_WRITE, MAP_SHARED, fd, 0);
	if (map == MAP_FAILED)
		return -1;
	int rc = bind(fd, (const struct sockaddr *)&all, sizeof(all));
	int saved = errno;
	munmap(map, bytes);
	errno = saved;
	return rc;
}

static void run_packet(const struct doctor_input *in, struct doctor_finding *f)
{
	if (open_ring() == 0) {
		finding_have(f, "opened and mapped");
		return;
	}
	int error = errno;
	finding_lack(f, "%s", strerror(error));
	if (error == EAFNOSUPPORT)
		mend_module("af_packet", f);
	else if (error == ENOMEM)
		finding_mend(f, "free some memory: a ring takes 16 MiB");
	else if (error == ENOPROTOOPT)
		finding_mend(f, "Linux 4.20 or later (PACKET_IGNORE_OUTGOING)");
	else
		mend_refused(&in->machine, f);
}

const struct doctor_probe probe_packet = {
	.name = "packet-socket",
	.what = "a packet socket with a ring of 16 MiB, for the link engine",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_packet,
};

/* By itself, so that what lacks beside it is told, too. 0, or an errno with *err. */
static int ask(struct nl_msg *msg, const char *what, struct err *err)
{
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};

	nlbatch_add(&batch, msg, what);
	return netlink_commit(&batch, err) == 0 ? 0 : errno;
}

static void mend_netem(const struct doctor_input *in, bool no_netem, bool no_bridge,
		       struct doctor_finding *f)
{
	if (no_netem && no_bridge)
		mend_module("-a sch_netem bridge", f);
	else if (no_netem || no_bridge)
		mend_module(no_netem ? "sch_netem" : "bridge", f);
	else
		mend_refused(&in->machine, f);
}

static void run_netem(const struct doctor_input *in, struct doctor_finding *f)
{
	const struct tc_netem_qopt options = {.limit = NETEM_LIMIT};
	struct err of_netem = {0}, of_bridge = {0};
	int netem = ask(rtnl_netem_request(LO_IFINDEX, 0, NLM_F_CREATE | NLM_F_EXCL, &options,
					   sizeof(options)),
			"add a qdisc", &of_netem);
	int bridge = ask(rtnl_bridge_request("bridge"), "make one", &of_bridge);

	if (!netem && !bridge) {
		finding_have(f, "qdisc added, bridge made");
		return;
	}
	finding_lack(f, "%s%s%s%s%s", netem ? "netem: " : "", of_netem.msg,
		     netem && bridge ? "; " : "", bridge ? "bridge: " : "", of_bridge.msg);
	mend_netem(in, netem == ENOENT, bridge == EOPNOTSUPP, f);
}

const struct doctor_probe probe_netem = {
	.name = "netem",
	.what = "the kernel's own emulation of links, and bridges for it",
	.costs = "`--link netem`, and `wirecut inject`, for which netem alone is enough; the link "
		 "engine `wire` does without",
	.need = DOCTOR_NOT_NEEDED,
	.sandboxed = true,
	.run = run_netem,
};

static void run_ipv6(const struct doctor_input *in, struct doctor_finding *f)
{
	(void)in;
	_cleanup_close_ int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd >= 0 && sysctl_have_ipv6()) {
		finding_have(f, "there");
		return;
	}
	finding_lack(f, "%s", fd < 0 ? strerror(errno) : "no /proc/sys/net/ipv6");
	finding_mend(f, "boot without ipv6.disable=1 on the kernel's command line (or: sudo "
			"modprobe ipv6)");
}

const struct doctor_probe probe_ipv6 = {
	.name = "ipv6",
	.what = "IPv6 beside IPv4 on every host",
	.costs = "hosts have IPv4 alone; scenarios that name IPv6 addresses fail",
	.need = DOCTOR_NICE,
	.sandboxed = true,
	.run = run_ipv6,
};
