/* SPDX-License-Identifier: MIT */
/*
 * include: files with parts of a scenario, merged under the file that names them.
 *
 * The files of one scenario are a graph. It is walked depth first, and laid together in that order:
 * what is included, in the order in which it is named, then the file itself; the later one wins.
 * A file that was laid down already is passed over, so that two parts may share a third.
 */
#include "harness/parse/document.h"
#include "harness/parse/text.h"

/* A scenario, its parts, their parts: more is a mistake, such as a cycle through a symbolic link. */
#define INCLUDE_DEPTH_MAX 8

struct open_file {
	const struct open_file *by; /* the file that includes it; NULL: the scenario file */
	const char *path;
	const char *identity;
	int depth;
};

struct includer {
	struct reader *r;
	parse_read_file *read_file;
	struct strings seen; /* identities */
};

/*
 * The same file by another spelling of its path: "." and "x/.." taken out. It is compared only; the
 * path that is opened stays as it is, for x may be a symbolic link.
 */
static char *identity_of(const char *path, struct arena *a)
{
	char *out = arena_alloc(a, strlen(path) + 1);
	size_t used = 0, floor; /* nothing below `floor` can be taken back: / and .. */

	if (*path == '/')
		out[used++] = '/';
	floor = used;
	while (*path) {
		size_t n = strcspn(path, "/");
		bool up = n == 2 && !strncmp(path, "..", n);

		if (up && used > floor) {
			for (used--; used > floor && out[used - 1] != '/'; used--)
				;
		} else if (n && !(n == 1 && *path == '.')) {
			memcpy(out + used, path, n);
			used += n;
			out[used++] = '/';
			floor = up ? used : floor;
		}
		path += n + (path[n] == '/');
	}
	out[used > floor ? used - 1 : used] = '\0';
	return out;
}

static char *beside(const char *file, const char *path, struct arena *a)
{
	const char *slash = strrchr(file, '/');

	if (*path == '/' || !slash)
		return arena_strdup(a, path);
	return arena_printf(a, "%.*s/%s", (int)(slash - file), file, path);
}

static bool is_open(const struct open_file *file, const char *identity)
{
	for (; file; file = file->by)
		if (!strcmp(file->identity, identity))
			return true;
	return false;
}

static bool is_seen(const struct includer *inc, const char *identity)
{
	vec_foreach (seen, &inc->seen)
		if (!strcmp(*seen, identity))
			return true;
	return false;
}

static struct node *read_text(struct includer *inc, const struct open_file *file, const char *text,
			      size_t len);

/* False with a diag if the file cannot be included here. */
static bool may_include(struct includer *inc, const struct open_file *by, const struct node *name,
			const char *identity)
{
	struct diags *diags = inc->r->diags;

	if (!inc->read_file)
		diag_add(diags, name->pos, NULL, "no file can be included here");
	else if (is_open(by, identity))
		diag_add(diags, name->pos, "leave it out: of the two files one includes the other",
			 "'%s' includes itself", name->text);
	else if (by->depth >= INCLUDE_DEPTH_MAX)
		diag_add(diags, name->pos, NULL, "files include files more than %d deep",
			 INCLUDE_DEPTH_MAX);
	else
		return true;
	return false;
}

/* The document of an included file; NULL: there is none, or it is part of the scenario already. */
static struct node *read_included(struct includer *inc, const struct open_file *by,
				  const struct node *name)
{
	struct arena *a = inc->r->a;
	struct err err = {0};
	size_t len;

	if (name->type != NODE_SCALAR || name->empty) {
		if (name->type != NODE_BAD)
			diag_add(inc->r->diags, name->pos, "such as include: _hosts.yaml",
				 "'include' must be the name of a file, or a list of them");
		return NULL;
	}
	char *path = beside(by->path, name->text, a);
	struct open_file file = {by, path, identity_of(path, a), by->depth + 1};
	if (!may_include(inc, by, name, file.identity) || is_seen(inc, file.identity))
		return NULL;
	char *text = inc->read_file(path, &len, a, &err);
	if (!text) {
		diag_add(inc->r->diags, name->pos,
			 "its path is relative to the folder of this file", "cannot include it: %s",
			 err.msg);
		return NULL;
	}
	return read_text(inc, &file, text, len);
}

/* All that a file includes, merged; NULL: nothing. */
static struct node *read_includes(struct includer *inc, const struct open_file *by,
				  const struct node *include)
{
	struct node *merged = NULL, *one;

	if (include->type != NODE_LIST)
		return read_included(inc, by, include);
	if (!include->items.n)
		diag_add(inc->r->diags, include->pos, NULL, "'include' is an empty list");
	vec_foreach (item, &include->items)
		if ((one = read_included(inc, by, *item)))
			merged = merged ? document_merge(merged, one, inc->r->a) : one;
	return merged;
}

static struct node *read_text(struct includer *inc, const struct open_file *file, const char *text,
			      size_t len)
{
	struct reader *r = inc->r;
	struct node *root = NULL;

	*vec_push(r->diags->arena, &r->diags->sources) =
		(struct diag_source){arena_strdup(r->a, file->path), text, len};
	*vec_push(r->a, &inc->seen) = arena_strdup(r->a, file->identity);
	if (text_check(file->path, text, len, r->diags))
		root = node_read(file->path, text, len, r->a, r->diags);
	/* The scenario file itself is checked as a whole, by its reader. */
	if (!root || (file->by && !expect_type(r, root, "an included file", NODE_MAP)))
		return NULL;
	const struct node_pair *include = node_pair_find(root, "include");
	size_t first = r->diags->list.n;
	struct node *below = include ? read_includes(inc, file, include->value) : NULL;
	r->incomplete = r->incomplete || (include && r->diags->list.n > first);
	return below ? document_merge(below, root, r->a) : root;
}

struct node *document_read(struct reader *r, const char *path, const char *text, size_t len,
			   parse_read_file *read_file)
{
	struct includer inc = {.r = r, .read_file = read_file};
	struct open_file file = {.path = path, .identity = identity_of(path, r->a)};
	struct node *root = read_text(&inc, &file, text, len);

	if (root)
		root->partial = root->partial || r->incomplete;
	return root;
}
