/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_RUNQUEUE_H
#define WIRECUT_RUN_RUNQUEUE_H

#include <sys/types.h>

#include "harness/base/nsec.h"

/*
 * How long the threads of a process have waited for a processor in all, while they could have run
 * (the second number of /proc/PID/task/TID/schedstat, see sched-stats in the kernel's documents). 0
 * where the kernel does not say or the process is gone.
 */
nsec_t runqueue_wait(pid_t pid);

#endif
