/* SPDX-License-Identifier: MIT */
#include "harness/run/reaper.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"

#define STACK_BYTES (64 << 10)

/*
 * Pipes: a short write to one is whole (pipe(7), PIPE_BUF) and needs no memory that could lack, and one
 * holds 16384 ids (pipe(7), capacity), so that init, which hands over all that it sees ended before it
 * listens again, does not wait for a thread that waits for init.
 */
struct reaper {
	int given[2];  /* [0] is the thread's, [1] is init's */
	int reaped[2]; /* [0] is init's, [1] is the thread's */
};

static void put(int fd, int value)
{
	(void)io_write_all(fd, &value, sizeof(value));
}

/* False: there is none. */
static bool get(int fd, int *ret)
{
	return io_read_all(fd, ret, sizeof(*ret)) == sizeof(*ret);
}

/*
 * The first number says how its start went. It ends with the process, as init does. Its working folder
 * and root are its own: a thread that shares them cannot enter another mount namespace (setns(2)).
 */
static void *reap(void *arg)
{
	struct reaper *r = arg;
	int pid, failure = unshare(CLONE_FS) == 0 ? 0 : errno;

	put(r->reaped[1], failure);
	if (failure)
		return NULL; /* r is gone */
	while (get(r->given[0], &pid)) {
		(void)TEMP_FAILURE_RETRY(waitpid(pid, NULL, 0));
		put(r->reaped[1], pid);
	}
	return NULL;
}

/* 0, or an error number. */
static int start_thread(struct reaper *r)
{
	pthread_attr_t attr;
	pthread_t thread;
	struct pollfd started = {.fd = r->reaped[0], .events = POLLIN};
	int failure = EPIPE;

	pthread_attr_init(&attr);
	pthread_attr_setstacksize(&attr, STACK_BYTES);
	int rc = pthread_create(&thread, &attr, reap, r);
	pthread_attr_destroy(&attr);
	if (rc)
		return rc;
	(void)TEMP_FAILURE_RETRY(poll(&started, 1, -1));
	(void)get(r->reaped[0], &failure);
	return failure;
}

static int make_pipes(struct reaper *r, struct err *err)
{
	if (pipe2(r->given, O_CLOEXEC) < 0 || pipe2(r->reaped, O_CLOEXEC) < 0)
		return err_errno(err, "make a pipe");
	return io_set_nonblocking(r->reaped[0], err);
}

static void free_reaper(struct reaper *r)
{
	for (int i = 0; i < 2; i++) {
		cleanup_close(&r->given[i]);
		cleanup_close(&r->reaped[i]);
	}
	free(r);
}

int reaper_start(struct reaper **ret, struct err *err)
{
	struct reaper *r = malloc(sizeof(*r));

	if (!r)
		abort();
	*r = (struct reaper){.given = {-1, -1}, .reaped = {-1, -1}};
	if (make_pipes(r, err) < 0) {
		free_reaper(r);
		return -1;
	}
	errno = start_thread(r);
	if (errno) {
		err_fork(err, "start a thread");
		free_reaper(r);
		return -1;
	}
	*ret = r;
	return 0;
}

int reaper_hand(struct reaper *r, pid_t pid, struct err *err)
{
	if (TEMP_FAILURE_RETRY(write(r->given[1], &pid, sizeof(pid))) < 0)
		return err_errno(err, "hand over process %d", pid);
	return 0;
}

int reaper_fd(const struct reaper *r)
{
	return r->reaped[0];
}

pid_t reaper_next(struct reaper *r)
{
	pid_t pid;

	return get(r->reaped[0], &pid) ? pid : 0;
}
