/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_SUITE_H
#define WIRECUT_CLI_SUITE_H

#include "harness/cli/load.h"

/*
 * Runs every loaded item, as many at once as the options say, reports each as it ends, and writes
 * the results. Returns the program's exit code.
 */
int suite_run(struct options *opt, const struct loaded *l);

#endif
