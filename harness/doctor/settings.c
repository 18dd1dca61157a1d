/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <errno.h>
#include <linux/rtnetlink.h>

#include "harness/doctor/netlink.h"
#include "harness/doctor/probe.h"
#include "harness/doctor/sandbox.h"
#include "harness/run/sysctl.h"

/* An address of the hosts' network. */
#define ROUTE_TO 0x0a000001

static void run_sysctl(const struct doctor_input *in, struct doctor_finding *f)
{
	struct err err = {0};

	/* Where this fails, which the probe of /proc tells, the outer /proc/sys may still do. */
	(void)sandbox_mount_proc();
	if (sysctl_write("net.ipv4.tcp_retries2", "8", &err) == 0) {
		finding_have(f, "net.ipv4.tcp_retries2 written");
		return;
	}
	finding_lack(f, "%s", err.msg);
	mend_refused(&in->machine, f);
}

const struct doctor_probe probe_sysctl = {
	.name = "sysctl",
	.what = "sysctls of a host's own network namespace",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_sysctl,
};

static void run_ehash(const struct doctor_input *in, struct doctor_finding *f)
{
	struct err err = {0};

	(void)in;
	(void)sandbox_mount_proc();
	if (sysctl_write("net.ipv4.tcp_child_ehash_entries", "4096", &err) == 0) {
		finding_have(f, "net.ipv4.tcp_child_ehash_entries written");
		return;
	}
	finding_lack(f, "%s", err.msg);
	finding_mend(f, "Linux 6.1 or later");
}

const struct doctor_probe probe_ehash = {
	.name = "small-tables",
	.what = "a small table of sockets for each host",
	.costs = "to see a host's sockets takes a millisecond and more each time: more CPU, and "
		 "fewer hosts",
	.need = DOCTOR_NICE,
	.sandboxed = true,
	.run = run_ehash,
};

/* A route on lo whose connections use the congestion control (ip-route(8), congctl). */
static struct nl_msg *congestion_request(void)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWROUTE, NLM_F_CREATE);
	struct rtmsg route = {.rtm_family = AF_INET,
			      .rtm_dst_len = 32,
			      .rtm_table = RT_TABLE_MAIN,
			      .rtm_protocol = RTPROT_STATIC,
			      .rtm_scope = RT_SCOPE_LINK,
			      .rtm_type = RTN_UNICAST};
	const struct in_addr to = {htonl(ROUTE_TO)};

	if (msg && (nlmsg_append(msg, &route, sizeof(route), NLMSG_ALIGNTO) < 0 ||
		    nla_put(msg, RTA_DST, sizeof(to), &to) < 0 ||
		    nla_put_u32(msg, RTA_OIF, LO_IFINDEX) < 0)) {
		nlmsg_free(msg);
		return NULL;
	}
	struct nlattr *metrics = msg ? nla_nest_start(msg, RTA_METRICS) : NULL;
	if (metrics && nla_put_string(msg, RTAX_CC_ALGO, BASELINE_CONGESTION_CONTROL) == 0)
		nla_nest_end(msg, metrics);
	return msg;
}

static int choose_by_route(struct err *err)
{
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};

	nlbatch_add(&batch, rtnl_link_request(LO_IFINDEX, true), "set up lo");
	nlbatch_add(&batch, congestion_request(), "name it in a route");
	return netlink_commit(&batch, err);
}

static void run_cubic(const struct doctor_input *in, struct doctor_finding *f)
{
	struct err err = {0};

	(void)sandbox_mount_proc();
	if (sysctl_write("net.ipv4.tcp_congestion_control", BASELINE_CONGESTION_CONTROL, &err) ==
	    0) {
		finding_have(f, "chosen by sysctl");
		return;
	}
	/* As in a run: the routes may do what the sysctl may not, and only that. */
	if (errno == EPERM && choose_by_route(&err) == 0) {
		finding_have(f, "chosen by route (this machine allows no sysctl of it)");
		return;
	}
	bool refused = errno == EPERM;
	finding_lack(f, "%s", err.msg);
	if (refused)
		mend_refused(&in->machine, f);
	else
		mend_module("tcp_cubic", f);
}

const struct doctor_probe probe_cubic = {
	.name = "cubic",
	.what = "the congestion control of every host",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_cubic,
};
