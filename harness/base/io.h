/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_IO_H
#define WIRECUT_BASE_IO_H

#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

/* Writes all of it, whatever write(2) takes at a time. -1 with errno. */
int io_write_all(int fd, const void *data, size_t len);

/* Reads until the end or until `room` bytes are there, whatever read(2) gives at a time; how many. */
ssize_t io_read_all(int fd, void *buf, size_t room);

/* A whole file into `a`, with a NUL behind it; *ret_len (may be NULL) is without that NUL. */
char *io_read_file(const char *path, size_t *ret_len, struct arena *a, struct err *err);
char *io_read_file_at(int dir_fd, const char *name, size_t *ret_len, struct arena *a,
		      struct err *err);

/*
 * Writes a file so that it is there whole or not at all, a power cut included: into a temporary
 * file beside it, fsync, rename, fsync of the folder.
 */
int io_write_file_at(int dir_fd, const char *name, const void *data, size_t len, struct err *err);

/*
 * Makes a folder and those above it that are not there (mkdir -p). -1 with errno, and `path` cut
 * short to the one that could not be made.
 */
int io_make_dirs(char *path);

/*
 * Closes every descriptor but the standard ones and these, which come to stand behind those in this
 * order, each with FD_CLOEXEC; their new numbers replace the old. -1 with errno. For a fresh process
 * that must keep no end of what others wait for.
 */
int io_keep_only(int *fds, size_t n);

/* Sets O_NONBLOCK. */
int io_set_nonblocking(int fd, struct err *err);

/* True if it is a pipe or a socket at whose other end nobody is left to read: `| head` has had enough. */
bool io_reader_is_gone(int fd);

#endif
