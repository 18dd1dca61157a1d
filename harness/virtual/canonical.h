/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_CANONICAL_H
#define WIRECUT_VIRTUAL_CANONICAL_H

#include "harness/data/plan.h"

/*
 * A plan as a guest gets it. All that goes into a guest is part of its bytes, and a name that is a
 * byte longer moves its time by nanoseconds. So of two ways to ask for the same run (by itself or as
 * one of `--seeds 3`; as x.yaml or as ../here/x.yaml) the guest must not be told which it was:
 *
 *   the slug           is the same for all
 *   paths of programs  and of `guest: files` are absolute, the folders in them without links or dots
 *   places             (errors tell them) name scenario files by number; canonical_restore() puts
 *                      the names back into what comes out
 *
 * The folder itself in which a scenario lies stays: its programs see it, in their argv[0].
 */
struct canonical {
	struct plan plan;     /* for packing: absolute paths, the file's too; places as they were */
	struct plan in_guest; /* for the guest: that, with a fixed slug and files by number */
	struct strings files; /* as the user named them; the first is the scenario's own */
};

/* `start_dir`: from which relative paths count, absolute. The plan must outlive the result. */
void canonical_make(const struct plan *plan, const char *start_dir, struct arena *a,
		    struct canonical *ret);

/* The text with the files' names in place of their numbers, in `a`; the text itself if it has none. */
const char *canonical_restore(const struct canonical *c, const char *text, struct arena *a);

/* The same for the lines of a file of JSON: names are escaped as its strings are. */
const char *canonical_restore_json(const struct canonical *c, const char *text, struct arena *a);

#endif
