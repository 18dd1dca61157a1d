/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_GUESTS_H
#define WIRECUT_CLI_GUESTS_H

#include "harness/cli/load.h"
#include "harness/virtual/image.h"

/*
 * What the suite's scenarios on the virtual clock share: an image for each kernel, and the
 * processors that guests are bound to, one guest each.
 */
struct guests {
	VEC(struct guest_image) images;
	struct strings releases; /* of their kernels */
	VEC(int) cpus;           /* that this process may run on */
	int *claims;             /* of these: a socket that says so to other wirecuts, or -1 */
	bool *is_taken;          /* of each of them */
	bool is_misused;         /* it failed for what the command line says */
};

/*
 * Prepares what the loaded items need: nothing, if all run on the real clock. *ret_lack: why there
 * can be no guests here, and what mends it; NULL: there can. A failure is an error.
 */
int guests_prepare(const struct options *opt, const struct loaded *l, struct guests *ret,
		   const char **ret_lack, struct err *err);
void guests_release(struct guests *g);

/* A processor for a guest; -1: all are taken. Given back by guests_leave(). */
int guests_enter(struct guests *g);
void guests_leave(struct guests *g, int cpu);

#endif
