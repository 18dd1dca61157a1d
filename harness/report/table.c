/* SPDX-License-Identifier: MIT */
#include "harness/report/table.h"

/* Between two columns of plain text. */
#define GUTTER "  "

/* Columns that people see: a character of UTF-8 is one, its continuation bytes are none. */
static size_t width_of(const char *text)
{
	size_t n = 0;

	for (; *text; text++)
		n += ((unsigned char)*text & 0xc0) != 0x80;
	return n;
}

static void print_text_row(FILE *out, const char *const *cell, size_t n_columns,
			   const size_t *width)
{
	for (size_t i = 0; i < n_columns; i++) {
		fputs(cell[i], out);
		if (i + 1 < n_columns)
			fprintf(out, "%*s" GUTTER, (int)(width[i] - width_of(cell[i])), "");
	}
	fputc('\n', out);
}

static void print_text(FILE *out, const struct table *t)
{
	size_t width[TABLE_COLUMNS_MAX];

	for (size_t i = 0; i < t->n_columns; i++) {
		width[i] = width_of(t->headings[i]);
		vec_foreach (row, &t->rows)
			if (width_of(row->cell[i]) > width[i])
				width[i] = width_of(row->cell[i]);
	}
	print_text_row(out, t->headings, t->n_columns, width);
	vec_foreach (row, &t->rows)
		print_text_row(out, row->cell, t->n_columns, width);
}

static void print_markdown_row(FILE *out, const char *const *cell, size_t n_columns)
{
	for (size_t i = 0; i < n_columns; i++) {
		fputs(i > 0 ? " | " : "| ", out);
		for (const char *c = cell[i]; *c; c++)
			fputs(*c == '|' ? "\\|" : (const char[]){*c, '\0'}, out);
	}
	fputs(" |\n", out);
}

static void print_markdown(FILE *out, const struct table *t)
{
	print_markdown_row(out, t->headings, t->n_columns);
	for (size_t i = 0; i < t->n_columns; i++)
		fputs(i > 0 ? " | ---" : "| ---", out);
	fputs(" |\n", out);
	vec_foreach (row, &t->rows)
		print_markdown_row(out, row->cell, t->n_columns);
}

void table_print(FILE *out, const struct table *t, enum table_format format)
{
	if (format == TABLE_MARKDOWN)
		print_markdown(out, t);
	else
		print_text(out, t);
}
