/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_PARSE_TEXT_H
#define WIRECUT_PARSE_TEXT_H

#include <stdbool.h>

#include "harness/base/utf8.h"
#include "harness/data/diag.h"

/* One line of a text, without its newline. Lines count from 1; past the end it is empty. */
struct text_line {
	const char *start;
	size_t len;
};
struct text_line text_line_at(const char *text, size_t len, int line);

/* How many columns it has: a UTF-8 sequence is one, and so is a byte that begins none. */
int text_columns(const char *s, size_t len);

/*
 * What libfyaml would let pass, or would count as other lines and columns than an editor does: bad
 * UTF-8, NUL and other control characters, tabs, carriage returns, Unicode line breaks, directives.
 * Adds a diag for each, at most one a line; false if there was any.
 */
bool text_check(const char *path, const char *text, size_t len, struct diags *diags);

#endif
