/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_PARSE_VALUES_H
#define WIRECUT_PARSE_VALUES_H

#include "harness/parse/reader.h"

/*
 * One value of each type of field. `f` gives its key, its range and its names; *ret is set only if
 * the value is good, else a diag is added at the value.
 */
void read_string(struct reader *r, const struct node *node, const struct field *f, char **ret);
void read_bool(struct reader *r, const struct node *node, const struct field *f, bool *ret);
void read_count(struct reader *r, const struct node *node, const struct field *f, int64_t *ret);
/* A bare whole number, or a list of them. */
void read_counts(struct reader *r, const struct node *node, const struct field *f,
		 struct count_list *ret);
void read_duration(struct reader *r, const struct node *node, const struct field *f, nsec_t *ret);
void read_bitrate(struct reader *r, const struct node *node, const struct field *f, int64_t *ret);
void read_bytes(struct reader *r, const struct node *node, const struct field *f, int64_t *ret);
void read_percent(struct reader *r, const struct node *node, const struct field *f, double *ret);
void read_factor(struct reader *r, const struct node *node, const struct field *f, double *ret);
void read_enum(struct reader *r, const struct node *node, const struct field *f, int *ret);
/* A text, or a list of texts. */
void read_strings(struct reader *r, const struct node *node, const struct field *f,
		  struct strings *ret);

/* Every VEC has this shape, whatever its items are. */
struct any_vec {
	char *v;
	size_t n;
};
/* A map of texts, into a VEC of struct string_pair. */
void read_string_map(struct reader *r, const struct node *node, const struct field *f,
		     struct any_vec *ret);

/* For a message: in quotes, and cut where it is long or its line ends. */
const char *quoted_text(struct reader *r, const char *text);

#endif
