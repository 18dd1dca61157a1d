/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_PARSE_DOCUMENT_H
#define WIRECUT_PARSE_DOCUMENT_H

#include "harness/parse/parse.h"
#include "harness/parse/reader.h"

/*
 * What happens to the document of a scenario before it is read by the tables, in this order:
 * includes are merged in, the matrix gives one document a cell, defaults fill in what is not set.
 * Each keeps the place of every node, so whatever is wrong later is found in the user's own file.
 */

/*
 * A file and all that it includes, merged; its text is noted as a source of `r->diags`. `read_file`
 * may be NULL: then an include is an error. NULL: no document came of the file itself.
 */
struct node *document_read(struct reader *r, const char *path, const char *text, size_t len,
			   parse_read_file *read_file);

/*
 * `over` laid on `base`: of two maps the pairs of both, and where both have a key its values are laid
 * on each other; of anything else, `over`. The lists timeline and expect are joined, those of `base`
 * first. Keys of which only one may stand (run and shell, what is in `ready`) count as one.
 */
struct node *document_merge(struct node *base, struct node *over, struct arena *a);

/* A copy of the map `item` with those pairs of the map `defaults` whose keys it does not have. */
struct node *document_fill(struct node *item, struct node *defaults, struct arena *a);

/* The most cells that one file may make, and keys that make them. */
#define MATRIX_CELLS_MAX 256
#define MATRIX_KEYS_MAX  8
/* Bytes of one value. */
#define MATRIX_VALUE_MAX 256

struct matrix_value {
	const struct node *node;
	char *slug; /* of [a-z0-9.-], another for each value of the key */
};

struct matrix_key {
	const char *name;
	struct pos pos;
	bool used;
	VEC(struct matrix_value) values;
};

struct matrix {
	VEC(struct matrix_key) keys; /* in the order of the file; none: no matrix */
	size_t cells;                /* at least 1 */
	bool good;                   /* else there is one cell, in which no variable has a value */
};

/* Reads the document's matrix, and checks every ${name} of the document against it. */
struct matrix matrix_read(struct reader *r, const struct node *root);

/* The document of one cell: every ${name} is the cell's value, every $${ a ${. */
struct node *matrix_expand(const struct matrix *m, struct node *root, size_t cell, struct arena *a);

/* "loss=1%, rtt=1ms" and "@loss=1pct,rtt=1ms"; NULL without a matrix. */
char *matrix_label(const struct matrix *m, size_t cell, struct arena *a);
char *matrix_slug(const struct matrix *m, size_t cell, struct arena *a);

/* The document with its defaults in each item that does not set them; it checks the defaults. */
struct node *defaults_apply(struct reader *r, struct node *root);

#endif
