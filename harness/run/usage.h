/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_USAGE_H
#define WIRECUT_RUN_USAGE_H

#include <stdbool.h>

#include "harness/run/procs.h"

/* What all processes of an instance use together. */
struct usage {
	int64_t fds; /* open descriptors */
	int64_t rss; /* resident memory in bytes; what processes share counts in each */
};

/* From /proc, of the processes that the last procs_refresh() found. False: none could be read. */
bool usage_read(const struct procs *procs, int app, struct usage *ret);

#endif
