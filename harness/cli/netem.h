/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_NETEM_H
#define WIRECUT_CLI_NETEM_H

#include "harness/cli/options.h"

/*
 * Whether the kernels that scenarios of this clock (enum clock_kind) will run on have what the link
 * engine netem needs: this machine's, or all those of guests. Found out once.
 */
bool netem_is_there(struct options *opt, int clock);

/* Why `--link netem` cannot be had, and what mends it. */
char *netem_lack(struct options *opt, int clock);

/*
 * What the kernel that is to run a plan lacks of what its scenario needs (needs_lacking()); NULL: nothing.
 * `release` is the kernel's own; on the virtual clock it is the n-th of those chosen, from 0.
 */
char *kernel_lack(struct options *opt, const struct plan *plan, size_t n, const char *release);

#endif
