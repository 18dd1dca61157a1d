/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_JSONTEXT_H
#define WIRECUT_BASE_JSONTEXT_H

#include <stdint.h>
#include <stdlib.h>

#include "harness/base/nsec.h"

/*
 * Objects of JSON (RFC 8259), written as text member by member: for what is written by the hundred
 * thousand, where a tree of values for each of them takes ten times as long. Compact, on one line.
 * Keys are the program's own words and stand there as they are.
 */
struct jsontext {
	char *text; /* of `len` bytes, not terminated */
	size_t len, room;
};

/* Releases what has been written. */
static inline void jsontext_free(struct jsontext *j)
{
	free(j->text);
}
#define _cleanup_jsontext_ __attribute__((cleanup(jsontext_free)))

void jsontext_open(struct jsontext *j);
void jsontext_close(struct jsontext *j);
/* A byte between objects, such as a newline. */
void jsontext_put(struct jsontext *j, char c);

void jsontext_int(struct jsontext *j, const char *key, int64_t value);
void jsontext_true(struct jsontext *j, const char *key);
/* Seconds with as many of their nine decimals as say something, at least one; NSEC_NEVER: null. */
void jsontext_seconds(struct jsontext *j, const char *key, nsec_t t);
/* Of unknown origin: in a text that is not UTF-8 every byte beyond ASCII becomes '?'. */
void jsontext_string(struct jsontext *j, const char *key, const char *text);
/* What is JSON already; the blanks between its parts are left out. */
void jsontext_json(struct jsontext *j, const char *key, const char *json);

#endif
