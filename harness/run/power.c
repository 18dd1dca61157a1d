/* SPDX-License-Identifier: MIT */
#include "harness/run/power.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

/* A process that forks while it is being killed is caught in the next round. */
#define KILL_ROUNDS 8
/* SIGKILL is obeyed at once, unless a process waits for a device: then nothing can be done. */
#define DEATH_MS 5000

struct found {
	struct arena arena;
	VEC(pid_t) pids;
};

/* The namespace of a process that has ended cannot be looked at any more: it is on no host. */
static bool is_on(pid_t pid, const struct stat *net)
{
	char path[64];
	struct stat its;

	snprintf(path, sizeof(path), "/proc/%d/ns/net", pid);
	return stat(path, &its) == 0 && its.st_ino == net->st_ino && its.st_dev == net->st_dev;
}

static int find_all(const struct host *h, struct found *ret, struct err *err)
{
	struct stat net;

	if (fstat(h->net_fd, &net) < 0)
		return err_errno(err, "look at the host's namespace");
	DIR *d = opendir("/proc");
	if (!d)
		return err_errno(err, "list the processes");
	for (struct dirent *e; (e = readdir(d));) {
		pid_t pid = isdigit((unsigned char)e->d_name[0]) ? (pid_t)atoi(e->d_name) : 0;

		if (pid > 1 && is_on(pid, &net))
			*vec_push(&ret->arena, &ret->pids) = pid;
	}
	closedir(d);
	return 0;
}

/* The descriptor becomes readable when the last thread has ended, which has closed its files first. */
static int wait_for_death(pid_t pid, struct err *err)
{
	_cleanup_close_ int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
	struct pollfd p = {.fd = pidfd, .events = POLLIN};

	if (pidfd < 0)
		return errno == ESRCH ? 0 : err_errno(err, "watch process %d", pid);
	if (TEMP_FAILURE_RETRY(poll(&p, 1, DEATH_MS)) == 0)
		return err_set(err, "process %d did not end within %d s of SIGKILL", pid,
			       DEATH_MS / 1000);
	return 0;
}

static int kill_round(const struct host *h, struct found *found, uint64_t *killed, struct err *err)
{
	if (find_all(h, found, err) < 0)
		return -1;
	vec_foreach (pid, &found->pids)
		*killed += kill(*pid, SIGKILL) == 0;
	vec_foreach (pid, &found->pids)
		if (wait_for_death(*pid, err) < 0)
			return -1;
	return 0;
}

int power_kill_all(const struct host *h, uint64_t *ret_killed, struct err *err)
{
	*ret_killed = 0;
	for (int round = 0; round < KILL_ROUNDS; round++) {
		struct found found = {0};
		int rc = kill_round(h, &found, ret_killed, err);
		size_t n = found.pids.n;

		arena_free(&found.arena);
		if (rc < 0 || !n)
			return rc;
	}
	return err_set(err, "its processes make new ones faster than they can be killed");
}
