/* SPDX-License-Identifier: MIT */
#include "harness/attach/guardian.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness/base/cleanup.h"
#include "harness/base/rtnl.h"

/* The parent, which is in time, comes first: then it can tell what its qdisc did. */
#define GRACE NSEC_PER_SEC
/* Others may hold the kernel's lock of all interfaces for seconds: when many namespaces end. */
#define TAKE_AWAY_S 10

/* For a time that was told: there is nothing to guard. */
#define NOTHING_SET (-1)

/*
 * Until the parent is gone, or the time that it told is up; the latest of what it told counts. False: it
 * has set nothing.
 */
static bool wait_for_parent(int fd)
{
	nsec_t deadline = NSEC_NEVER, length;

	for (;;) {
		struct pollfd p = {.fd = fd, .events = POLLIN};
		nsec_t left = deadline == NSEC_NEVER ? 0 : deadline - nsec_monotonic();
		struct timespec timeout = nsec_to_timespec(left > 0 ? left : 0);
		int n = ppoll(&p, 1, deadline == NSEC_NEVER ? NULL : &timeout, NULL);

		if (n == 0)
			return true;
		if (n < 0)
			continue;
		if (recv(fd, &length, sizeof(length), 0) != sizeof(length))
			return true;
		if (length == NOTHING_SET)
			return false;
		deadline = nsec_monotonic() + length + GRACE;
	}
}

/* Of the parent's output only the place for errors is kept: who reads the rest waits for its end. */
static void leave_the_terminal(void)
{
	int null = open("/dev/null", O_RDWR | O_CLOEXEC);

	setsid();
	if (null >= 0) {
		dup2(null, STDIN_FILENO);
		dup2(null, STDOUT_FILENO);
		close(null);
	}
}

/* `at` with a socket of its own: the parent may have died between a request and its answer. */
static void __attribute__((noreturn)) guard(const struct attachment *at, int fd)
{
	sigset_t all, alarm_only;
	struct err err;

	sigfillset(&all);
	sigprocmask(SIG_SETMASK, &all, NULL);
	prctl(PR_SET_NAME, "wirecut-guard");
	leave_the_terminal();
	if (!wait_for_parent(fd))
		_exit(GUARDIAN_IDLE);

	/* The kernel answers at once. Should it not, this process does not wait for ever. */
	signal(SIGALRM, SIG_DFL);
	sigemptyset(&alarm_only);
	sigaddset(&alarm_only, SIGALRM);
	sigprocmask(SIG_UNBLOCK, &alarm_only, NULL);
	alarm(TAKE_AWAY_S);
	switch (attachment_take_away(at, &err)) {
	case ATTACHMENT_TAKEN:
		_exit(GUARDIAN_TOOK_IT);
	case ATTACHMENT_FAILED:
		dprintf(STDERR_FILENO, "wirecut: %s\n", err.msg);
		_exit(GUARDIAN_LOST);
	default:
		_exit(GUARDIAN_IDLE);
	}
}

int guardian_start(const struct attachment *at, struct guardian *ret, struct err *err)
{
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(err);
	struct attachment own = *at;
	int pair[2];

	if (!sk)
		return -1;
	own.sk = sk;
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "make a socket pair");
	_cleanup_close_ int ours = pair[0], theirs = pair[1];
	pid_t pid = fork();
	if (pid == 0) {
		close(TAKE_FD(ours));
		guard(&own, theirs);
	}
	if (pid < 0)
		return err_errno(err, "start a guardian");
	*ret = (struct guardian){.pid = pid,
				 .pidfd = (int)syscall(SYS_pidfd_open, pid, 0),
				 .alive_fd = TAKE_FD(ours)};
	if (ret->pidfd >= 0)
		return 0;
	err_errno(err, "watch the guardian");
	guardian_end(ret);
	return -1;
}

int guardian_tell(const struct guardian *g, nsec_t length)
{
	return send(g->alive_fd, &length, sizeof(length), MSG_NOSIGNAL) == sizeof(length) ? 0 : -1;
}

void guardian_dismiss(struct guardian *g)
{
	guardian_tell(g, NOTHING_SET);
	guardian_end(g);
}

enum guardian_fate guardian_end(struct guardian *g)
{
	int status = 0;

	close(TAKE_FD(g->alive_fd));
	while (waitpid(g->pid, &status, 0) < 0 && errno == EINTR)
		;
	if (g->pidfd >= 0)
		close(TAKE_FD(g->pidfd));
	return WIFEXITED(status) ? (enum guardian_fate)WEXITSTATUS(status) : GUARDIAN_LOST;
}
