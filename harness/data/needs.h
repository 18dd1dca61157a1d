/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_NEEDS_H
#define WIRECUT_DATA_NEEDS_H

#include <stdbool.h>

#include "harness/base/arena.h"

/*
 * What a scenario needs of the kernel that runs it, as its `needs` says it: "kernel >= 6.5", "netem".
 * Only as many parts of the version are compared as are written: 6.1.170 is = 6.1, and is not > 6.1.
 */

/* The form of such a need, as an extended regular expression, and an example. */
#define NEEDS_KERNEL_PATTERN "^kernel *(<|<=|=|>=|>) *[0-9]{1,4}(\\.[0-9]{1,4}){0,2}$"
#define NEEDS_KERNEL_EXAMPLE "kernel >= 6.5"

/* A capability: what the link engine netem takes. */
#define NEEDS_NETEM "netem"

/* True if the text has the form of NEEDS_KERNEL_PATTERN. */
bool needs_is_kernel(const char *text);

/*
 * True if the kernel of this release (uname -r: 6.1.0-41-cloud-amd64) is as the text asks. A text of
 * another form, or a release that does not begin with a version, is never so.
 */
bool needs_kernel(const char *text, const char *release);

/* The kernel that is to run a scenario. */
struct needs_target {
	const char *release; /* uname -r */
	/* Why it has no netem; NULL: it has. Asked only of a scenario that needs it: to find out takes time. */
	const char *(*netem_lack)(void *ctx);
	void *ctx;
};

/*
 * Why the first of a scenario's needs that is not met on this kernel is not, in `a`; NULL: all are met.
 * A capability other than netem never is: nothing here finds it out.
 */
char *needs_lacking(const struct strings *needs, const struct needs_target *target,
		    struct arena *a);

#endif
