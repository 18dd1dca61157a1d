/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_REPORTS_H
#define WIRECUT_CLI_REPORTS_H

#include "harness/cli/options.h"
#include "harness/report/progress.h"

/* What the environment says of reports; this is where it is looked at. */

/* True within a job of GitHub Actions. */
bool reports_on_github(void);

/* The defaults of the options for reports. */
void reports_from_environment(struct options *opt);

/*
 * Where the lines for people go: to standard error when a report has standard output, which only
 * one can have.
 */
int reports_choose_terminal(struct report_options *reports, struct err *err);

/* Where the live line goes: standard error, if it is a terminal that can erase; else NULL. */
FILE *reports_progress_line(const struct options *opt);

#endif
