/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_HOSTFS_H
#define WIRECUT_RUN_HOSTFS_H

#include "harness/run/host.h"

/*
 * Makes the calling process's mount namespace (a new one, of its own) that of the host: private
 * /tmp, /run and /var/tmp, private name resolution, and the scenario's private files. Everything
 * else is the machine's own, and nothing of the machine is changed.
 */
int hostfs_create(const struct hosts_config *config, const struct host *h, struct err *err);

/* How a host's /tmp was before it was filled, and what fills it. */
struct tmp_fill {
	uint64_t size_bytes; /* that it may hold */
	int filler_fd;       /* a file without a name; -1: none was needed */
};

/*
 * Makes the private /tmp of the mount namespace that the caller is in full, and gives it its room
 * back. Costs no memory: its limit is set to what it holds. The caller keeps *ret until then.
 */
int hostfs_fill_tmp(struct tmp_fill *ret, struct err *err);
int hostfs_empty_tmp(struct tmp_fill *fill, struct err *err);

/* mkdir -p. */
int hostfs_make_dirs(const char *path, struct err *err);

#endif
