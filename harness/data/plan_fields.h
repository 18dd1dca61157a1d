/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_PLAN_FIELDS_H
#define WIRECUT_DATA_PLAN_FIELDS_H

#include "harness/data/plan.h"

/* The tables by which plan.json is written (plan.c) and read (plan_load.c). */

/* The plan itself, but for its seed and its lists of steps, expectations and indices. */
extern const struct field plan_fields[];

/* The members of a step and of an expectation that are no indices and no parameters. */
extern const struct field plan_step_fields[], plan_expect_fields[];

#endif
