/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_OUTFILE_H
#define WIRECUT_WIRE_OUTFILE_H

#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"

/*
 * A file that is appended to from a loop that must not stop for it: writes are buffered, the first
 * error sticks, and what comes after it is thrown away. Who owns it asks at the end.
 */
struct outfile {
	int fd;
	int error; /* errno of the first write that failed; 0: none */
	size_t used, size;
	uint8_t *buffer;
};

/* `fd` stays the caller's. -1: out of memory. outfile_free frees the buffer. */
int outfile_init(struct outfile *o, int fd);
void outfile_free(struct outfile *o);

/* Room for `n` bytes (at most OUTFILE_MAX_RECORD), to be filled at once. */
void *outfile_reserve(struct outfile *o, size_t n);
#define OUTFILE_MAX_RECORD 4096

/* Writes what is buffered. */
void outfile_flush(struct outfile *o);

/* -1 and *err, naming `what`, if any write failed since the start. */
int outfile_check(const struct outfile *o, const char *what, struct err *err);

/* Writes what is buffered, on to the disk; then as outfile_check(). */
int outfile_sync(struct outfile *o, const char *what, struct err *err);

#endif
