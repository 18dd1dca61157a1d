/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_SLUG_H
#define WIRECUT_REPORT_SLUG_H

#include "harness/base/arena.h"

/* Slugs taken apart: SCENARIO[--CONTROL][+linux-KERNEL][+seedN][+againN]. What they give is in `a`. */

/*
 * The slug of a scenario, or of the one that a control is of, in the same cell, on the same kernel and with
 * the same seed: without the control's name (NULL: it is none) and the attempt.
 */
char *slug_of_scenario(const char *slug, const char *control, struct arena *a);

/* Which scenario, control, cell and kernel it was: the slug without the seed. */
char *slug_without_seed(const char *slug, struct arena *a);

/*
 * What the scenario or control is called where runs are compared: a history of CI must not take the
 * attempt that counted for another test.
 */
char *slug_without_attempt(const char *slug, struct arena *a);

/* Which attempt it was, from 1. */
int slug_attempt(const char *slug);

#endif
