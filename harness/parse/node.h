/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_PARSE_NODE_H
#define WIRECUT_PARSE_NODE_H

#include <stdbool.h>

#include "harness/data/diag.h"

/*
 * A YAML document as plain data, each node with its place in the file. It is never changed once it
 * is made: a control's document shares with the base all that it does not replace.
 */
enum node_type {
	NODE_SCALAR,
	NODE_LIST,
	NODE_MAP,
	NODE_BAD, /* a diag was added for it (an alias): nothing more is to be said of it */
};

struct node_pair {
	struct node *key; /* a scalar */
	struct node *value;
};

struct node {
	enum node_type type;
	struct pos pos; /* a quoted text with its quotes; a list or a map in one line: all of it */
	/* NODE_SCALAR */
	char *text;
	bool quoted; /* or a block scalar: certainly a text */
	bool empty;  /* nothing, ~ or null */
	/* NODE_MAP: something that is in the file was refused, with a diag, and is not in here */
	bool partial;
	VEC(struct node *) items;
	VEC(struct node_pair) pairs;
};

/*
 * Reads the one document of a text that text_check() found good. Refused, each with a diag: what
 * libfyaml refuses, more than one document, aliases, anchors, tags, merge keys, duplicate keys,
 * keys that are not plain words, a nesting deeper than any scenario needs. NULL: no tree came of it.
 */
struct node *node_read(const char *path, const char *text, size_t len, struct arena *a,
		       struct diags *diags);

/* A copy that is empty: of the same type, at the same place. */
struct node *node_hollow(const struct node *n, struct arena *a);

/* The pair of a map with that key; NULL if there is none, or if it is no map. */
const struct node_pair *node_pair_find(const struct node *map, const char *key);

/* One step along a dotted path ("apps.client.run"): from a node to the child that it names. */
struct node_step {
	const char *name; /* the component; of a list, the number */
	size_t name_len;
	const char *rest;         /* after the dot; NULL: it was the last one */
	size_t index;             /* of the child among its siblings */
	const struct node *child; /* NULL: there is none of that name */
};

/*
 * Takes the first component off `path`. A key of a map may hold dots itself (a file's path, a
 * sysctl): the longest key that fits is taken.
 */
struct node_step node_step(const struct node *from, const char *path);

/*
 * A copy of the document with `value` at `path`. All of the path but its last key must exist. On
 * failure NULL; then *ret_at is the innermost node that was found, and *ret_step the step that led
 * nowhere from it.
 */
struct node *node_replace(const struct node *root, const char *path, struct node *key,
			  struct node *value, struct arena *a, const struct node **ret_at,
			  struct node_step *ret_step);

/* Levels of nesting: a scenario has 6. It bounds the recursion over trees. */
#define NODE_DEPTH_MAX 32

#endif
