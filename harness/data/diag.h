/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_DIAG_H
#define WIRECUT_DATA_DIAG_H

#include "harness/base/arena.h"

/* A place in a scenario file. Lines and columns count from 1; line 0: the file as a whole. */
struct pos {
	char *file; /* as the user named it */
	int line;
	int column;
	int width; /* how many columns the caret underlines; at least 1 */
};

/* One thing that is wrong with a scenario file, where, and what would mend it. */
struct diag {
	struct pos pos;
	char *message; /* "unknown key 'withn'" */
	char *hint;    /* "did you mean 'within'?"; or NULL */
	/* Of a matrix: the first and the last cell that have it, and how many do; else NULL, 0. */
	const char *cell, *last_cell;
	size_t cells;
	/* The first control that has it, if the scenario itself has not; else NULL. */
	const char *control;
};

/* A file that was read: its text, for the source line of a message. */
struct diag_source {
	const char *file; /* as the user named it */
	const char *text;
	size_t len;
};

/*
 * Everything that is wrong, in the order of the files and of the lines within each. Parsing and
 * building go on after an error, so that one run shows them all.
 */
struct diags {
	struct arena *arena;
	VEC(struct diag) list;
	VEC(struct diag_source) sources; /* the scenario file, then what it includes */
	size_t n_form;                   /* those of form come first: set when a file is parsed */
	const char *cell;    /* the cell of a matrix that is being read or built; NULL: none */
	const char *control; /* that is being built; NULL: the scenario, or it is being read */
	size_t n_cells;      /* of that matrix: what is wrong in all of them is no cell's fault */
};

/*
 * Adds one; `hint` may be NULL. Both texts are copied. What is there already is not added again: a
 * mistake in what a scenario, its controls and the cells of its matrix share is one mistake.
 */
void diag_add(struct diags *d, struct pos pos, const char *hint, const char *fmt, ...)
	__attribute__((format(printf, 4, 5)));

/* The source of that name; NULL: it was not read. */
const struct diag_source *diags_source(const struct diags *d, const char *file);

/* Orders those from index `first` on by file (as they were read), line and column. */
void diags_sort(struct diags *d, size_t first);

#endif
