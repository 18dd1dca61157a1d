/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_GUEST_RESOURCES_H
#define WIRECUT_GUEST_RESOURCES_H

#include "harness/base/err.h"

/*
 * Whether the guest was large enough for what ran in it; its files are in its memory, too. `rc` is
 * what the run has come to, and `err` why. -1:
 *
 *   the kernel has killed programs for want of memory (oom_kill of /proc/vmstat): a run in which
 *   that happened says nothing of the programs, whatever it came to
 *   the run failed while the disk was full: said in addition
 *
 * else rc, with err as it was.
 */
int resources_judge(int rc, struct err *err);

#endif
