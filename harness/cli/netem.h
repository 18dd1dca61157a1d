/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_NETEM_H
#define WIRECUT_CLI_NETEM_H

#include "harness/cli/options.h"

/*
 * Whether the kernels that scenarios of this clock (enum clock_kind) will run on have what the link
 * engine netem needs: this machine's, or all those of guests. Found out once.
 */
bool netem_is_there(struct options *opt, int clock);

/* Why it is not, and what mends it. */
const char *netem_lack(int clock);

#endif
