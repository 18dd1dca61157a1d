/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_INJECT_H
#define WIRECUT_CLI_INJECT_H

#include "harness/cli/options.h"

/* The options of `wirecut inject`, for the table of options. */
int inject_take_netns(struct options *opt, const char *value, struct err *err);
int inject_take_pid(struct options *opt, const char *value, struct err *err);
int inject_take_dev(struct options *opt, const char *value, struct err *err);
int inject_take_egress(struct options *opt, const char *value, struct err *err);
int inject_take_for(struct options *opt, const char *value, struct err *err);
int inject_take_dry_run(struct options *opt, const char *value, struct err *err);

#endif
