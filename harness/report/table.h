/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_TABLE_H
#define WIRECUT_REPORT_TABLE_H

#include <stdio.h>

#include "harness/base/arena.h"

enum table_format {
	TABLE_TEXT,     /* columns, for a terminal */
	TABLE_MARKDOWN, /* for a README */
};

#define TABLE_COLUMNS_MAX 5

/* Texts without control characters; every cell of the columns is set. */
struct table_row {
	const char *cell[TABLE_COLUMNS_MAX];
};

struct table {
	const char *const *headings; /* one a column */
	size_t n_columns;
	VEC(struct table_row) rows;
};

void table_print(FILE *out, const struct table *t, enum table_format format);

#endif
