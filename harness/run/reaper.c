/* SPDX-License-Identifier: MIT */
#include "harness/run/reaper.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK_BYTES (64 << 10)

struct reaper {
	int init_fd, thread_fd;
};

/* Ends with the process, as init does. */
static void *reap(void *arg)
{
	struct reaper *r = arg;
	pid_t pid;

	while (TEMP_FAILURE_RETRY(recv(r->thread_fd, &pid, sizeof(pid), 0)) == sizeof(pid)) {
		(void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
		(void)TEMP_FAILURE_RETRY(send(r->thread_fd, &pid, sizeof(pid), MSG_NOSIGNAL));
	}
	return NULL;
}

int reaper_start(struct reaper **ret, struct err *err)
{
	struct reaper *r = calloc(1, sizeof(*r));
	pthread_attr_t attr;
	pthread_t thread;
	int pair[2];

	if (!r)
		abort();
	if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0) {
		free(r);
		return err_errno(err, "make a socket pair");
	}
	*r = (struct reaper){.init_fd = pair[0], .thread_fd = pair[1]};
	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	errno = pthread_create(&thread, &attr, reap, r);
	pthread_attr_destroy(&attr);
	if (errno) {
		err_errno(err, "start a thread");
		close(r->init_fd);
		close(r->thread_fd);
		free(r);
		return -1;
	}
	*ret = r;
	return 0;
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
