/* SPDX-License-Identifier: MIT */
#include "harness/guest/resources.h"

#include <inttypes.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/statvfs.h>
#include <sys/sysinfo.h>

#include "harness/base/cleanup.h"

/* Less than this left is full: a file needs a page, and what was being written may have freed some. */
#define DISK_FULL_BYTES (64UL << 10)
#define LINE_BYTES      128

static const char mend[] = "run fewer instances (count:), let them take less, or run it on the "
			   "real clock (--clock real)";

/* How many processes the kernel has killed for want of memory. */
static uint64_t count_killed(void)
{
	_cleanup_fclose_ FILE *f = fopen("/proc/vmstat", "re");
	char line[LINE_BYTES];
	uint64_t n = 0;

	while (f && fgets(line, sizeof(line), f))
		if (sscanf(line, "oom_kill %" SCNu64, &n) == 1)
			break;
	return n;
}

static unsigned long memory_mib(void)
{
	struct sysinfo info = {0};

	sysinfo(&info);
	return info.totalram * info.mem_unit >> 20;
}

int resources_judge(int rc, struct err *err)
{
	struct statvfs root = {0};
	uint64_t killed = count_killed();

	if (killed)
		return err_set(err,
			       "the guest ran out of memory (it has %lu MiB, its files included), "
			       "and its kernel killed %" PRIu64 " process%s: %s",
			       memory_mib(), killed, killed == 1 ? "" : "es", mend);
	if (rc == 0 || statvfs("/", &root) < 0 || root.f_bavail * root.f_frsize >= DISK_FULL_BYTES)
		return rc;
	size_t used = strlen(err->msg);
	snprintf(err->msg + used, sizeof(err->msg) - used,
		 "; the guest's disk, which is in its memory, is full (%lu MiB): %s",
		 root.f_blocks * root.f_frsize >> 20, mend);
	return rc;
}
