/* SPDX-License-Identifier: MIT */
#include <ctype.h>

#include "harness/parse/parse.h"
#include "harness/parse/text.h"

#define RED   "\033[1;31m"
#define BOLD  "\033[1m"
#define CYAN  "\033[36m"
#define RESET "\033[0m"

struct printer {
	FILE *out;
	bool color;
};

static const char *paint(const struct printer *p, const char *code)
{
	return p->color ? code : "";
}

/* Column for column what the file has, but nothing that could disturb a terminal. */
static void print_plain(FILE *out, const char *s, size_t len)
{
	for (size_t i = 0, n; i < len; i += n ? n : 1) {
		n = utf8_sequence(s + i, len - i);
		if (!n || (n == 1 && iscntrl((unsigned char)s[i])))
			fputc(s[i] == '\t' ? ' ' : '?', out);
		else
			fwrite(s + i, 1, n, out);
	}
}

/* Of a longer line as much is shown as these columns, and so many of them before the mistake. */
#define SHOWN_COLUMNS 160
#define SHOWN_BEFORE  60

static size_t bytes_of_columns(const struct text_line *line, int columns)
{
	size_t i = 0;

	for (int n; columns-- > 0 && i < line->len; i += n ? (size_t)n : 1)
		n = (int)utf8_sequence(line->start + i, line->len - i);
	return i;
}

/* Cuts a long line down to what is around the column; the column at which it begins now, from 1. */
static int cut_line(struct text_line *line, int column)
{
	int from = column > SHOWN_BEFORE ? column - SHOWN_BEFORE : 1;

	if (bytes_of_columns(line, SHOWN_COLUMNS) == line->len)
		return 1;
	size_t skipped = bytes_of_columns(line, from - 1);
	line->start += skipped;
	line->len -= skipped;
	line->len = bytes_of_columns(line, SHOWN_COLUMNS);
	return from;
}

static void print_source(const struct printer *p, const struct pos *pos, const char *text,
			 size_t len)
{
	struct text_line line = text_line_at(text, len, pos->line);
	int from = cut_line(&line, pos->column);
	int room = SHOWN_COLUMNS - (pos->column - from);

	fprintf(p->out, "%s%5d |%s ", paint(p, CYAN), pos->line, paint(p, RESET));
	print_plain(p->out, line.start, line.len);
	fprintf(p->out, "\n%s      |%s %*s%s^", paint(p, CYAN), paint(p, RESET), pos->column - from,
		"", paint(p, RED));
	for (int i = 1; i < pos->width && i < room; i++)
		fputc('~', p->out);
	fprintf(p->out, "%s\n", paint(p, RESET));
}

/* A line of what there is to say beside the message; the caller writes the rest of it. */
static void begin_note(const struct printer *p)
{
	fprintf(p->out, "      %s=%s ", paint(p, CYAN), paint(p, RESET));
}

void diag_print(FILE *out, const struct diag *d, const char *text, size_t len, bool color)
{
	struct printer p = {out, color};

	fprintf(out, "%s%s:", paint(&p, BOLD), d->pos.file);
	if (d->pos.line)
		fprintf(out, "%d:%d:", d->pos.line, d->pos.column);
	fprintf(out, "%s %serror:%s ", paint(&p, RESET), paint(&p, RED), paint(&p, RESET));
	print_plain(out, d->message, strlen(d->message));
	fputc('\n', out);
	if (d->pos.line)
		print_source(&p, &d->pos, text, len);
	if (d->hint) {
		begin_note(&p);
		print_plain(out, d->hint, strlen(d->hint));
		fputc('\n', out);
	}
}

/* In which cells of a matrix; what is wrong in each of them is wrong with the file. */
static void print_cells(FILE *out, const struct diag *d, size_t n_cells, bool color)
{
	struct printer p = {out, color};

	if (!d->cells || d->cells == n_cells)
		return;
	begin_note(&p);
	fprintf(out, "in the cell [%s]", d->cell);
	if (d->cells > 1)
		fprintf(out, " and %zu other%s", d->cells - 1, d->cells > 2 ? "s" : "");
	fputc('\n', out);
}

/* A mistake that a control makes may show in a line of the scenario. */
static void print_control(FILE *out, const struct diag *d, bool color)
{
	struct printer p = {out, color};

	if (!d->control)
		return;
	begin_note(&p);
	fputs("in the control ", out);
	print_plain(out, d->control, strlen(d->control));
	fputc('\n', out);
}

void diags_print(FILE *out, const struct diags *diags, bool color)
{
	vec_foreach (d, &diags->list) {
		const struct diag_source *source = diags_source(diags, d->pos.file);

		diag_print(out, d, source ? source->text : "", source ? source->len : 0, color);
		print_control(out, d, color);
		print_cells(out, d, diags->n_cells, color);
	}
}
