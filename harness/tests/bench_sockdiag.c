/* SPDX-License-Identifier: MIT */
/*
 * What it costs to see 10,000 TCP sockets: one dump as the socket observer does it, beside one run of
 * ss(8), which asks the kernel the same. Both in turn, in one process's namespace, by wall time and
 * by CPU time (the kernel's included).
 */
#include <arpa/inet.h>
#include <fcntl.h>
#include <net/if.h>
#include <sched.h>
#include <stdlib.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/run/sockdiag.h"
#include "harness/run/sysctl.h"
#include "harness/tests/netns.h"

#define CONNECTIONS 5000
#define SOCKETS     ((size_t)2 * CONNECTIONS)
#define ROUNDS      20
#define PORT        8000

struct cost {
	nsec_t wall, cpu;
};

static void die(const char *what)
{
	perror(what);
	exit(1);
}

static void bring_up_lo(void)
{
	struct ifreq req = {.ifr_name = "lo", .ifr_flags = IFF_UP};
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0 || ioctl(fd, SIOCSIFFLAGS, &req) < 0)
		die("bring up lo");
}

static void open_sockets(void)
{
	struct rlimit many = {.rlim_cur = SOCKETS + 100, .rlim_max = SOCKETS + 100};
	struct sockaddr_in addr = {.sin_family = AF_INET,
				   .sin_port = htons(PORT),
				   .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	int listener = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (setrlimit(RLIMIT_NOFILE, &many) < 0)
		die("10,100 descriptors (ulimit -Hn)");
	if (bind(listener, (struct sockaddr *)&addr, sizeof(addr)) < 0 || listen(listener, 128) < 0)
		die("listen");
	for (int i = 0; i < CONNECTIONS; i++) {
		int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

		if (connect(fd, (struct sockaddr *)&addr, sizeof(addr)) < 0 ||
		    accept4(listener, NULL, NULL, SOCK_CLOEXEC) < 0)
			die("connect");
	}
}

static nsec_t cpu_of(const struct rusage *u)
{
	return (u->ru_utime.tv_sec + u->ru_stime.tv_sec) * NSEC_PER_SEC +
	       (u->ru_utime.tv_usec + u->ru_stime.tv_usec) * NSEC_PER_USEC;
}

static void count_one(const struct obs_socket *s, void *arg)
{
	(void)s;
	++*(size_t *)arg;
}

static struct cost by_dump(int fd)
{
	struct rusage before, after;
	struct err err;
	size_t n = 0;
	nsec_t start = nsec_monotonic();

	getrusage(RUSAGE_SELF, &before);
	if (sockdiag_dump(fd, count_one, &n, &err) < 0 || n < SOCKETS) {
		fprintf(stderr, "bench_sockdiag: %zu sockets: %s\n", n, err.msg);
		exit(1);
	}
	getrusage(RUSAGE_SELF, &after);
	return (struct cost){nsec_monotonic() - start, cpu_of(&after) - cpu_of(&before)};
}

static struct cost by_ss(void)
{
	struct rusage used;
	nsec_t start = nsec_monotonic();
	int status;
	pid_t pid = fork();

	if (pid == 0) {
		int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

		dup2(null, STDOUT_FILENO);
		execlp("ss", "ss", "-Htan", (char *)NULL);
		_exit(127);
	}
	if (wait4(pid, &status, 0, &used) != pid || status)
		die("ss");
	return (struct cost){nsec_monotonic() - start, cpu_of(&used)};
}

static int by_wall(const void *a, const void *b)
{
	const struct cost *x = a, *y = b;

	return (x->wall > y->wall) - (x->wall < y->wall);
}

static struct cost median(struct cost *costs)
{
	qsort(costs, ROUNDS, sizeof(*costs), by_wall);
	return costs[ROUNDS / 2];
}

int main(void)
{
	static struct cost dumps[ROUNDS], runs[ROUNDS];
	struct err err = {0};

	if (!fresh_namespaces()) {
		fprintf(stderr, "bench_sockdiag: user namespaces are not allowed here\n");
		return 1;
	}
	/* As a host is made: from a namespace that gives it a small socket table of its own. */
	if (sysctl_prepare_cable_namespace(&err) < 0 || unshare(CLONE_NEWNET) < 0)
		die("make a host's namespace");
	bring_up_lo();
	open_sockets();
	int fd = sockdiag_open(&err);
	for (int i = 0; i < ROUNDS; i++) {
		dumps[i] = by_dump(fd);
		runs[i] = by_ss();
	}
	struct cost dump = median(dumps), ss = median(runs);
	printf("%zu sockets, one dump       %8.2f ms (CPU %.2f ms; median of %d)\n", SOCKETS,
	       (double)dump.wall / 1e6, (double)dump.cpu / 1e6, ROUNDS);
	printf("%zu sockets, ss -Htan       %8.2f ms (CPU %.2f ms)\n", SOCKETS,
	       (double)ss.wall / 1e6, (double)ss.cpu / 1e6);
	printf("ss takes %.1f times as long, %.1f times the CPU\n",
	       (double)ss.wall / (double)dump.wall, (double)ss.cpu / (double)dump.cpu);
	return 0;
}
