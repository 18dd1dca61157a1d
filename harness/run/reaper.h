/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_REAPER_H
#define WIRECUT_RUN_REAPER_H

#include <sys/types.h>

#include "harness/base/err.h"

/*
 * Waits for init's ended children, so that init itself, which may have real-time priority, need not.
 *
 * The kernel takes an ended process out of /proc while it is waited for (release_task(),
 * proc_flush_pid()), and spins where another one, a thread of that process which has just ended too, has
 * begun with the same entries (d_invalidate(), d_walk()). If that one is an ordinary thread and was
 * interrupted by who waits, a real-time process spins until the scheduler throttles it: 950 ms in which
 * every other run stands still. The reaper is a thread of ordinary priority, and at worst yields.
 */
struct reaper;

/* The calling thread's children are waited for. It is to have SCHED_RESET_ON_FORK if real-time. */
int reaper_start(struct reaper **ret, struct err *err);

/* Hands it an ended child, which is there until reaper_next() gives it back. */
int reaper_hand(struct reaper *r, pid_t pid, struct err *err);

/* Readable when reaper_next() has one. */
int reaper_fd(const struct reaper *r);
pid_t reaper_next(struct reaper *r); /* 0: none */

#endif
