/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_FAKE_ROOT_H
#define WIRECUT_TESTS_FAKE_ROOT_H

#include <stdbool.h>

/*
 * An empty folder in memory that stands for "/", in new namespaces of the calling process (see
 * fresh_namespaces()), where it hides /tmp. Nothing of it is left behind. -1 where the kernel forbids
 * namespaces; the caller closes it.
 */
int fake_root(void);

/* Writes a file into it, with the folders above it: "proc/self/status". */
bool fake_root_put(int root_fd, const char *name, const char *text);

#endif
