/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_FIELD_H
#define WIRECUT_BASE_FIELD_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <jansson.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"
#include "harness/base/nsec.h"

/*
 * A struct described as data: one table of fields per struct. The scenario parser reads YAML by
 * it, the results are written and read back as JSON by it, and the reference of every key is
 * printed from it: a key that is in the table is everywhere, and one that is not is nowhere.
 *
 * "Unset" has a value of its own for each type (below), so that a struct needs no presence flags:
 * field_unset_all() writes those values, and what is unset is left out of the JSON.
 */
enum field_type {
	FIELD_STRING,   /* char *; unset: NULL */
	FIELD_BOOL,     /* bool; unset: false */
	FIELD_COUNT,    /* int64_t, a bare whole number; unset: COUNT_UNSET */
	FIELD_DURATION, /* nsec_t; YAML with a unit (250ms), JSON seconds; unset: NSEC_UNSET */
	FIELD_PERCENT,  /* double, 0.3 for 30%; YAML with '%', JSON the fraction; unset: negative */
	FIELD_FACTOR,   /* double, a bare number such as 2 or 1.5; unset: negative */
	FIELD_ENUM,     /* int, an index into .names; unset: ENUM_UNSET */
	FIELD_STRINGS,  /* struct strings; YAML a string or a list of them; unset: n == 0 */
	FIELD_COUNTS, /* struct count_list; YAML a bare whole number or a list of them; unset: n == 0 */
	FIELD_BITRATE, /* int64_t, bits a second; YAML with a unit (1mbit); unset: COUNT_UNSET */
	FIELD_BYTES,   /* int64_t; YAML with a unit (64kB); unset: COUNT_UNSET */
	FIELD_RECORD,  /* an embedded struct with its own table .of */
	FIELD_RECORDS, /* VEC of structs with table .of; YAML and JSON: a list */
	FIELD_NAMED,   /* VEC of structs whose first member is char *name; YAML and JSON: a map */
	FIELD_STRING_MAP, /* VEC of struct string_pair; YAML and JSON: a map of scalars to strings */
	FIELD_CUSTOM,     /* read by hand by the parser (a union keyed by kind); never in JSON */
};

#define COUNT_UNSET INT64_MIN
#define ENUM_UNSET  (-1)

/* A list of whole numbers. */
struct count_list {
	int64_t *v;
	size_t n;
};

struct string_pair {
	char *name;
	char *value;
};

enum field_flags {
	FIELD_REQUIRED = 1 << 0,
	FIELD_NO_YAML = 1 << 1, /* in the JSON only: not a key that a user may write */
};

struct field {
	const char *name; /* the key; a table ends with a NULL name */
	enum field_type type;
	unsigned flags;
	size_t offset;
	/* NULL-terminated. FIELD_ENUM; FIELD_STRING, FIELD_STRINGS: if given, one of these only */
	const char *const *names;
	/*
	 * FIELD_STRING, FIELD_STRINGS: what else than a name it may be in YAML, as an extended regular
	 * expression that is also one of JSON Schema; and an example of it for messages.
	 */
	const char *pattern, *example;
	const struct field *of; /* FIELD_RECORD, FIELD_RECORDS, FIELD_NAMED */
	size_t of_size;         /* FIELD_RECORDS, FIELD_NAMED: size of one item */
	const char *doc;        /* one line for the reference of keys; NULL with FIELD_NO_YAML */
	/*
	 * Inclusive range of a FIELD_COUNT, of each of FIELD_COUNTS, of a FIELD_BITRATE and of
	 * FIELD_BYTES; both 0: any whole number from 0. FIELD_DURATION: only min, in ns, and only
	 * in YAML (a time in JSON may be negative).
	 */
	int64_t min, max;
	const char
		*unit; /* FIELD_DURATION: what its values usually come in, for messages; NULL: s */
	const char *default_text; /* what holds when the key is not given, for the reference */
};

/*
 * A row of a table. What the type needs beside (names, a table of its own, a range) follows as
 * designated initialisers: FIELD(host, count, "count", FIELD_COUNT, 0, "...", .min = 1, .max = 9).
 */
#define FIELD(record, member, key, kind, bits, text, ...)                                          \
	{                                                                                          \
		.name = (key), .type = (kind), .flags = (bits),                                    \
		.offset = offsetof(struct record, member), .doc = (text), ##__VA_ARGS__            \
	}

/* Writes the unset value of each field (recursively into FIELD_RECORD). */
void field_unset_all(const struct field *fields, void *record);

/* True if the field of this record holds something else than its unset value. */
bool field_is_set(const struct field *f, const void *record);

/* True if the text is what a field's pattern asks; false of a pattern that is none, or without memory. */
bool field_pattern_matches(const char *pattern, const char *text);

/* The index of s in a NULL-terminated table of names, or ENUM_UNSET. */
int field_enum_index(const char *const *names, const char *s);

/*
 * A new JSON object of what is set in the record; the caller owns it. Strings must be UTF-8 (the
 * parser lets nothing else in).
 */
json_t *field_to_json(const struct field *fields, const void *record);

/*
 * Fills the record (unset first) from a JSON object; what it allocates lives in `a`. An unknown key,
 * a wrong type or a missing required key is an error that names the key.
 */
int field_from_json(const struct field *fields, void *record, json_t *object, struct arena *a,
		    struct err *err);

/*
 * Seconds as a JSON real, exact to the nanosecond for times below 11 days (see field.c). NSEC_NEVER
 * is null. What is no time at all (a string, too far away) is read as NSEC_UNSET.
 */
json_t *json_seconds(nsec_t t);
nsec_t json_to_nsec(const json_t *seconds);

/*
 * The flags with which every JSON text of wirecut is written: keys in the order in which they were
 * set, reals with 15 digits, which is what keeps a nanosecond exact and the bytes reproducible.
 */
#define JSON_LINE_FLAGS (JSON_COMPACT | JSON_REAL_PRECISION(15))
#define JSON_FILE_FLAGS (JSON_INDENT(2) | JSON_REAL_PRECISION(15))

#endif
