/* SPDX-License-Identifier: MIT */
/*
 * Whether two documents say the same, so that a control does what its scenario does.
 *
 * Only what is certain counts as the same: 1s and 1000ms do not. Of a command one thing more than its
 * words is known: the reference app's `--without KEY` may stand anywhere in it, and twice is once.
 */
#include "harness/parse/parse.h"
#include "harness/parse/reader.h"

#define WITHOUT "--without"

struct command {
	struct strings words; /* but for what it is without */
	struct strings without;
};

static bool has_word(const struct strings *words, const char *word)
{
	for (size_t i = 0; i < words->n; i++)
		if (!strcmp(words->v[i], word))
			return true;
	return false;
}

/* False if it is no command. */
static bool read_command(const char *text, struct arena *a, struct command *ret)
{
	struct strings words;
	struct err err;

	*ret = (struct command){0};
	if (parse_words(text, a, &words, &err) < 0)
		return false;
	for (size_t i = 0; i < words.n; i++) {
		if (strcmp(words.v[i], WITHOUT) != 0 || i + 1 == words.n)
			*vec_push(a, &ret->words) = words.v[i];
		else if (!has_word(&ret->without, words.v[++i]))
			*vec_push(a, &ret->without) = words.v[i];
	}
	return true;
}

static bool same_command(const char *one, const char *other, struct arena *a)
{
	struct command x, y;

	if (!read_command(one, a, &x) || !read_command(other, a, &y) || x.words.n != y.words.n ||
	    x.without.n != y.without.n)
		return false;
	for (size_t i = 0; i < x.words.n; i++)
		if (strcmp(x.words.v[i], y.words.v[i]) != 0)
			return false;
	for (size_t i = 0; i < x.without.n; i++)
		if (!has_word(&y.without, x.without.v[i]))
			return false;
	return true;
}

static bool same_scalar(const struct node *x, const struct node *y, const char *key,
			struct arena *a)
{
	if (x->empty != y->empty)
		return false;
	return !strcmp(x->text, y->text) ||
	       (key && !strcmp(key, "run") && same_command(x->text, y->text, a));
}

/* `key`: of which they are the values; NULL: they are items of a list. */
static bool same_node(const struct node *x, const struct node *y, const char *key, struct arena *a)
{
	if (x == y)
		return true;
	if (x->type != y->type || x->items.n != y->items.n || x->pairs.n != y->pairs.n)
		return false;
	if (x->type == NODE_SCALAR && !same_scalar(x, y, key, a))
		return false;
	for (size_t i = 0; i < x->items.n; i++)
		if (!same_node(x->items.v[i], y->items.v[i], NULL, a))
			return false;
	for (size_t i = 0; i < x->pairs.n; i++) {
		const struct node_pair *p = &x->pairs.v[i], *q = &y->pairs.v[i];

		if (strcmp(p->key->text, q->key->text) != 0 ||
		    !same_node(p->value, q->value, p->key->text, a))
			return false;
	}
	return x->type != NODE_BAD;
}

bool documents_say_same(const struct node *one, const struct node *other, struct arena *a)
{
	return same_node(one, other, NULL, a);
}
