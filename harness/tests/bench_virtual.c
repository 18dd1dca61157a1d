/* SPDX-License-Identifier: MIT */
/*
 * What a long outage of many clients costs on the virtual clock: a thousand of them cut off from their
 * server for five minutes, and without it, when each of ten thousand attempts is refused
 * (scenarios/backoff/herd-cut-300s.yaml, herd-killed-300s.yaml). Beside them two hosts that do nothing for an hour: what a guest costs at least, from its snapshot to its
 * results.
 *
 * Each is run twice and the second time counts: the first may have to boot the guest.
 */
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/nsec.h"

#define CUT    "scenarios/backoff/herd-cut-300s.yaml"
#define KILLED "scenarios/backoff/herd-killed-300s.yaml"

#define FTW_MAX_FDS 16

static const char idle[] = "version: 1\nname: idle\nclock: virtual\nhosts: {a: {}, b: {}}\napps:\n"
			   "  a: {host: a, run: \"sleep 10000\"}\n"
			   "  b: {host: b, run: \"sleep 10000\"}\n"
			   "duration: 1h\n"
			   "expect:\n"
			   "  - sockets: {host: a, state: CLOSE_WAIT, at-most: 0, by: end}\n";

struct cost {
	nsec_t wall, cpu; /* all processors', QEMU's threads included */
};

static char folder[] = "/tmp/wirecut-virtual.XXXXXX";

static void __attribute__((noreturn)) die(const char *what)
{
	fprintf(stderr, "bench_virtual: %s: %s\n", what, strerror(errno));
	exit(1);
}

static nsec_t cpu_of_children(void)
{
	struct rusage u;

	getrusage(RUSAGE_CHILDREN, &u);
	return (u.ru_utime.tv_sec + u.ru_stime.tv_sec) * NSEC_PER_SEC +
	       (u.ru_utime.tv_usec + u.ru_stime.tv_usec) * NSEC_PER_USEC;
}

static void __attribute__((noreturn)) become_wirecut(const char *program, const char *scenario)
{
	int null = open("/dev/null", O_WRONLY | O_CLOEXEC);

	dup2(null, STDOUT_FILENO);
	execl(program, program, "run", "--clock", "virtual", "--controls", "none", "--seed", "1",
	      "--results", folder, scenario, (char *)NULL);
	die(program);
}

static struct cost run(const char *program, const char *scenario)
{
	nsec_t cpu = cpu_of_children(), wall = nsec_monotonic();
	pid_t pid = fork();
	int status;

	if (pid == 0)
		become_wirecut(program, scenario);
	if (pid < 0 || waitpid(pid, &status, 0) != pid)
		die("run wirecut");
	if (status) {
		fprintf(stderr, "bench_virtual: %s did not pass: see %s\n", scenario, folder);
		exit(1);
	}
	return (struct cost){nsec_monotonic() - wall, cpu_of_children() - cpu};
}

static void measure(const char *program, const char *scenario, const char *what)
{
	run(program, scenario);
	struct cost c = run(program, scenario);

	printf("%-40s %6.1f s (CPU %.1f s)\n", what, (double)c.wall / 1e9, (double)c.cpu / 1e9);
	fflush(stdout);
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

static void write_idle(const char *path)
{
	FILE *f = fopen(path, "we");

	if (!f || fputs(idle, f) < 0 || fclose(f) != 0)
		die(path);
}

int main(void)
{
	const char *build = getenv("BUILD");
	char program[PATH_MAX], path[PATH_MAX];

	if (access("build/guest-kernel/default", F_OK) < 0) {
		printf("no kernel for guests (make guest-kernel): not measured\n");
		return 0;
	}
	if (!mkdtemp(folder))
		die(folder);
	snprintf(program, sizeof(program), "%s/bin/wirecut", build ? build : "build");
	snprintf(path, sizeof(path), "%s/idle.yaml", folder);
	write_idle(path);
	measure(program, path, "an idle hour");
	measure(program, CUT, "1000 clients, 300 s cut off");
	measure(program, KILLED, "1000 clients, 300 s without a server");
	nftw(folder, remove_one, FTW_MAX_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	return 0;
}
