/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_CAPTURE_H
#define WIRECUT_BASE_CAPTURE_H

#include <stdbool.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/nsec.h"

/* What a program that ran to its end has left. Texts are NUL-terminated, in the arena. */
struct captured {
	char *out, *err;
	int status; /* as waitpid(2) gives it */
};

/*
 * Runs a program to its end and keeps what it printed; no shell. argv[0] is its path (PATH is not
 * looked at), `env` its whole environment; both end with NULL. Its standard input is empty. One that
 * runs longer than `limit` is killed, which is an error, as is one that cannot be started. How it
 * ended is the caller's to judge.
 */
int capture_run(const char *const argv[], const char *const env[], nsec_t limit, struct arena *a,
		struct captured *ret, struct err *err);

/* True if it exited with status 0. */
bool captured_success(const struct captured *c);

#endif
