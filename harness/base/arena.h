/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_ARENA_H
#define WIRECUT_BASE_ARENA_H

#include <stdarg.h>
#include <stddef.h>
#include <string.h>

/*
 * Memory that is freed all at once. The data that crosses two stages of the pipeline (scenario,
 * plan, observations, verdict) lives in the arena of its owner, so plain structs need no
 * destructors and may share strings. Zero-initialise an arena to have an empty one.
 *
 * When memory runs out the process aborts: no stage could go on without it.
 */
struct arena {
	struct arena_chunk *head;
};

/* Zeroed memory, aligned for any type. Never NULL. */
void *arena_alloc(struct arena *a, size_t size);

/* Copies. `s` may be NULL: the copy is then NULL. */
char *arena_strdup(struct arena *a, const char *s);
char *arena_strndup(struct arena *a, const char *s, size_t n);

char *arena_printf(struct arena *a, const char *fmt, ...) __attribute__((format(printf, 2, 3)));

/* Frees everything that was allocated from it; the arena is empty and usable again. */
void arena_free(struct arena *a);

/* For vec_push: a block with room for at least one more item, the old items moved into it. */
void *arena_grow(struct arena *a, void *items, size_t n, size_t item_size);

#define arena_new(a, type)          ((type *)arena_alloc((a), sizeof(type)))
#define arena_new_array(a, type, n) ((type *)arena_alloc((a), sizeof(type) * (n)))

#define _cleanup_arena_ __attribute__((cleanup(arena_free)))

/*
 * A growing array in an arena: struct { T *v; size_t n; }, zero-initialised. Its capacity is the
 * next power of two of n, so it needs no third member. vec_push gives a pointer to the new, zeroed
 * item, which is valid until the next vec_push.
 */
#define VEC(T)                                                                                     \
	struct {                                                                                   \
		T *v;                                                                              \
		size_t n;                                                                          \
	}

/* NOLINTBEGIN(bugprone-sizeof-expression): an item may be a pointer */
#define vec_push(a, vec)                                                                           \
	((vec)->v = arena_grow((a), (vec)->v, (vec)->n, sizeof(*(vec)->v)), &(vec)->v[(vec)->n++])
/* NOLINTEND(bugprone-sizeof-expression) */

#define vec_foreach(item, vec)                                                                     \
	for (__typeof__(*(vec)->v) *item = (vec)->v; item && item < (vec)->v + (vec)->n; item++)

/* A list of strings, as many keys of a scenario take. */
struct strings {
	char **v;
	size_t n;
};

#endif
