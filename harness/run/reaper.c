/* SPDX-License-Identifier: MIT */
#include "harness/run/reaper.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (64 << 10)

struct reaper {
	int init_fd, thread_fd;
};

/*
 * The first message says how its start went. It ends with the process, as init does. Its working folder
 * and root are its own: a thread that shares them cannot enter another mount namespace (setns(2)).
 */
static void *reap(void *arg)
{
	struct reaper *r = arg;
	pid_t pid = 0;
	int failure = unshare(CLONE_FS) == 0 ? 0 : errno;

	(void)TEMP_FAILURE_RETRY(send(r->thread_fd, &failure, sizeof(failure), MSG_NOSIGNAL));
	if (failure)
		return NULL; /* r is gone */
	while (TEMP_FAILURE_RETRY(recv(r->thread_fd, &pid, sizeof(pid), 0)) == sizeof(pid)) {
		(void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
		(void)TEMP_FAILURE_RETRY(send(r->thread_fd, &pid, sizeof(pid), MSG_NOSIGNAL));
	}
	return NULL;
}

/* 0, or an error number. */
static int start_thread(struct reaper *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	int failure = EPIPE;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int rc = pthread_create(&thread, &attr, reap, r);
	pthread_attr_destroy(&attr);
	if (rc == 0)
		(void)TEMP_FAILURE_RETRY(recv(r->init_fd, &failure, sizeof(failure), 0));
	return rc ? rc : failure;
}

int reaper_start(struct reaper **ret, struct err *err)
{
	int pair[2];

	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
		return err_errno(err, "make a socket pair");
	struct reaper *r = malloc(sizeof(*r));
	if (!r)
		abort();
	*r = (struct reaper){.init_fd = pair[0], .thread_fd = pair[1]};
	errno = start_thread(r);
	if (!errno) {
		*ret = r;
		return 0;
	}
	err_errno(err, "start a thread");
	close(r->init_fd);
	close(r->thread_fd);
	free(r);
	return -1;
}

int reaper_hand(struct reaper *r, pid_t pid, struct err *err)
{
	if (TEMP_FAILURE_RETRY(send(r->init_fd, &pid, sizeof(pid), MSG_NOSIGNAL)) < 0)
		return err_errno(err, "hand over process %d", pid);
	return 0;
}

int reaper_fd(const struct reaper *r)
{
	return r->init_fd;
}

pid_t reaper_next(struct reaper *r)
{
	pid_t pid;

	if (TEMP_FAILURE_RETRY(recv(r->init_fd, &pid, sizeof(pid), MSG_DONTWAIT)) != sizeof(pid))
		return 0;
	return pid;
}
