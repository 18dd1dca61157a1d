/* SPDX-License-Identifier: MIT */
/*
 * Making a probe.
 *
 * The probe runs in a child; a sandboxed one in a child of that child, inside new namespaces. It
 * answers with one struct doctor_finding through a pipe. Whatever happens to it (a filter that kills
 * it, a call that never returns) is then a finding too: the pipe ends without an answer, or the limit
 * passes. Each process dies with the one that made it, so killing the first ends both.
 */
#include "harness/doctor/doctor.h"

#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/doctor/probe.h"
#include "harness/doctor/sandbox.h"

/* A finding arrives whole or not at all. */
_Static_assert(sizeof(struct doctor_finding) <= PIPE_BUF, "one write of a pipe is atomic");

struct answer {
	const struct doctor_probe *probe;
	const struct doctor_input *in;
	int fd;
};

static void send_finding(const struct answer *a, const struct doctor_finding *f)
{
	(void)!write(a->fd, f, sizeof(*f));
}

static void make_probe(void *arg)
{
	const struct answer *a = arg;
	struct doctor_finding f = {.state = DOCTOR_UNKNOWN};

	a->probe->run(a->in, &f);
	send_finding(a, &f);
}

static void __attribute__((noreturn)) child(struct answer *a)
{
	struct doctor_finding f = {.state = DOCTOR_UNKNOWN};
	struct err err = {0};
	bool with_user;

	prctl(PR_SET_PDEATHSIG, SIGKILL);
	if (!a->probe->sandboxed) {
		make_probe(a);
	} else if (sandbox_call(make_probe, a, &with_user, &err) < 0) {
		finding_unknown(&f, "no sandbox to try it in (%s)", err.msg);
		send_finding(a, &f);
	}
	_exit(0);
}

/* True: *ret is the answer. False: *ret says why there is none. */
static bool receive(int fd, nsec_t limit, struct doctor_finding *ret)
{
	nsec_t deadline = nsec_monotonic() + limit;
	struct pollfd p = {.fd = fd, .events = POLLIN};

	for (;;) {
		nsec_t left = deadline - nsec_monotonic();
		struct timespec wait = nsec_to_timespec(left > 0 ? left : 0);
		int n = ppoll(&p, 1, &wait, NULL);

		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			finding_unknown(ret, "wait for the probe: %s", strerror(errno));
		if (n == 0)
			finding_unknown(ret, "no answer within %g s",
					(double)limit / (double)NSEC_PER_SEC);
		if (n <= 0)
			return false;
		if (read(fd, ret, sizeof(*ret)) == sizeof(*ret))
			return true;
		finding_unknown(ret, "the probe ended without an answer");
		return false;
	}
}

void doctor_examine(const struct doctor_probe *probe, const struct doctor_input *in,
		    struct doctor_finding *ret)
{
	int pipe_fds[2], status = 0;

	*ret = (struct doctor_finding){.state = DOCTOR_UNKNOWN};
	if (pipe2(pipe_fds, O_CLOEXEC) < 0) {
		finding_unknown(ret, "make a pipe: %s", strerror(errno));
		return;
	}
	_cleanup_close_ int read_end = pipe_fds[0], write_end = pipe_fds[1];
	struct answer answer = {probe, in, write_end};

	fflush(NULL);
	pid_t pid = fork();
	if (pid == 0)
		child(&answer);
	if (pid < 0) {
		finding_unknown(ret, "make a process: %s", strerror(errno));
		return;
	}
	close(TAKE_FD(write_end));
	bool answered = receive(read_end, in->limit, ret);

	kill(pid, SIGKILL);
	while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
		;
	if (!answered && WIFSIGNALED(status) && WTERMSIG(status) != SIGKILL)
		finding_unknown(ret, "the probe was ended by a signal: %s",
				strsignal(WTERMSIG(status)));
}
