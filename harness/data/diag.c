/* SPDX-License-Identifier: MIT */
#include "harness/data/diag.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>

static struct diag *find_known(const struct diags *d, const struct pos *pos, const char *message)
{
	vec_foreach (known, &d->list)
		if (known->pos.line == pos->line && known->pos.column == pos->column &&
		    !strcmp(known->message, message) && !strcmp(known->pos.file, pos->file))
			return known;
	return NULL;
}

static void count_cell(struct diag *item, const char *cell)
{
	if (!cell || item->last_cell == cell)
		return;
	if (!item->cells)
		item->cell = cell;
	item->last_cell = cell;
	item->cells++;
}

void diag_add(struct diags *d, struct pos pos, const char *hint, const char *fmt, ...)
{
	char text[512];
	va_list ap;

	va_start(ap, fmt);
	vsnprintf(text, sizeof(text), fmt, ap);
	va_end(ap);
	struct diag *item = find_known(d, &pos, text);
	if (item) {
		count_cell(item, d->cell);
		return;
	}
	item = vec_push(d->arena, &d->list);
	item->pos = pos;
	item->message = arena_strdup(d->arena, text);
	item->hint = arena_strdup(d->arena, hint);
	item->control = d->control;
	count_cell(item, d->cell);
}

const struct diag_source *diags_source(const struct diags *d, const char *file)
{
	vec_foreach (source, &d->sources)
		if (!strcmp(source->file, file))
			return source;
	return NULL;
}

/* The file's place among those that were read. */
static size_t file_rank(const struct diags *d, const char *file)
{
	const struct diag_source *source = diags_source(d, file);

	return source ? (size_t)(source - d->sources.v) : d->sources.n;
}

static bool stands_before(const struct diags *d, const struct pos *a, const struct pos *b)
{
	size_t file_a = file_rank(d, a->file), file_b = file_rank(d, b->file);

	if (file_a != file_b)
		return file_a < file_b;
	return a->line != b->line ? a->line < b->line : a->column < b->column;
}

/* Insertion: it is stable, and the list is short and nearly in order. */
void diags_sort(struct diags *d, size_t first)
{
	for (size_t i = first + 1; i < d->list.n; i++) {
		struct diag moved = d->list.v[i];
		size_t to = i;

		for (; to > first && stands_before(d, &moved.pos, &d->list.v[to - 1].pos); to--)
			d->list.v[to] = d->list.v[to - 1];
		d->list.v[to] = moved;
	}
}
