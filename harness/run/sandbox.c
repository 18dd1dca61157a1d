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
 * Nor could it give itself real-time priority, which is for who has rights outside. It gets it when
 * its hosts are there, and not before: to build them is tens of milliseconds of work, a suite builds
 * many sandboxes at once, and the runs beside them would be held up.
 *
 * Init must not inherit the control socket of another run, which would keep that run alive: it
 * closes every descriptor but its own.
 */
#include "harness/run/run.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
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
/* The link engine's; init steps one below. Lower than anything else real-time on a machine. */
#define FORWARDER_PRIORITY 2
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

static void __attribute__((noreturn)) child(const struct run_config *config, int control_fd)
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
	init_main(&mine, INIT_CONTROL_FD);
}

static int explain_clone(struct err *err)
{
	int saved = errno;

	err_fork(err, "make a sandbox");
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

/* Init waits for a byte: a first one before it does anything, one more when the hosts are there. */
static int let_go_on(const struct run *r, struct err *err)
{
	if (TEMP_FAILURE_RETRY(send(r->control_fd, "g", 1, MSG_NOSIGNAL)) != 1)
		return err_errno(err, "start the sandbox");
	return 0;
}

int run_start(const struct run_config *config, struct run *ret, struct err *err)
{
	int pair[2], pidfd = -1;

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "make a socket pair");
	_cleanup_close_ int ours = pair[0], theirs = pair[1];

	bool with_user = true;
	fflush(NULL);
	pid_t pid = clone_into(SANDBOX_NAMESPACES | CLONE_NEWUSER, &pidfd);
	if (pid < 0 && geteuid() == 0) {
		with_user = false;
		pid = clone_into(SANDBOX_NAMESPACES, &pidfd);
	}
	if (pid == 0)
		child(config, theirs);
	if (pid < 0)
		return explain_clone(err);

	*ret = (struct run){.pid = pid, .pidfd = pidfd, .control_fd = TAKE_FD(ours)};
	if ((with_user && write_id_maps(pid, err) < 0) || let_go_on(ret, err) < 0) {
		run_finish(ret);
		return -1;
	}
	return 0;
}

int run_read(struct run *r, struct run_msg *ret)
{
	struct sched_param fifo = {.sched_priority = FORWARDER_PRIORITY};

	for (;;) {
		ssize_t n =
			TEMP_FAILURE_RETRY(recv(r->control_fd, ret, sizeof(*ret), MSG_DONTWAIT));
		if (n != sizeof(*ret))
			return 0;
		if (ret->stage != RUN_BUILT)
			return 1;
		(void)sched_setscheduler(r->pid, SCHED_FIFO, &fifo); /* where this is allowed */
		if (let_go_on(r, &ret->err) < 0) {
			ret->stage = RUN_DONE; /* it would wait for ever */
			run_abort(r);
			return 1;
		}
	}
}

void run_abort(struct run *r)
{
	shutdown(r->control_fd, SHUT_RDWR);
}

void run_kill(struct run *r)
{
	kill(r->pid, SIGKILL);
}

void run_finish(struct run *r)
{
	struct pollfd ended = {.fd = r->pidfd, .events = POLLIN};

	close(TAKE_FD(r->control_fd));
	if (TEMP_FAILURE_RETRY(poll(&ended, 1, (int)(RUN_TAKE_DOWN_TIME / NSEC_PER_MSEC))) == 0)
		run_kill(r);
	while (waitpid(r->pid, NULL, 0) < 0 && errno == EINTR)
		;
	close(TAKE_FD(r->pidfd));
}
