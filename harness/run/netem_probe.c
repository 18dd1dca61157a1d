/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <linux/rtnetlink.h>
#include <netlink/route/link.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/nlbatch.h"
#include "harness/run/run.h"

/* Of a new network namespace, which has nothing else. */
#define LO_IFINDEX 1
#define LIMIT      1

static struct nl_msg *netem_request(void)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWQDISC, NLM_F_CREATE | NLM_F_EXCL);
	struct tcmsg tc = {
		.tcm_family = AF_UNSPEC, .tcm_ifindex = LO_IFINDEX, .tcm_parent = TC_H_ROOT};
	struct tc_netem_qopt options = {.limit = LIMIT};

	if (!msg || nlmsg_append(msg, &tc, sizeof(tc), NLMSG_ALIGNTO) < 0 ||
	    nla_put_string(msg, TCA_KIND, "netem") < 0 ||
	    nla_put(msg, TCA_OPTIONS, sizeof(options), &options) < 0) {
		nlmsg_free(msg);
		return NULL;
	}
	return msg;
}

static struct nl_msg *bridge_request(void)
{
	struct rtnl_link *bridge = rtnl_link_alloc();
	struct nl_msg *msg = NULL;

	if (!bridge)
		return NULL;
	rtnl_link_set_name(bridge, "bridge");
	if (rtnl_link_set_type(bridge, "bridge") == 0)
		rtnl_link_build_add_request(bridge, NLM_F_CREATE | NLM_F_EXCL, &msg);
	rtnl_link_put(bridge);
	return msg;
}

/* In a namespace of its own, and a process of its own to leave it with. */
static bool can_make(void)
{
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};
	struct err err;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 && unshare(CLONE_NEWNET) < 0)
		return false;
	struct nl_sock *sk = nl_socket_alloc();
	if (!sk || nl_connect(sk, NETLINK_ROUTE) < 0) {
		nl_socket_free(sk);
		return false;
	}
	nlbatch_add(&batch, netem_request(), "add the qdisc");
	nlbatch_add(&batch, bridge_request(), "make a bridge");
	int rc = nlbatch_commit(&batch, sk, &err);
	nl_socket_free(sk);
	return rc == 0;
}

bool run_has_netem(void)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		_exit(can_make() ? EXIT_SUCCESS : EXIT_FAILURE);
	return pid > 0 && TEMP_FAILURE_RETRY(waitpid(pid, &status, 0)) == pid &&
	       WIFEXITED(status) && WEXITSTATUS(status) == EXIT_SUCCESS;
}
