/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_PARSE_READER_H
#define WIRECUT_PARSE_READER_H

#include "harness/data/scenario.h"
#include "harness/parse/node.h"

/*
 * Reading nodes into structs by their tables. Nothing here stops at an error: what is wrong is
 * added to the diags, its field stays unset, and reading goes on.
 */
struct reader {
	struct arena *a;
	struct diags *diags;
	bool incomplete; /* an include failed: what is missing may be there */
};

/* How the items of a FIELD_NAMED that is read from YAML begin. */
struct named_head {
	char *name;
	struct pos pos;
};

/* What one map of the file may hold, and where it goes. */
struct record_shape {
	const struct field *tables[2];  /* of the same record; the second may be NULL */
	const char *const *other_names; /* keys that the caller reads itself; may be NULL */
	struct pos owner;               /* where a missing key is reported */
	bool partial;                   /* no key is required */
};

/*
 * Reads a map into `record`, which holds the unset values. FIELD_CUSTOM keys are only checked for
 * being known. False if a key was unknown, or the node is no map.
 */
bool read_record(struct reader *r, const struct node *node, const char *key,
		 const struct record_shape *shape, void *record);

/*
 * True if it is of this type; else adds "'key' must be ..., not ...". An item of a list has no key:
 * then `key` says what it is, "a step".
 */
bool expect_type(struct reader *r, const struct node *node, const char *key, enum node_type type);

/*
 * The pair of an item whose key is its kind, one of `kinds` (NULL-terminated). There must be exactly
 * one; `none_is_told`: that there is none has been said in other words already (an unknown key).
 */
const struct node_pair *find_kind(struct reader *r, const struct node *item, const char *what,
				  const char *const *kinds, bool none_is_told);

/* Adds a diag unless it is a name: "'host' cannot be called 'A'". */
void check_name(struct reader *r, struct pos pos, const char *what, const char *name);

/* The parts of a scenario; each reads the value of its key in the document. */
void read_timeline(struct reader *r, struct scenario *s, const struct node *timeline);
void read_expectations(struct reader *r, struct scenario *s, const struct node *expect);
void read_controls(struct reader *r, struct scenario *s, const struct node *controls);

/* Exactly one of `run` and `shell` must be in the map, and `run` must split into words. */
void check_command(struct reader *r, const struct node *map, struct pos owner);

/*
 * same.c: true if one document certainly says what the other says. Keys in another order are another
 * document: apps start in the order of the file.
 */
bool documents_say_same(const struct node *one, const struct node *other, struct arena *a);

/*
 * Reads a document, of which s->root becomes the form with its defaults filled in. Without
 * `controls` that key is passed over.
 */
void read_scenario(struct reader *r, struct scenario *s, struct node *root, bool controls);

#endif
