/* SPDX-License-Identifier: MIT */
#include "reference-app/process.h"

#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/signalfd.h>
#include <unistd.h>

void process_raise_nofile(void)
{
	struct rlimit limit;

	if (getrlimit(RLIMIT_NOFILE, &limit) < 0)
		return;
	limit.rlim_cur = limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static sigset_t termination_set(void)
{
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGINT);
	return set;
}

int process_termination_fd(struct why *why)
{
	sigset_t set = termination_set();
	int fd;

	signal(SIGPIPE, SIG_IGN);
	/* A parent may have left them ignored, as a shell does with & in a script. */
	signal(SIGTERM, SIG_DFL);
	signal(SIGINT, SIG_DFL);
	pthread_sigmask(SIG_BLOCK, &set, NULL);
	fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (fd < 0)
		why_errno(why, "signalfd");
	return fd;
}

void process_termination_taken(int fd)
{
	sigset_t set = termination_set();
	struct signalfd_siginfo unused;

	/* Unread it would still be pending, and unblocking would deliver it. */
	if (read(fd, &unused, sizeof(unused)) != sizeof(unused))
		return;
	pthread_sigmask(SIG_UNBLOCK, &set, NULL);
}
