/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_ATTACH_READER_H
#define WIRECUT_ATTACH_READER_H

#include "harness/attach/words.h"

/* For words.c: its text word by word, and the values that follow a word. */

struct token {
	char *text;
	struct pos pos;
};

struct reader {
	struct arena *a;
	struct diags *diags;
	bool (*is_word)(const char *text); /* such a token is no value */
	VEC(struct token) tokens;
	size_t at;                /* the next token */
	const struct token *name; /* the word whose values are being read */
	struct netem_words *ret;
};

/* Makes tokens of a line, which is line 1 of `source`, for diagnostics too. */
void reader_split(struct reader *r, const char *source, const char *line);

/* The next token; NULL: there is none. */
const struct token *reader_peek(const struct reader *r);
/* It is this one, and was taken. */
bool reader_takes(struct reader *r, const char *text);
/* What may follow, such as a jitter, is told from the next word by how it begins. */
bool reader_number_is_next(const struct reader *r);
bool token_is_number(const struct token *t);

/*
 * These read one value. If it is not there, or is none, that is told, and *ret stays what it is;
 * `example` is how it would be right.
 */
void reader_time(struct reader *r, const char *example, nsec_t max, const char *max_text,
		 nsec_t *ret);
void reader_share(struct reader *r, const char *example, double *ret);
void reader_rate(struct reader *r, const char *example, int64_t *ret_bytes_per_s);
void reader_size(struct reader *r, const char *example, int64_t max, int64_t *ret);
void reader_law(struct reader *r, const char *example, enum delay_distribution *ret);
void reader_whole(struct reader *r, const char *example, uint64_t min, uint64_t max, uint64_t *ret);

/* A correlation, or a further parameter of a model: if a number follows. */
void reader_further_share(struct reader *r, double *ret);
/* Likewise bytes, which tc knows without a unit; `what` they are. */
void reader_further_bytes(struct reader *r, const char *what, int64_t min, int64_t max,
			  int64_t *ret);

#endif
