/* SPDX-License-Identifier: MIT */
#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"
#include "harness/parse/reader.h"

/* Longer words are not compared: no key or name comes near it. */
#define WORD_MAX 64

static size_t min3(size_t a, size_t b, size_t c)
{
	size_t ab = a < b ? a : b;

	return ab < c ? ab : c;
}

/*
 * Damerau-Levenshtein in its optimal string alignment form: how many letters must be put in, taken
 * out, changed or swapped with their neighbour. Rows i-2, i-1 and i of the usual matrix.
 */
static size_t edit_distance(const char *a, const char *b)
{
	size_t rows[3][WORD_MAX + 1];
	size_t la = strlen(a), lb = strlen(b);

	if (la > WORD_MAX || lb > WORD_MAX)
		return WORD_MAX;
	for (size_t j = 0; j <= lb; j++)
		rows[0][j] = j;
	for (size_t i = 1; i <= la; i++) {
		size_t *row = rows[i % 3], *above = rows[(i + 2) % 3], *above2 = rows[(i + 1) % 3];

		row[0] = i;
		for (size_t j = 1; j <= lb; j++) {
			size_t change = above[j - 1] + (a[i - 1] != b[j - 1]);

			row[j] = min3(above[j] + 1, row[j - 1] + 1, change);
			bool swapped =
				i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1];
			if (swapped && above2[j - 2] + 1 < row[j])
				row[j] = above2[j - 2] + 1;
		}
	}
	return rows[la % 3][lb];
}

/* Two edits, or a third of a long name; but never more than half of its letters. */
static bool is_near(size_t distance, const char *name)
{
	size_t len = strlen(name);
	size_t limit = len / 3 > 2 ? len / 3 : 2;

	return distance <= limit && distance * 2 <= len;
}

/* Signals are known without their SIG. */
static bool is_with_sig(const char *name, const char *known)
{
	return !strncmp(name, "SIG", 3) && !strcmp(name + 3, known);
}

static char *list_names(const char *const *known, struct arena *a)
{
	char *list = NULL;

	for (; *known; known++)
		list = list ? arena_printf(a, "%s, %s", list, *known)
			    : arena_printf(a, "known: %s", *known);
	return list;
}

const char *nearest_name(const char *name, const char *const *known)
{
	const char *best = NULL;
	size_t best_distance = WORD_MAX;

	for (; *known; known++) {
		size_t distance = is_with_sig(name, *known) ? 1 : edit_distance(name, *known);

		if (distance < best_distance) {
			best = *known;
			best_distance = distance;
		}
	}
	return best && is_near(best_distance, name) && is_near(best_distance, best) ? best : NULL;
}

char *parse_suggest(const char *name, const char *const *known, struct arena *a)
{
	const char *best = nearest_name(name, known);

	return best ? arena_printf(a, "did you mean '%s'?", best) : list_names(known, a);
}
