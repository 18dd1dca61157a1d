/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_FOLDER_H
#define WIRECUT_TESTS_FOLDER_H

#include <sys/types.h>

#include "harness/base/arena.h"

/* A fresh folder below /tmp for a test's files. Whatever fails in making them fails the test. */
struct folder {
	struct arena arena;
	char *path; /* with no symbolic link in it */
	int fd;
};

void folder_make(struct folder *f);

/* Removes it with all that is in it, and frees the arena. */
void folder_remove(struct folder *f);

/* The path of a name in it, in the arena. */
char *folder_path(struct folder *f, const char *name);

/* Each makes the folders above it; `name` is a path below the folder. */
char *folder_put(struct folder *f, const char *name, mode_t mode, const void *bytes, size_t len);
char *folder_put_text(struct folder *f, const char *name, const char *text);
char *folder_put_link(struct folder *f, const char *name, const char *target);
char *folder_put_folder(struct folder *f, const char *name);

/* A file's content, with a NUL behind it; *ret_len may be NULL. */
char *folder_read(struct folder *f, const char *name, size_t *ret_len);

/* Another file as it is, under a new name. */
char *folder_put_copy(struct folder *f, const char *name, const char *source, mode_t mode);

#endif
