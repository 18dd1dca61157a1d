/* SPDX-License-Identifier: MIT */
/*
 * Many hosts in one scenario: how long until they are all up, with their cables and the link engine,
 * how long until all is gone, and how much memory the kernel and the harness need for each. Made as
 * a scenario makes them, by a process that then ends. What is left the kernel takes down by itself, so
 * that is waited for: a host's namespace is gone when its cable's port is, in the namespace of the cables,
 * which is held by another process.
 */
#include <net/if.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/benchnet.h"

#define AIM_S "2"
/* Three for each host's namespaces, two netlink sockets, and what there is beside. */
#define DESCRIPTORS_PER_HOST 5
#define DESCRIPTORS_BESIDE   64
#define GUARD                (60 * NSEC_PER_SEC)

static const int counts[] = {2, 50, 100, 200, 500};

/* Shared with the process that has the hosts. */
struct times {
	nsec_t begun, up, ended, gone;
	int64_t kib; /* that the machine has less free while they are up */
};

/* What /proc/meminfo calls available: caches are not counted as taken. */
static int64_t available_kib(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/meminfo", "re");
	char line[256];
	long long kib;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "MemAvailable: %lld kB", &kib) == 1)
			return kib;
	fputs("bench_hosts: no MemAvailable in /proc/meminfo\n", stderr);
	exit(1);
}

static int n_ports(void)
{
	struct if_nameindex *all = if_nameindex();
	int n = 0;

	for (const struct if_nameindex *i = all; i && i->if_index; i++)
		n += i->if_name[0] == 'p';
	if_freenameindex(all);
	return n;
}

static void allow_descriptors(int n_hosts)
{
	struct rlimit limit;
	rlim_t needed = (rlim_t)n_hosts * DESCRIPTORS_PER_HOST + DESCRIPTORS_BESIDE;

	if (getrlimit(RLIMIT_NOFILE, &limit))
		return;
	if (limit.rlim_cur < needed)
		limit.rlim_cur = needed < limit.rlim_max ? needed : limit.rlim_max;
	setrlimit(RLIMIT_NOFILE, &limit);
}

static void __attribute__((noreturn)) be_hosts(struct benchnet *b, struct times *times)
{
	int64_t before = available_kib();

	times->begun = nsec_monotonic();
	benchnet_up(b);
	times->up = nsec_monotonic();
	times->kib = before - available_kib();
	benchnet_down(b);
	_exit(0);
}

/* In the namespace of the cables. */
static void __attribute__((noreturn)) have_hosts(int n_hosts, struct times *times)
{
	struct benchnet b;
	int status;

	allow_descriptors(n_hosts);
	if (!benchnet_begin(&b, n_hosts))
		_exit(2);
	pid_t pid = fork();
	if (pid == 0)
		be_hosts(&b, times);
	if (waitpid(pid, &status, 0) != pid || status)
		_exit(1);
	times->ended = nsec_monotonic();
	while (n_ports() && nsec_monotonic() - times->ended < GUARD)
		poll(NULL, 0, 10);
	times->gone = nsec_monotonic();
	_exit(n_ports() ? 1 : 0);
}

static double seconds(nsec_t t)
{
	return (double)t / (double)NSEC_PER_SEC;
}

static void measure(int n_hosts, struct times *times)
{
	int status;
	pid_t pid = fork();

	if (pid == 0)
		have_hosts(n_hosts, times);
	if (waitpid(pid, &status, 0) != pid || status) {
		fprintf(stderr, "bench_hosts: %s\n",
			WEXITSTATUS(status) == 2 ? "user namespaces are not allowed here"
						 : "they cannot be made, or do not go");
		exit(1);
	}
	double up_s = seconds(times->up - times->begun);
	printf("%3d hosts: up in %.3f s (%.2f ms a host), gone %.3f s after their process, %.0f "
	       "KiB a host\n",
	       n_hosts, up_s, up_s * 1e3 / n_hosts, seconds(times->gone - times->ended),
	       (double)times->kib / n_hosts);
}

int main(void)
{
	struct times *times = mmap(NULL, sizeof(*times), PROT_READ | PROT_WRITE,
				   MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (times == MAP_FAILED)
		return 1;
	setvbuf(stdout, NULL, _IOLBF, 0);
	for (size_t i = 0; i < ARRAY_SIZE(counts); i++)
		measure(counts[i], times);
	printf("(aim: 500 hosts in under " AIM_S " s)\n");
	return 0;
}
