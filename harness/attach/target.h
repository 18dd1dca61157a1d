/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_ATTACH_TARGET_H
#define WIRECUT_ATTACH_TARGET_H

#include <stdbool.h>
#include <sys/types.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

/*
 * The network namespace of something that runs already. It is never the machine's own: neither the
 * one that this process is in, nor the initial one (that of process 1).
 */
struct target {
	char *label;        /* "network namespace web", "network namespace of process 7 (nginx)" */
	char *tc;           /* how a shell calls tc(8) in it: "tc -n web" */
	char *path;         /* what leads to it */
	dev_t dev;          /* which of all namespaces it is, by its device ... */
	ino_t ino;          /* ... and its inode */
	int ns_fd;          /* -1 once it was entered: the process itself is in it then */
	int gone_fd;        /* readable: ask target_is_gone() */
	bool is_of_process; /* gone_fd is a pidfd; else it watches the folder of the name */
};

/*
 * Finds it, by a name of ip-netns(8), which has no slash, or by a process (name NULL). Texts live in
 * `a`. An error says what was looked at, and the mend. target_close() closes it.
 */
int target_open(const char *name, pid_t pid, struct arena *a, struct target *ret, struct err *err);
void target_close(struct target *t);

/*
 * This process goes into it, and into the user namespace that owns it where its rights are not enough
 * without. It does not come back. What is left that holds the namespace is the process itself.
 */
int target_enter(struct target *t, struct err *err);

/* Its process has ended, or its name leads to it no more. Reads what gone_fd has to say. */
bool target_is_gone(const struct target *t);

#endif
