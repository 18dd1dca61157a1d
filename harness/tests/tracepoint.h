/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_TRACEPOINT_H
#define WIRECUT_TESTS_TRACEPOINT_H

#include "harness/base/arena.h"
#include "harness/run/statetrace.h"

/*
 * The tracepoint of socket states on every processor of this machine, in the arena. NULL where that
 * is not allowed or there is none: says so as skip() does, but fails under CI=true only where the
 * machine has what it takes, and the user is root.
 */
struct statetrace_event *tracepoint_open(struct arena *a, size_t *ret_n);

#endif
