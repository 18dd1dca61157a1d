/* SPDX-License-Identifier: MIT */
#ifndef REF_JSON_LINE_H
#define REF_JSON_LINE_H

#include <stddef.h>
#include <stdint.h>

#include "reference-app/clock.h"

/* One event, one JSON object, one line, one write(): lines of several threads never mix, and a reader
 * sees each at once. */

#define JSON_LINE_MAX 2048

struct json_line {
	char text[JSON_LINE_MAX];
	size_t len;
};

/* {"event":"NAME","monotonic_s":12.000345678: the time is CLOCK_MONOTONIC's. */
void json_begin(struct json_line *line, const char *event, nsec_t at);

/* A member. A text is escaped, its bytes that are no printable ASCII too, and cut where the line is
 * full: the object stays whole. */
void json_text(struct json_line *line, const char *key, const char *text);
void json_count(struct json_line *line, const char *key, uint64_t count);
/* In milliseconds; by custom the key ends in _ms. */
void json_ms(struct json_line *line, const char *key, nsec_t duration);

/* Ends the object and writes the line to standard output. A reader that has gone is no error. */
void json_write(struct json_line *line);

#endif
