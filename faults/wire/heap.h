/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_HEAP_H
#define WIRECUT_WIRE_HEAP_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/nsec.h"

/*
 * What is due when: a binary heap of items by time. Items of the same time come out in the order
 * in which they went in, so that packets with the same delay never overtake each other.
 */
struct heap {
	struct heap_entry *v;
	size_t n, capacity;
	uint64_t n_ever; /* items that ever went in: the order of ties */
};

/* Aborts when memory runs out, as the arena does. */
void heap_push(struct heap *h, nsec_t t, void *item);

/* When the first item is due; NSEC_NEVER: none is there. */
nsec_t heap_next(const struct heap *h);

/* Takes out the first item; NULL: none is there. */
void *heap_pop(struct heap *h);

/* Frees the heap; the items are the caller's (pop them first). */
void heap_free(struct heap *h);

#endif
