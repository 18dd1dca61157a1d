/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/doctor/probe.h"
#include "harness/doctor/sandbox.h"

/* Hosts of a usual scenario; its cable namespace comes on top. */
#define HOSTS_USUAL 4

/* Enough for any suite; the kernel's own default is about half of its largest number of threads. */
#define NAMESPACES_PLENTY "15000"

static void do_nothing(void *arg)
{
	(void)arg;
}

static void explain_limit(struct doctor_finding *f)
{
	finding_mend(f, "sudo sysctl -w user.max_user_namespaces=" NAMESPACES_PLENTY
			" user.max_net_namespaces=" NAMESPACES_PLENTY
			" user.max_mnt_namespaces=" NAMESPACES_PLENTY
			" user.max_uts_namespaces=" NAMESPACES_PLENTY
			" user.max_pid_namespaces=" NAMESPACES_PLENTY
			" user.max_ipc_namespaces=" NAMESPACES_PLENTY);
}

static void run_namespaces(const struct doctor_input *in, struct doctor_finding *f)
{
	struct err err = {0};
	bool with_user;

	if (sandbox_call(do_nothing, NULL, &with_user, &err) == 0) {
		finding_have(f, with_user ? "made" : "made as root, without a user namespace");
		return;
	}
	int error = errno;
	finding_lack(f, "%s", err.msg);
	if (error == ENOSPC)
		explain_limit(f);
	else if (error == EUSERS)
		finding_mend(f, "run wirecut in fewer user namespaces inside each other");
	else if (error == EINVAL)
		finding_mend(f, "a kernel with CONFIG_USER_NS, CONFIG_NET_NS and CONFIG_PID_NS");
	else if (error == ENOSYS && !in->machine.seccomp)
		finding_mend(f, "Linux 5.5 or later (clone3 with pidfds)");
	else
		mend_refused(&in->machine, f);
}

const struct doctor_probe probe_namespaces = {
	.name = "namespaces",
	.what = "user, PID, mount, network, UTS and IPC namespaces, for the sandbox of a run",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.run = run_namespaces,
};

/* As a run makes its hosts: unshare, keep the descriptor, go back. */
static int make_and_leave(void)
{
	_cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || unshare(CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWNS) < 0)
		return -1;
	_cleanup_close_ int host = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);
	if (host < 0 || setns(home, CLONE_NEWNET) < 0)
		return -1;
	return setns(host, CLONE_NEWNET);
}

static void run_nested(const struct doctor_input *in, struct doctor_finding *f)
{
	if (make_and_leave() == 0) {
		finding_have(f, "made, left and entered again");
		return;
	}
	int error = errno;
	finding_lack(f, "%s", strerror(error));
	if (error == ENOSPC)
		explain_limit(f);
	else
		mend_refused(&in->machine, f);
}

const struct doctor_probe probe_nested = {
	.name = "nested",
	.what = "namespaces inside the sandbox, entered by descriptor, for the hosts",
	.costs = "nothing can be run",
	.need = DOCTOR_NEEDED,
	.sandboxed = true,
	.run = run_nested,
};

/* The limits of this user namespace; those of an outer one may be lower. */
static void run_max(const struct doctor_input *in, struct doctor_finding *f)
{
	static const struct {
		const char *kind;
		uint64_t a_run; /* how many one run takes */
	} kinds[] = {{"user", 1},
		     {"pid", 1},
		     {"ipc", 1},
		     {"net", 1 + HOSTS_USUAL},
		     {"mnt", 1 + HOSTS_USUAL},
		     {"uts", 1 + HOSTS_USUAL}};
	_cleanup_arena_ struct arena a = {0};
	const char *low = "", *mend = "";

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		const char *file =
			arena_printf(&a, "proc/sys/user/max_%s_namespaces", kinds[i].kind);
		const char *text = machine_text(in->root_fd, file, &a);
		uint64_t wanted = kinds[i].a_run * in->jobs;

		if (!text) {
			finding_unknown(f, "/%s: %s", file, strerror(errno));
			return;
		}
		uint64_t limit = strtoull(text, NULL, 10);
		if (limit >= wanted)
			continue;
		low = arena_printf(&a, "%s%s%s %llu", low, *low ? ", " : "", kinds[i].kind,
				   (unsigned long long)limit);
		mend = arena_printf(&a, "%s user.max_%s_namespaces=" NAMESPACES_PLENTY, mend,
				    kinds[i].kind);
	}
	if (*low) {
		finding_lack(f, "%s: too few for %llu scenarios at once", low,
			     (unsigned long long)in->jobs);
		finding_mend(f, "sudo sysctl -w%s; or run fewer at once: --jobs", mend);
		return;
	}
	finding_have(f, "enough for %llu scenarios of %d hosts at once",
		     (unsigned long long)in->jobs, HOSTS_USUAL);
}

const struct doctor_probe probe_max_namespaces = {
	.name = "max-namespaces",
	.what = "how many namespaces one user may have",
	.costs = "runs end in an error when many are under way at once",
	.need = DOCTOR_NICE,
	.run = run_max,
};
