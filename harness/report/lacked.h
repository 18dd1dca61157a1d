/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_LACKED_H
#define WIRECUT_REPORT_LACKED_H

#include "harness/data/verdict.h"

/*
 * Reads what a run's guest lacked (NOT_PACKED_FILE; there need be none) into the result, and makes a
 * verdict that it may explain an error whose reason names the files and the mend.
 */
int lacked_read(int scenario_fd, const struct observations *obs, struct arena *a,
		struct scenario_result *r, struct err *err);

/* The same with what was read: r->not_packed. */
void lacked_weigh(struct scenario_result *r, const struct observations *obs, struct arena *a);

#endif
