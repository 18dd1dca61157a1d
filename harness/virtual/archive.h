/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_ARCHIVE_H
#define WIRECUT_VIRTUAL_ARCHIVE_H

#include <stdint.h>
#include <sys/types.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/virtual/fileset.h"

/*
 * How files cross between wirecut and its guest: cpio archives in the "newc" form, which the kernel
 * takes as an initramfs too (Documentation/driver-api/early-userspace/buffer-format.rst). Written
 * with libarchive, not compressed: unpacking would cost the guest more than it saves.
 *
 * The bytes follow from the content alone: owners are 0, inode numbers count up.
 */

/* --- writing --- */

/* An archive that is being written. */
struct archive_out;

/* Into a file; or into `room` bytes at `buf`, where more is an error. NULL: see err. */
struct archive_out *archive_out_fd(int fd, struct err *err);
struct archive_out *archive_out_memory(void *buf, size_t room, struct err *err);

/*
 * Each appends one entry; folders must be added before what is in them. A path may start with a
 * slash, which the archive does not keep. A file shorter than it was when its size was asked for is
 * an error; what was appended to it since is left out.
 */
int archive_out_add_folder(struct archive_out *out, const char *path, struct err *err);
int archive_out_add_bytes(struct archive_out *out, const char *path, mode_t mode, const void *bytes,
			  size_t len, struct err *err);
int archive_out_add_file(struct archive_out *out, const char *path, mode_t mode, int fd,
			 struct err *err);

/* All that is in the folder `dir_fd`, by name: files, folders and links; nothing else may be in it. */
int archive_out_add_content(struct archive_out *out, int dir_fd, struct err *err);

/* Completes the archive; *ret_len (may be NULL) is its length in bytes. */
int archive_out_finish(struct archive_out *out, size_t *ret_len, struct err *err);

/* Frees it, finished or not. *out may be NULL. */
void archive_out_free(struct archive_out **out);

#define _cleanup_archive_out_ __attribute__((cleanup(archive_out_free)))

/* A whole archive of a set, from where the descriptor stands. */
int archive_write(const struct fileset *set, int fd, struct err *err);

/* A whole archive of a folder's content, into at most `room` bytes at `buf`. */
int archive_write_folder(int dir_fd, void *buf, size_t room, size_t *ret_len, struct err *err);

/* --- reading --- */

/*
 * Makes what the archive holds in the folder `dir_fd`: files and links replace those that are there,
 * folders are kept. Paths count from that folder as from a root: neither ".." nor a link leads out
 * of it. What follows the archive's end in the `len` bytes is not looked at.
 *
 * Errors: no archive, a truncated one, a path with "..", anything but files, folders and links, a
 * file in the place of a folder. What was made before the error stays.
 */
int archive_unpack(const void *bytes, size_t len, int dir_fd, struct err *err);

/* One entry as the archive has it, for looking into one. */
struct archive_item {
	const char *path;
	enum fileset_kind kind;
	mode_t mode;
	int64_t mtime_s;
	uint64_t inode;
	const char *target; /* FILESET_LINK */
	const char *text;   /* FILESET_FILE: `bytes` of it, and a NUL */
	uint64_t bytes;
};

struct archive_items {
	struct archive_item *v;
	size_t n;
};

/* All entries in their order, with what they hold, in the arena. Errors as above. */
int archive_list(const void *bytes, size_t len, struct arena *a, struct archive_items *ret,
		 struct err *err);

#endif
