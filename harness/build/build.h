/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BUILD_BUILD_H
#define WIRECUT_BUILD_BUILD_H

#include <stdio.h>

#include "harness/data/plan.h"

/* Which link engine is asked for. */
enum link_choice {
	LINK_CHOICE_WIRE,
	LINK_CHOICE_NETEM, /* what netem cannot do is a diag */
	LINK_CHOICE_AUTO,  /* netem, if the plan asks nothing that only wire can do */
};

struct build_options {
	uint64_t seed;
	/*
	 * The practice of a scenario that names none: the folder that its file is in, by its own name,
	 * whatever the file was called by. NULL: the folder in the file's path.
	 */
	const char *folder;
	int clock; /* enum clock_kind: of a scenario that runs on any; CLOCK_ANY: the real one */
	enum link_choice link;
	/* Whether the kernel of that clock has netem; asked only where it matters. NULL: it has not. */
	bool (*has_netem)(void *ctx, int clock);
	void *ctx;
	/*
	 * Reads a file that a `from:` names; the path is already joined to the scenario's folder.
	 * Returns its text in `a`, or NULL with *err. Injected, so that build stays pure.
	 */
	char *(*read_file)(const char *path, struct arena *a, struct err *err);
};

/*
 * Resolves a scenario to the plan of its healthy run (control == NULL) or of one control. Names
 * that lead nowhere are added to `diags`. The plan lives in `a`.
 */
struct plan *build_plan(const struct scenario *s, const struct scenario_control *control,
			const struct build_options *opt, struct arena *a, struct diags *diags);

/* Prints the plan as `wirecut plan` shows it: hosts, apps, timeline and expectations by time. */
void plan_print(FILE *out, const struct plan *plan);

#endif
