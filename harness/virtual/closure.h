/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_CLOSURE_H
#define WIRECUT_VIRTUAL_CLOSURE_H

#include "harness/virtual/fileset.h"
#include "harness/virtual/program.h"

/*
 * A program with everything that starting it takes:
 *
 *   ELF     its loader and the shared objects that this loader finds for it (it is asked, by
 *           `LOADER --list PROGRAM`); their plainer variants where the loader has chosen one for
 *           this machine's processor (glibc-hwcaps: the guest's may be another); the loader's cache
 *           where an object was found by it
 *   script  its interpreter, of env's its argument too
 *
 * What a program opens by itself (dlopen) is not seen, but for what every program of the C library
 * may: a table in closure.c.
 */
struct closure {
	struct fileset *set;
	const char *path;         /* PATH: where the argument of env is found */
	const char *library_path; /* LD_LIBRARY_PATH of the program, or NULL */
	struct strings seen;      /* what has been added already; starts empty */
};

/*
 * Adds a program (an absolute path). *ret_runs (may be NULL) is the program that the kernel runs in
 * the end: a script's interpreter, else the program itself; as it was found, links not followed.
 * Errors: it is not there, not executable code, for another machine; an object that is not found,
 * by name.
 */
int closure_add(struct closure *c, const char *program, const char **ret_runs, struct err *err);

/* Adds a shared object (an extension of an interpreter) by the loader that `loaded_by` names. */
int closure_add_object(struct closure *c, const char *object, const char *loaded_by,
		       struct err *err);

#endif
