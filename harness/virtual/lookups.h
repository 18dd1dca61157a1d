/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_LOOKUPS_H
#define WIRECUT_VIRTUAL_LOOKUPS_H

#include "harness/data/not_packed.h"
#include "harness/virtual/pack.h"

/*
 * Of what programs looked for in a guest and did not find (`text`, as guest/lookups.h gives it) that
 * which this machine has and which was not packed into `packed`: a file or a folder. Not among them
 * are what a host has of its own there too (/tmp, /proc, ...), the scenario's own `files:`, and what
 * is harmless by a table in lookups.c. In `a`.
 */
void lookups_not_packed(const char *text, const struct pack_input *in, const struct fileset *packed,
			struct arena *a, struct not_packed *ret);

#endif
