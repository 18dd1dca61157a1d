/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_PROGRAM_H
#define WIRECUT_VIRTUAL_PROGRAM_H

#include <stdbool.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

/* What a file is, as execve(2) looks at it: by its first bytes. Texts are the arena's. */
enum program_kind {
	PROGRAM_OTHER,  /* neither of these: data, or text without a #! line */
	PROGRAM_ELF,    /* for this machine: 64-bit x86-64 */
	PROGRAM_SCRIPT, /* with a #! line */
};

struct program_head {
	enum program_kind kind;
	char *interpreter; /* ELF: its loader, NULL if it is static; SCRIPT: the first word of #! */
	char *argument;    /* SCRIPT: what follows that word, or NULL */
};

/*
 * Reads it (elf(5), PT_INTERP; execve(2), "Interpreter scripts"). An ELF file of another machine or
 * word size is an error, as is a broken one.
 */
int program_head_read(const char *path, struct arena *a, struct program_head *ret, struct err *err);

/*
 * Where execvp(3) finds the program: a name with a slash as it is, counted from start_dir if it is
 * relative; any other along `path`, as the first regular file that may be executed. NULL: nowhere.
 */
char *program_find(const char *name, const char *start_dir, const char *path, struct arena *a);

/* Whether the folder is one of a PATH, written the same way. */
bool program_is_in_path(const char *folder, const char *path);

#endif
