/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_ATTACH_WORDS_H
#define WIRECUT_ATTACH_WORDS_H

#include <stdbool.h>
#include <stdint.h>

#include "faults/netem/params.h"
#include "harness/data/diag.h"

/* What netem is to do, in the words of tc-netem(8): "delay 50ms 10ms loss 1%". Pure. */
struct netem_words {
	struct netem_params params;
	uint64_t seed; /* of netem's generator */
	bool has_seed;
};

/*
 * Reads them. Every error is added to `diags`, at its column of the text, which is line 1 of the source
 * `source`; false if there was any. A number carries its unit: one that tc knows, or one of a
 * scenario's.
 */
bool words_read(const char *source, const char *text, struct diags *diags, struct netem_words *ret);

/* The same as tc takes them, with every default that we set, in `a`. */
char *words_for_tc(const struct netem_words *w, struct arena *a);

/* The i-th thing in them with which netem does something else than it says; NULL: there is no more. */
const char *words_caveat(const struct netem_words *w, size_t i);

/* The i-th form that they can take, and what it does; false: there are not so many. */
bool words_info(size_t i, const char **ret_form, const char **ret_doc);

#endif
