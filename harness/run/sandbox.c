/* SPDX-License-Identifier: MIT */
/*
 * The outer side of a run: makes the process that becomes the sandbox's init, in new user, PID,
 * mount, network, UTS and IPC namespaces.
 *
 * The user namespace makes root and an ordinary user behave alike, and gives the rights to make
 * everything else. Its id maps can only be written from outside, so init waits for one byte before
 * it does anything. As root every id maps to itself; an ordinary user's own id becomes 0. Where the
 * kernel forbids user namespaces, root goes on without one.
 *
 * Init must not inherit the control socket of another run, which would keep that run alive: it
 * closes every descriptor but its own.
 */
#include "harness/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/run/init.h"

#define SANDBOX_NAMESPACES (CLONE_NEWPID | CLONE_NEWNS | CLONE_NEWNET | CLONE_NEWUTS | CLONE_NEWIPC)
/* Descriptors of init: above the standard ones, in this order; then those of the tracepoint. */
enum { INIT_CONTROL_FD = 3, INIT_RESULTS_FD, INIT_TRACE_FD };

static int write_proc(pid_t pid, const char *file, const char *text, struct err *err)
{
	char path[64];

	snprintf(path, sizeof(path), "/proc/%d/%s", pid, file);
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);
	if (fd < 0 || io_write_all(fd, text, strlen(text)) < 0)
		return err_errno(err, "write %s of the sandbox", file);
	return 0;
}

/* Every id that we have, mapped to itself: the text of our own map with both columns the same. */
static int identity_map(const char *file, char *buf, size_t size, struct err *err)
{
	_cleanup_fclose_ FILE *f = fopen(file, "re");
	unsigned int inside, outside, count;
	size_t used = 0;

	if (!f)
		return err_errno(err, "%s", file);
	while (used < size && fscanf(f, "%u %u %u", &inside, &outside, &count) == 3)
		used += (size_t)snprintf(buf + used, size - used, "%u %u %u\n", inside, inside,
					 count);
	return used && used < size ? 0 : err_set(err, "%s: unexpected contents", file);
}

static int write_id_maps(pid_t pid, struct err *err)
{
	char map[512];

	if (geteuid() == 0) {
		if (identity_map("/proc/self/uid_map", map, sizeof(map), err) < 0 ||
		    write_proc(pid, "uid_map", map, err) < 0 ||
		    identity_map("/proc/self/gid_map", map, sizeof(map), err) < 0)
			return -1;
		return write_proc(pid, "gid_map", map, err);
	}
	snprintf(map, sizeof(map), "0 %u 1\n", geteuid());
	if (write_proc(pid, "uid_map", map, err) < 0 ||
	    write_proc(pid, "setgroups", "deny", err) < 0)
		return -1;
	snprintf(map, sizeof(map), "0 %u 1\n", getegid());
	return write_proc(pid, "gid_map", map, err);
}

/* As fork(2), into new namespaces, with a pidfd. */
static pid_t clone_into(uint64_t namespaces, int *pidfd)
{
	struct clone_args args = {
		.flags = namespaces | CLONE_PIDFD,
		.pidfd = (uint64_t)(uintptr_t)pidfd,
		.exit_signal = SIGCHLD,
	};

	return (pid_t)syscall(SYS_clone3, &args, sizeof(args));
}

static void __attribute__((noreturn))
child(const struct run_config *config, const struct rlimit *rtprio, int control_fd)
{
	struct run_config mine = *config;
	size_t n = INIT_TRACE_FD - INIT_CONTROL_FD + config->n_trace;
	int *fds = calloc(n, sizeof(*fds));
	struct statetrace_event *trace = calloc(config->n_trace + 1, sizeof(*trace));

	if (!fds || !trace)
		_exit(1);
	fds[0] = control_fd;
	fds[INIT_RESULTS_FD - INIT_CONTROL_FD] = config->results_fd;
	for (size_t i = 0; i < config->n_trace; i++)
		fds[INIT_TRACE_FD - INIT_CONTROL_FD + i] = config->trace[i].fd;
	if (io_keep_only(fds, n) < 0)
		_exit(1);
	for (size_t i = 0; i < config->n_trace; i++) {
		trace[i] = config->trace[i];
		trace[i].fd = INIT_TRACE_FD + (int)i;
	}
	mine.trace = trace;
	mine.results_fd = INIT_RESULTS_FD;
	free(fds);
	init_main(&mine, rtprio, INIT_CONTROL_FD);
}

/* So that it may leave real-time priority and come back, which its rights alone do not give it. */
static void allow_real_time(pid_t pid, struct rlimit limit)
{
	if (limit.rlim_cur >= FORWARDER_PRIORITY)
		return;
	limit.rlim_cur = FORWARDER_PRIORITY;
	if (limit.rlim_max < limit.rlim_cur)
		limit.rlim_max = limit.rlim_cur;
	(void)prlimit(pid, RLIMIT_RTPRIO, &limit, NULL);
}

static int explain_clone(struct err *err)
{
	int saved = errno;

	err_errno(err, "make a sandbox");
	if (saved == EPERM || saved == EACCES)
		return err_set(err,
			       "make a sandbox: this kernel forbids user namespaces to you: run "
			       "as root, or allow them (sysctl kernel.unprivileged_userns_clone=1 "
			       "on Debian, kernel.apparmor_restrict_unprivileged_userns=0 on "
			       "Ubuntu); wirecut doctor says more");
	if (saved == ENOSPC)
		return err_set(err, "make a sandbox: too many namespaces: raise the sysctls "
				    "user.max_user_namespaces and user.max_net_namespaces; wirecut "
				    "doctor says more");
	return -1;
}

int run_start(const struct run_config *config, struct run *ret, struct err *err)
{
	int pair[2], pidfd = -1;
	struct sched_param fifo = {.sched_priority = FORWARDER_PRIORITY}, other = {0};
	struct rlimit rtprio;

	if (getrlimit(RLIMIT_RTPRIO, &rtprio) < 0)
		return err_errno(err, "read the limit of priorities");
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "make a socket pair");
	_cleanup_close_ int ours = pair[0], theirs = pair[1];

	/* For the link engine and init, where this is allowed. */
	bool real_time = sched_setscheduler(0, SCHED_FIFO, &fifo) == 0;
	bool with_user = true;
	fflush(NULL);
	pid_t pid = clone_into(SANDBOX_NAMESPACES | CLONE_NEWUSER, &pidfd);
	if (pid < 0 && geteuid() == 0) {
		with_user = false;
		pid = clone_into(SANDBOX_NAMESPACES, &pidfd);
	}
	if (pid == 0)
		child(config, &rtprio, theirs);
	if (real_time)
		sched_setscheduler(0, SCHED_OTHER, &other);
	if (pid < 0)
		return explain_clone(err);

	if (real_time)
		allow_real_time(pid, rtprio);
	*ret = (struct run){.pid = pid, .pidfd = pidfd, .control_fd = TAKE_FD(ours)};
	if ((with_user && write_id_maps(pid, err) < 0) ||
	    (TEMP_FAILURE_RETRY(write(ret->control_fd, "g", 1)) != 1 &&
	     err_errno(err, "start the sandbox") < 0)) {
		run_finish(ret);
		return -1;
	}
	return 0;
}

int run_read(struct run *r, struct run_msg *ret)
{
	ssize_t n;

	do
		n = recv(r->control_fd, ret, sizeof(*ret), MSG_DONTWAIT);
	while (n < 0 && errno == EINTR);
	return n == sizeof(*ret);
}

void run_abort(struct run *r)
{
	shutdown(r->control_fd, SHUT_RDWR);
}

void run_finish(struct run *r)
{
	close(TAKE_FD(r->control_fd));
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(TAKE_FD(r->pidfd));
}
