/* SPDX-License-Identifier: MIT */
#include "harness/cli/programs.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Scenarios mostly sleep: so many for each core. */
#define JOBS_PER_CORE 8
/* Descriptors that one running item holds, and what the program itself needs. */
#define FDS_PER_JOB 8
#define FDS_OWN     64

/* For a process without PATH: what Debian's shells take then. */
#define PATH_DEFAULT "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"

/* The real path of `below`, as seen from `folder`; NULL when there is nothing. */
static const char *folder_below(struct arena *a, const char *folder, const char *below)
{
	char real[PATH_MAX];

	return realpath(arena_printf(a, "%s/%s", folder, below), real) ? arena_strdup(a, real)
								       : NULL;
}

int programs_find(struct arena *a, struct programs *ret, struct err *err)
{
	const char *inherited = getenv("PATH");
	char self[PATH_MAX];
	ssize_t n = readlink("/proc/self/exe", self, sizeof(self) - 1);

	if (n < 0)
		return err_errno(err, "find the folder of this program");
	self[n] = '\0';
	*strrchr(self, '/') = '\0';
	const char *libexec = folder_below(a, self, "../libexec/wirecut");
	const char *own = libexec ? libexec : arena_strdup(a, self);
	const char *unpacked = folder_below(a, self, "../programs");
	const char *rest = inherited && *inherited ? inherited : PATH_DEFAULT;

	if (unpacked)
		rest = arena_printf(a, "%s/usr/bin:%s/usr/sbin:%s", unpacked, unpacked, rest);
	*ret = (struct programs){
		.path = arena_printf(a, "%s:%s", own, rest), .own = own, .unpacked = unpacked};
	return 0;
}

int64_t suite_default_jobs(void)
{
	long cores = sysconf(_SC_NPROCESSORS_ONLN);

	return (cores > 0 ? cores : 1) * JOBS_PER_CORE;
}

uint64_t suite_descriptors(int64_t jobs)
{
	return (uint64_t)jobs * FDS_PER_JOB + FDS_OWN;
}

int suite_raise_limit(int64_t jobs, struct rlimit *ret_before, struct err *err)
{
	struct rlimit r;

	if (getrlimit(RLIMIT_NOFILE, &r) < 0)
		return err_errno(err, "read the limit of descriptors");
	*ret_before = r;
	r.rlim_cur = r.rlim_max;
	(void)setrlimit(RLIMIT_NOFILE, &r);
	if (getrlimit(RLIMIT_NOFILE, &r) != 0 || r.rlim_cur >= suite_descriptors(jobs))
		return 0;
	if (jobs == 1)
		return err_set(err,
			       "%llu descriptors are too few for a scenario: raise the limit "
			       "(ulimit -n %zu)",
			       (unsigned long long)r.rlim_cur, (size_t)suite_descriptors(jobs));
	return err_set(err,
		       "%llu descriptors are too few for %zu scenarios at once: raise the limit "
		       "(ulimit -n %zu) or run fewer (--jobs)",
		       (unsigned long long)r.rlim_cur, (size_t)jobs,
		       (size_t)suite_descriptors(jobs));
}
