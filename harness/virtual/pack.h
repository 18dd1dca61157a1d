/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_PACK_H
#define WIRECUT_VIRTUAL_PACK_H

#include "harness/data/plan.h"
#include "harness/virtual/fileset.h"

/* What a run is told of the machine, as the run stage has it (struct run_config). */
struct pack_input {
	const struct plan *plan;
	const char *start_dir; /* wirecut's working folder, absolute */
	const char *path;      /* PATH of every app */
};

/*
 * Adds to the set what the plan's programs need in a guest:
 *
 *   programs      of every app and exec step, found as the run stage finds them, with their closures
 *   shells        of the text of `sh -c` and of scripts every word that names a program in PATH
 *   Python        its library, as the interpreter itself tells it, and of the packages installed
 *                 beside it those that what is run imports; the modules beside a script
 *   Node          the folder of the script, with its node_modules
 *   Perl          the base of its library
 *   files         that are named on command lines (absolute, or relative to `cwd`)
 *   guest: files  of the scenario: folders with all that is in them, programs and shared objects
 *                 with their closures
 *   folders       in which programs start, and that of the scenario's file, empty
 *   /etc          small texts of wirecut's own: passwd, group, nsswitch.conf, services, ...
 *
 * Files that a program opens by itself are not seen: a scenario names them by `guest: {files: [...]}`. What the
 * plan says of files is not packed: the run stage makes those.
 *
 * Errors: the set is too large; else all that is missing at once, a line each: which app, what, and
 * the mend.
 */
int pack_files(const struct pack_input *in, struct fileset *set, struct err *err);

/*
 * PATH for the set's guest, in the set's arena: of the folders of `path` those that are in the set,
 * each once. The others would change nothing but the run's bytes.
 */
char *pack_path(const char *path, const struct fileset *set);

/*
 * Of the folders that hosts must see even under /tmp (NULL-terminated) those that the set's guest
 * needs, each once, in the set's arena: of wirecut's working folder it depends on whether the set has
 * something there. For where wirecut was started is no part of what runs.
 */
struct strings pack_keep_dirs(const struct pack_input *in, const char *const *dirs,
			      const struct fileset *set);

#endif
