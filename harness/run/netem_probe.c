/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <linux/pkt_sched.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/nlbatch.h"
#include "harness/base/rtnl.h"
#include "harness/run/run.h"

/* In a namespace of its own, and a process of its own to leave it with. */
static bool can_make(void)
{
	_cleanup_arena_ struct arena arena = {0};
	struct nlbatch batch = {.arena = &arena};
	const struct tc_netem_qopt options = {.limit = 1};
	struct err err;

	if (unshare(CLONE_NEWUSER | CLONE_NEWNET) < 0 && unshare(CLONE_NEWNET) < 0)
		return false;
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(&err);
	if (!sk)
		return false;
	nlbatch_add(&batch,
		    rtnl_netem_request(LO_IFINDEX, 0, NLM_F_CREATE | NLM_F_EXCL, &options,
				       sizeof(options)),
		    "add the qdisc");
	nlbatch_add(&batch, rtnl_bridge_request("bridge"), "make a bridge");
	return nlbatch_commit(&batch, sk, &err) == 0;
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
