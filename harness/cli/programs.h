/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_PROGRAMS_H
#define WIRECUT_CLI_PROGRAMS_H

#include <stdint.h>
#include <sys/resource.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

/* Where the apps' programs are. All texts are the arena's. */
struct programs {
	const char *path; /* PATH of every app */
	const char *own;  /* the folder of the suite's own programs */
	const char
		*unpacked; /* the root of the servers unpacked for scenarios; NULL: there is none */
};

/* Finds them from where this program lies. The suite's own programs (beside it, or in ../libexec/wirecut
 * where it is installed) come first in `path`, then those that `make programs` has unpacked into
 * ../programs, then the PATH of this process. */
int programs_find(struct arena *a, struct programs *ret, struct err *err);

/* How many scenarios run at once if the options do not say, and the descriptors that so many need. */
int64_t suite_default_jobs(void);
uint64_t suite_descriptors(int64_t jobs);

/*
 * Raises this process's limit of descriptors as far as it goes; an error if that is too few for so many
 * scenarios at once. What it was before, which the apps get, goes to *ret_before.
 */
int suite_raise_limit(int64_t jobs, struct rlimit *ret_before, struct err *err);

#endif
