/* SPDX-License-Identifier: MIT */
/*
 * Splits a command line as a shell does (POSIX.1-2017, Shell Command Language, 2.2 Quoting), with
 * nothing expanded: outside quotes a backslash keeps the next character; between '..' all is kept;
 * between ".." a backslash keeps $ ` " \ and itself stands before anything else; a backslash before
 * a newline joins the lines. Operators are ordinary characters: no shell runs the words.
 */
#include "harness/parse/parse.h"

struct splitter {
	const char *in;
	char *word; /* the word so far: as long as the text at most */
	size_t len;
	bool in_word; /* also true of an empty pair of quotes */
};

static void keep(struct splitter *s, char c)
{
	s->word[s->len++] = c;
	s->in_word = true;
}

/* Each is called at its opening character and ends behind what it read. */
static int read_backslash(struct splitter *s, struct err *err)
{
	if (!s->in[1])
		return err_set(err, "a backslash at the end keeps nothing");
	if (s->in[1] != '\n')
		keep(s, s->in[1]);
	s->in += 2;
	return 0;
}

static int read_single_quotes(struct splitter *s, struct err *err)
{
	const char *close = strchr(s->in + 1, '\'');

	if (!close)
		return err_set(err, "a single quote ' is not closed");
	s->in_word = true;
	for (s->in++; s->in < close; s->in++)
		keep(s, *s->in);
	s->in++;
	return 0;
}

static int read_double_quotes(struct splitter *s, struct err *err)
{
	s->in_word = true;
	for (s->in++; *s->in && *s->in != '"'; s->in++) {
		if (*s->in != '\\') {
			keep(s, *s->in);
			continue;
		}
		char next = s->in[1];
		if (next == '\n') {
			s->in++;
		} else if (next && strchr("$`\"\\", next)) {
			keep(s, next);
			s->in++;
		} else {
			keep(s, '\\');
		}
	}
	if (!*s->in)
		return err_set(err, "a double quote \" is not closed");
	s->in++;
	return 0;
}

static int read_one(struct splitter *s, struct err *err)
{
	switch (*s->in) {
	case '\\':
		return read_backslash(s, err);
	case '\'':
		return read_single_quotes(s, err);
	case '"':
		return read_double_quotes(s, err);
	default:
		keep(s, *s->in++);
		return 0;
	}
}

int parse_words(const char *text, struct arena *a, struct strings *ret, struct err *err)
{
	struct splitter s = {.in = text, .word = arena_alloc(a, strlen(text) + 1)};
	struct strings words = {0};

	for (;;) {
		if (!*s.in || strchr(" \t\n", *s.in)) {
			if (s.in_word)
				*vec_push(a, &words) = arena_strndup(a, s.word, s.len);
			s.len = 0;
			s.in_word = false;
			if (!*s.in++)
				break;
		} else if (read_one(&s, err)) {
			return -1;
		}
	}
	if (!words.n)
		return err_set(err, "there is no word in it");
	*ret = words;
	return 0;
}
