/* SPDX-License-Identifier: MIT */
#include "harness/run/usage.h"

#include <dirent.h>
#include <stdio.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

struct sum {
	struct usage usage;
	bool any;
};

static int64_t count_fds(pid_t pid)
{
	char path[64];
	int64_t n = 0;

	snprintf(path, sizeof(path), "/proc/%d/fd", pid);
	DIR *d = opendir(path);
	if (!d)
		return -1;
	for (struct dirent *e; (e = readdir(d));)
		n += e->d_name[0] != '.';
	closedir(d);
	return n;
}

/* The second number of /proc/PID/statm, in pages (proc(5)). */
static int64_t read_rss(pid_t pid)
{
	char path[64];
	long long pages = 0;

	snprintf(path, sizeof(path), "/proc/%d/statm", pid);
	_cleanup_fclose_ FILE *f = fopen(path, "re");
	if (f && fscanf(f, "%*d %lld", &pages) != 1)
		pages = 0;
	/* cppcheck-suppress resourceLeak ; the attribute closes it */
	return pages * sysconf(_SC_PAGESIZE);
}

static void add(pid_t pid, void *arg)
{
	struct sum *sum = arg;
	int64_t fds = count_fds(pid);

	/* A process that has ended but was not reaped yet has none left. */
	if (fds <= 0)
		return;
	sum->any = true;
	sum->usage.fds += fds;
	sum->usage.rss += read_rss(pid);
}

bool usage_read(const struct procs *procs, int app, struct usage *ret)
{
	struct sum sum = {0};

	procs_each(procs, app, add, &sum);
	if (sum.any)
		*ret = sum.usage;
	return sum.any;
}
