/* SPDX-License-Identifier: MIT */
#include "harness/base/arena.h"

#include <stdalign.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#define ARENA_CHUNK_BYTES ((size_t)16 * 1024)

struct arena_chunk {
	struct arena_chunk *next;
	size_t used, size;
	alignas(max_align_t) unsigned char bytes[];
};

static struct arena_chunk *chunk_new(size_t size)
{
	struct arena_chunk *c = calloc(1, sizeof(*c) + size);

	if (!c) {
		fprintf(stderr, "wirecut: out of memory\n");
		abort();
	}
	c->size = size;
	return c;
}

void *arena_alloc(struct arena *a, size_t size)
{
	size_t align = alignof(max_align_t);

	if (size > SIZE_MAX - align)
		size = SIZE_MAX - align; /* calloc refuses it */
	size = (size + align - 1) / align * align;

	if (!a->head || a->head->size - a->head->used < size) {
		struct arena_chunk *c =
			chunk_new(size > ARENA_CHUNK_BYTES ? size : ARENA_CHUNK_BYTES);

		c->next = a->head;
		a->head = c;
	}
	void *p = a->head->bytes + a->head->used;
	a->head->used += size;
	return p;
}

char *arena_strndup(struct arena *a, const char *s, size_t n)
{
	char *copy = arena_alloc(a, n + 1);

	memcpy(copy, s, n);
	return copy;
}

char *arena_strdup(struct arena *a, const char *s)
{
	return s ? arena_strndup(a, s, strlen(s)) : NULL;
}

char *arena_printf(struct arena *a, const char *fmt, ...)
{
	va_list ap, again;

	va_start(ap, fmt);
	va_copy(again, ap);
	int n = vsnprintf(NULL, 0, fmt, ap);
	va_end(ap);
	char *s = arena_alloc(a, (size_t)(n < 0 ? 0 : n) + 1);
	if (n >= 0)
		vsnprintf(s, (size_t)n + 1, fmt, again);
	va_end(again);
	return s;
}

void arena_free(struct arena *a)
{
	while (a->head) {
		struct arena_chunk *next = a->head->next;

		free(a->head);
		a->head = next;
	}
}

void *arena_grow(struct arena *a, void *items, size_t n, size_t item_size)
{
	if (n && (n & (n - 1)))
		return items; /* below the power of two that it was given */

	void *bigger = arena_alloc(a, item_size * (n ? n * 2 : 1));
	if (n)
		memcpy(bigger, items, n * item_size);
	return bigger;
}
