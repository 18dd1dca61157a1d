/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_PARSE_SYNTAX_H
#define WIRECUT_PARSE_SYNTAX_H

#include "harness/parse/text.h"

/*
 * What mends a mistake of YAML: from libfyaml's message, the line in which it puts that, and the column.
 * NULL: the message is not known here, or tells enough.
 */
const char *syntax_hint(const char *message, const struct text_line *line, int column);

#endif
