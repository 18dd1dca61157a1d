/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_LOGMATCH_H
#define WIRECUT_RUN_LOGMATCH_H

#include <stdbool.h>

#include "harness/data/plan.h"

/* Which lines of an app's output the plan's expectations ask for. */
struct logmatch;

/* A pattern that is no regular expression is an error. */
int logmatch_new(const struct plan *plan, struct logmatch **ret, struct err *err);
void logmatch_free(struct logmatch *l);

/* Some expectation about this instance has a pattern that matches the line. */
bool logmatch_wants(const struct logmatch *l, int app, const char *line);

#endif
