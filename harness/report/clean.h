/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_CLEAN_H
#define WIRECUT_REPORT_CLEAN_H

#include "harness/base/arena.h"

/*
 * A copy of a text of unknown origin (a program's output may be quoted in it) that every format can
 * hold and no terminal or log viewer acts on: valid UTF-8 without control characters but newline
 * and tab. What is neither becomes U+FFFD, a byte at a time; CR LF becomes a newline. These are also
 * the characters that XML 1.0 can hold (its production [2] Char), less DEL and the C1 controls.
 * NULL gives "".
 */
char *clean_text(const char *s, struct arena *a);

/* The same on one line: newlines and tabs become spaces. */
char *clean_line(const char *s, struct arena *a);

#endif
