/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_GUEST_LOOKUPS_H
#define WIRECUT_GUEST_LOOKUPS_H

#include <stddef.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

/*
 * What the programs of a guest looked for and did not find: files by open(2) and execve(2), and
 * anything by stat(2), access(2) and their like.
 *
 * Watched by the kernel's own tracing (Documentation/trace/kprobetrace.rst): each such call leaves
 * two records of some 60 bytes in a buffer, which is read once, after the run. Nothing wakes for it.
 */

/*
 * Begins to watch. `tracefs` is where tracefs is mounted. It is an error if the kernel has no such
 * tracing, or other functions than those that are watched: then nothing is known, and all else works.
 */
int lookups_watch(const char *tracefs, struct err *err);

/*
 * Stops watching and tells what was not found, by everything but this program itself: lines of
 * "PATH\tPROGRAM\n", each once, sorted, in the arena. NULL: see err.
 */
char *lookups_failed(const char *tracefs, struct arena *a, struct err *err);

/* The same of the text of a trace (the file `trace`). */
char *lookups_of_trace(const char *text, struct arena *a);

#endif
