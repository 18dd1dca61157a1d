/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_PACKER_H
#define WIRECUT_VIRTUAL_PACKER_H

#include "harness/virtual/closure.h"
#include "harness/virtual/pack.h"

/* Within this folder: what packing a plan is made of. */

struct packer {
	const struct pack_input *in;
	struct fileset *set;
	struct arena *arena; /* that of the set */
	struct closure closure;
	struct strings done; /* programs, scripts and packages whose needs have been added */
};

/* How a program is started. */
struct command {
	const char *who; /* "app client": for messages */
	const struct strings *argv;
	const struct string_pair *env;
	size_t n_env;
	const char *cwd; /* NULL: an empty folder */
};

/* A program of a language, while what it needs is added. */
struct interpreted {
	const struct command *command; /* NULL: nothing is known but the program */
	const char *interpreter;       /* its program */
	const char *script;            /* NULL: none */
};

/* True for the first time that it is asked of this name. */
bool packer_is_new(struct packer *p, const char *name);

/* What an app's environment says, or NULL. */
const char *command_variable(const struct command *c, const char *name);

/* In /dev, /proc or /sys: the guest has its own, and no program is there. */
bool path_is_of_the_kernel(const char *path);

/* The file that an argument names: absolute, or in `cwd`; NULL: it names none. */
char *command_file(const struct packer *p, const struct command *c, const char *argument);

/* The value that follows an option ("-c", "-m") among the arguments; NULL: it is not there. */
const char *command_option(const struct command *c, const char *option);

/* Adds a program (an absolute path) with all that it needs. `c` may be NULL. */
int packer_add_program(struct packer *p, const char *program, const struct command *c,
		       struct err *err);

/*
 * Takes the error of what only may be needed: 0, unless the set is too large (nothing more fits,
 * and that has to be said).
 */
int packer_optional(const struct packer *p, int rc);

/* --- languages --- */

/* What an interpreted program needs beside the closure of its interpreter. */
typedef int (*language_fn)(struct packer *p, const struct interpreted *i, struct err *err);

/* That of the interpreter of this file name (python3.11, sh, node); NULL: it is none of these. */
language_fn language_of(const char *interpreter_name);

int python_add(struct packer *p, const struct interpreted *i, struct err *err);

/*
 * The interpreter that a Python command runs in the end: a script of that name (pyenv's shims) is a
 * wrapper, which is asked for it; else the program itself. NULL: see err.
 */
const char *python_interpreter(struct packer *p, const char *program, struct err *err);
bool python_is_named(const char *name);

#endif
