/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_NETNS_H
#define WIRECUT_TESTS_NETNS_H

#include "harness/data/plan.h"

/*
 * Puts the calling process (a test's own child) into fresh user, network, mount, UTS and IPC
 * namespaces, root in them. Returns false where the kernel forbids that: skip then, which is an
 * error under CI=true.
 */
bool fresh_namespaces(void);

/* Prints why a test is skipped; fails it under CI=true. */
void skip(const char *why);

/* A plan of n hosts named h1 .. hn, addressed as build does, in `a`. */
struct plan *plan_of_hosts(int n, struct arena *a);

/* Runs a program and gives its standard output, in `a`; fails the test if its status is not 0. */
char *output_of(struct arena *a, const char *const argv[]);

#endif
