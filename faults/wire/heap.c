/* SPDX-License-Identifier: MIT */
#include "faults/wire/heap.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

struct heap_entry {
	nsec_t t;
	uint64_t order;
	void *item;
};

#define HEAP_FIRST_CAPACITY 256

static bool before(const struct heap_entry *a, const struct heap_entry *b)
{
	return a->t != b->t ? a->t < b->t : a->order < b->order;
}

static void grow(struct heap *h)
{
	h->capacity = h->capacity ? h->capacity * 2 : HEAP_FIRST_CAPACITY;
	h->v = reallocarray(h->v, h->capacity, sizeof(*h->v));
	if (!h->v)
		abort();
}

void heap_push(struct heap *h, nsec_t t, void *item)
{
	struct heap_entry e = {t, h->n_ever++, item};

	if (h->n == h->capacity)
		grow(h);
	size_t i = h->n++;
	for (; i && before(&e, &h->v[(i - 1) / 2]); i = (i - 1) / 2)
		h->v[i] = h->v[(i - 1) / 2];
	h->v[i] = e;
}

nsec_t heap_next(const struct heap *h)
{
	return h->n ? h->v[0].t : NSEC_NEVER;
}

void *heap_pop(struct heap *h)
{
	if (!h->n)
		return NULL;

	void *first = h->v[0].item;
	struct heap_entry last = h->v[--h->n];
	size_t i = 0;
	for (size_t child = 1; child < h->n; child = 2 * i + 1) {
		if (child + 1 < h->n && before(&h->v[child + 1], &h->v[child]))
			child++;
		if (!before(&h->v[child], &last))
			break;
		h->v[i] = h->v[child];
		i = child;
	}
	h->v[i] = last;
	return first;
}

void heap_free(struct heap *h)
{
	free(h->v);
	*h = (struct heap){0};
}
