/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_LOAD_H
#define WIRECUT_CLI_LOAD_H

#include "harness/cli/options.h"
#include "harness/data/plan.h"

/* One thing to run: a scenario, or one of its controls. */
struct load_item {
	const struct scenario *scenario;
	struct plan *plan;
};

struct loaded {
	VEC(struct scenario *)
	scenarios;                   /* every file that was read, in the order of their names */
	VEC(struct load_item) items; /* what the options select, a scenario before its controls */
	struct strings slugs;        /* of the scenarios: no two are the same */
};

/* The real path of the folder that a file is in; "/" if there is none any more. It lives in `a`. */
char *load_folder_of(const char *file, struct arena *a);

/*
 * Reads, checks and plans every scenario that the options' paths name (a folder: all its *.yaml
 * below). Prints every error of every file to stderr. Returns 0, or the exit code: 2 if anything
 * is wrong.
 */
int load_scenarios(struct options *opt, struct loaded *ret);

#endif
