/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_JUDGE_H
#define WIRECUT_JUDGE_JUDGE_H

#include "harness/data/verdict.h"

/*
 * The verdict of a plan by its observations (sorted by time). Pure. What it makes lives in `a`;
 * the result points into the plan. For a control the verdict says whether it was killed.
 */
void judge(const struct plan *plan, const struct observations *obs, struct arena *a,
	   struct scenario_result *ret);

#endif
