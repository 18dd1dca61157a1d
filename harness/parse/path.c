/* SPDX-License-Identifier: MIT */
/*
 * Parts of a document by their path: where they stand, and whether they could be read.
 *
 * Build goes on after an error of form, to tell in the same breath which names lead nowhere, and must
 * not complain of what only follows from that error. The errors themselves say where they are: a part
 * of the document is spoilt if one of them stands at one of its nodes. So nothing need be kept beside
 * them, and what a control or a default shares with others is spoilt for all of them.
 */
#include <stdarg.h>
#include <stdio.h>

#include "harness/parse/node.h"
#include "harness/parse/parse.h"

/* A path in a scenario: the deepest has 5 components, names are short. */
#define PATH_BYTES 1024

static bool same_place(const struct pos *a, const struct pos *b)
{
	return a->line == b->line && a->column == b->column && !strcmp(a->file, b->file);
}

/* Errors of form come first in the list: nothing is built before all of a file is parsed. */
static bool has_error_at(const struct diags *d, const struct pos *pos)
{
	for (size_t i = 0; i < d->n_form && i < d->list.n; i++)
		if (same_place(&d->list.v[i].pos, pos))
			return true;
	return false;
}

static bool is_spoilt(const struct diags *d, const struct node *n)
{
	if (n->type == NODE_BAD || n->partial || has_error_at(d, &n->pos))
		return true;
	vec_foreach (item, &n->items)
		if (is_spoilt(d, *item))
			return true;
	vec_foreach (pair, &n->pairs)
		if (has_error_at(d, &pair->key->pos) || is_spoilt(d, pair->value))
			return true;
	return false;
}

/*
 * A key that no table knows may be meant as one that is missed. Such an error covers just the key; one
 * of the map as a whole may begin at the same place.
 */
static bool has_unknown_key(const struct diags *d, const struct node *map)
{
	vec_foreach (pair, &map->pairs)
		for (size_t i = 0; i < d->n_form && i < d->list.n; i++)
			if (same_place(&d->list.v[i].pos, &pair->key->pos) &&
			    d->list.v[i].pos.width == pair->key->pos.width)
				return true;
	return false;
}

static bool holds_something(const struct node *n)
{
	return n->type == NODE_MAP || n->type == NODE_LIST;
}

/* What is missed may stand there after all. */
static bool may_lack(const struct diags *d, const struct node *n)
{
	return n->partial || !holds_something(n) || has_unknown_key(d, n);
}

/* Where a path leads: to a node, or to the innermost one of it that is there. */
struct place {
	const struct node *node;
	const struct node *key; /* of a map, under which the node stands there; else NULL */
	bool whole;             /* the whole path is there */
};

static struct place walk(const struct node *root, const char *path)
{
	struct place p = {.node = root};

	while (path) {
		struct node_step step = node_step(p.node, path);

		if (!step.child)
			return p;
		p.key = p.node->type == NODE_MAP ? p.node->pairs.v[step.index].key : NULL;
		p.node = step.child;
		path = step.rest;
	}
	p.whole = true;
	return p;
}

__attribute__((format(printf, 2, 0))) static struct place
walk_formatted(const struct node *root, const char *fmt, va_list ap)
{
	char path[PATH_BYTES];

	vsnprintf(path, sizeof(path), fmt, ap);
	return walk(root, path);
}

struct pos parse_locate(const struct scenario *s, const char *path_fmt, ...)
{
	va_list ap;

	va_start(ap, path_fmt);
	struct place p = walk_formatted(s->root, path_fmt, ap);
	va_end(ap);
	return p.node->pos;
}

bool parse_is_spoilt(const struct scenario *s, const struct diags *d, const char *path_fmt, ...)
{
	va_list ap;

	if (!d->n_form)
		return false;
	va_start(ap, path_fmt);
	struct place p = walk_formatted(s->root, path_fmt, ap);
	va_end(ap);
	if (!p.whole)
		return may_lack(d, p.node);
	return (p.key && has_error_at(d, &p.key->pos)) || is_spoilt(d, p.node);
}

bool parse_may_lack(const struct scenario *s, const struct diags *d, const char *path_fmt, ...)
{
	va_list ap;

	if (!d->n_form)
		return false;
	va_start(ap, path_fmt);
	struct place p = walk_formatted(s->root, path_fmt, ap);
	va_end(ap);
	if (s->root->partial || !p.whole)
		return s->root->partial || may_lack(d, p.node);
	return p.node->partial || !holds_something(p.node);
}
