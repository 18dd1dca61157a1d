/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_FILESET_H
#define WIRECUT_VIRTUAL_FILESET_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/types.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

/*
 * The files that a guest is to have: paths of this machine, and files that are made for it. Every
 * path is absolute.
 *
 * The set is always complete: a path brings the folders above it, and symbolic links bring what they
 * name, also those in the middle (/lib -> usr/lib). What the kernel makes up (/dev, /proc, /sys) is not
 * taken from this machine: a path or a link that leads there brings these folders, empty. So no entry lies below a link, and the entries,
 * which are sorted by path, can be made one after the other.
 *
 * What differs between machines without being content is left out: owners, times, and permissions
 * but for whether a file is executable. The same content gives the same set.
 */

enum fileset_kind { FILESET_FOLDER, FILESET_FILE, FILESET_LINK };

struct fileset_entry {
	const char *path; /* "/usr/bin/env": no link above it, and no slash at its end */
	enum fileset_kind kind;
	mode_t mode;        /* FILESET_FOLDER_MODE, _FILE_MODE or _PROGRAM_MODE */
	int64_t mtime_s;    /* 0, but see fileset_add_tree() */
	uint64_t bytes;     /* FILESET_FILE */
	const char *source; /* FILESET_FILE: the file of this machine with its content; or NULL: */
	const void *text;   /*   its content */
	const char *target; /* FILESET_LINK */
};

#define FILESET_FOLDER_MODE  0755
#define FILESET_FILE_MODE    0644
#define FILESET_PROGRAM_MODE 0755

struct fileset {
	struct arena *arena; /* of everything in it */
	VEC(struct fileset_entry *) entries;
	uint64_t bytes;     /* of all files */
	uint64_t max_bytes; /* more is an error that names the largest files */
	bool is_too_large;  /* that error was given */
};

void fileset_init(struct fileset *set, uint64_t max_bytes, struct arena *a);

/* The entry of exactly this path, without links followed; NULL: there is none. */
const struct fileset_entry *fileset_find(const struct fileset *set, const char *path);

/*
 * Adds a file or an empty folder of this machine. *ret_real (may be NULL) is its path with every
 * link followed. It is an error if it is not there, or is neither.
 */
int fileset_add(struct fileset *set, const char *path, const char **ret_real, struct err *err);

/* What to leave out of a tree; `name` is the last component, within `path`. */
typedef bool (*fileset_skip_fn)(const char *path, const char *name, bool is_folder, void *arg);

/*
 * Adds a folder of this machine with all that is in it, but what `skip` (may be NULL) names,
 * sockets and devices, and links that lead nowhere. A link to a folder brings that folder empty.
 * Files keep the seconds of their mtime: interpreters store those of a source in what they
 * compiled of it, and take that for stale if they differ.
 */
int fileset_add_tree(struct fileset *set, const char *path, fileset_skip_fn skip, void *arg,
		     struct err *err);

/*
 * What this machine need not have. Folders above that neither the set nor the machine has are made;
 * what is at the path already is replaced, but for a folder. Texts, `source` and `target` are
 * copied, bytes are not: they must outlive the set.
 */
int fileset_add_folder(struct fileset *set, const char *path, struct err *err);
int fileset_add_bytes(struct fileset *set, const char *path, mode_t mode, const void *bytes,
		      size_t len, struct err *err);
int fileset_add_copy(struct fileset *set, const char *path, const char *source, struct err *err);
int fileset_add_link(struct fileset *set, const char *path, const char *target, struct err *err);

#endif
