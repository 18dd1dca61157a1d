/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_OUTPUT_H
#define WIRECUT_REPORT_OUTPUT_H

#include "harness/base/arena.h"
#include "harness/base/err.h"

/* The name that means standard output. */
#define OUTPUT_STDOUT "-"

/*
 * Where a report goes: a file, written whole or not at all; standard output; or what is there under
 * that name and is no regular file (a pipe, /dev/stderr), which is written to and never replaced.
 * Opened before anything runs, so that a wrong path is told at once and not after the last scenario.
 */
struct output {
	const char *path; /* for messages, as given */
	const char *name; /* of the file in its folder; NULL: `fd` is written to */
	int folder_fd;
	int fd;
};

/* `option` ("--junit") is named in the error. What it allocates lives in `a`. */
int output_open(struct output *ret, const char *option, const char *path, struct arena *a,
		struct err *err);
int output_write(const struct output *o, const void *data, size_t len, struct err *err);
void output_close(struct output *o);

#endif
