/* SPDX-License-Identifier: MIT */
/*
 * From libfyaml's events to the tree of node.h.
 *
 * Events rather than its documents, because a document resolves aliases (a bomb of them never
 * ends), drops all documents but the first and reports nothing of an empty file. In the stream of
 * events each of these is something that can be seen and refused.
 *
 * libfyaml counts lines and columns from 0, columns in characters; a quoted scalar's marks are
 * inside its quotes, an alias' behind its star; an implicit empty value has no marks, and stands where its key stands.
 */
#include <libfyaml.h>

#include "harness/parse/node.h"
#include "harness/parse/syntax.h"

struct yaml {
	struct arena *a;
	struct diags *diags;
	const char *text;
	size_t len;
	char *path;
	struct fy_diag *fy_diag;
	struct fy_parser *parser;
	int depth;
};

/* What is wanted of an event, so that it can be given back to libfyaml at once. */
struct event {
	enum fy_event_type type;
	struct pos pos; /* line 0: it has no place of its own */
	char *text;     /* scalar: its contents; alias: its name */
	bool quoted, anchored, tagged;
	bool has_nul;
	bool misread; /* libfyaml gives another text than what is written */
};

static void discard_output(struct fy_diag *diag, void *user, const char *text, size_t len)
{
	(void)diag;
	(void)user;
	(void)text;
	(void)len;
}

/* `before` and `after`: characters that belong to it outside of the marks. */
static struct pos place(const struct yaml *y, const struct fy_mark *start,
			const struct fy_mark *end, int before, int after)
{
	struct pos pos = {.file = y->path, .width = 1};

	if (!start)
		return pos;
	pos.line = start->line + 1;
	pos.column = start->column + 1 - before;
	int past = end ? end->column + 1 + after : 0;
	if (!end || end->line != start->line) { /* the rest of its first line */
		struct text_line rest =
			text_line_at(y->text + start->input_pos, y->len - start->input_pos, 1);

		past = start->column + 1 + text_columns(rest.start, rest.len);
	}
	if (past > pos.column)
		pos.width = past - pos.column;
	return pos;
}

/*
 * libfyaml before 0.9.5 reads 'a''''b' as a''' and forgets 2 KiB on the way, so what stands in single
 * quotes on one line is read here: two of them are one, and nothing else has a meaning. NULL: it
 * has several lines, and is libfyaml's to fold; `misread` tells that it cannot.
 */
static char *unquote_single(struct yaml *y, struct fy_token *token, size_t *len, bool *misread)
{
	const char *in = y->text + fy_token_start_mark(token)->input_pos;
	const char *end = y->text + fy_token_end_mark(token)->input_pos;
	size_t n = (size_t)(end - in);

	if (memchr(in, '\n', n) || memchr(in, '\r', n)) {
		*misread = memmem(in, n, "''''", strlen("''''")) != NULL;
		return NULL;
	}
	char *text = arena_strndup(y->a, in, n);
	char *out = text;
	for (; in < end; in++) {
		*out++ = *in;
		in += *in == '\'';
	}
	*len = (size_t)(out - text);
	*out = '\0';
	return text;
}

static void read_scalar_token(struct yaml *y, struct fy_token *token, struct event *ev)
{
	size_t len = 0;
	const char *text = NULL;

	if (token && ev->type == FYET_SCALAR && fy_token_scalar_style(token) == FYSS_SINGLE_QUOTED)
		text = unquote_single(y, token, &len, &ev->misread);
	if (token && !text && !ev->misread)
		text = fy_token_get_text(token, &len);
	ev->text = arena_strndup(y->a, text ? text : "", text ? len : 0);
	ev->has_nul = strlen(ev->text) != (text ? len : 0);
}

static int last_line(const struct yaml *y)
{
	int line = 1;

	for (size_t i = 0; i + 1 < y->len; i++)
		line += y->text[i] == '\n';
	return line;
}

/* The first error that libfyaml collected. One that lies past the end is put at the end. */
static void add_syntax_error(struct yaml *y)
{
	void *iter = NULL;
	const struct fy_diag_error *error = fy_diag_errors_iterate(y->fy_diag, &iter);
	struct pos pos = {.file = y->path, .width = 1};

	if (!error) {
		diag_add(y->diags, pos, NULL, "this is not YAML");
		return;
	}
	pos.line = error->line;
	pos.column = error->column;
	struct text_line line = text_line_at(y->text, y->len, pos.line);
	if (pos.line > last_line(y)) {
		pos.line = last_line(y);
		line = text_line_at(y->text, y->len, pos.line);
		pos.column = text_columns(line.start, line.len) + 1;
	}
	diag_add(y->diags, pos, syntax_hint(error->msg, &line, pos.column), "YAML: %s", error->msg);
}

/* False at the end of the stream, and on a syntax error, which it adds. */
static bool next_event(struct yaml *y, struct event *ret)
{
	struct fy_event *fye = fy_parser_parse(y->parser);
	struct event ev = {0};

	if (!fye) {
		if (fy_parser_get_stream_error(y->parser))
			add_syntax_error(y);
		return false;
	}
	struct fy_token *token = fy_event_get_token(fye);
	ev.type = fye->type;
	if (ev.type == FYET_SCALAR || ev.type == FYET_ALIAS)
		read_scalar_token(y, token, &ev);
	enum fy_scalar_style style = FYSS_PLAIN;
	if (ev.type == FYET_SCALAR && token)
		style = fy_token_scalar_style(token);
	ev.quoted = style != FYSS_PLAIN;
	ev.anchored = fy_event_get_anchor_token(fye) != NULL;
	ev.tagged = fy_event_get_tag_token(fye) != NULL;
	int quotes = style == FYSS_SINGLE_QUOTED || style == FYSS_DOUBLE_QUOTED;
	int star = ev.type == FYET_ALIAS;
	ev.pos = place(y, token ? fy_event_start_mark(fye) : NULL, fy_event_end_mark(fye),
		       quotes + star, quotes);
	fy_parser_event_free(y->parser, fye);
	*ret = ev;
	return true;
}

static void refuse_properties(struct yaml *y, const struct event *ev, struct pos pos)
{
	if (ev->anchored)
		diag_add(y->diags, pos, "leave out the '&name'", "an anchor: there are no aliases");
	if (ev->tagged)
		diag_add(y->diags, pos, "leave out the '!tag'",
			 "a tag: types are fixed by the key");
	if (ev->has_nul) /* not in the file, but made by an escape */
		diag_add(y->diags, pos, NULL, "a text must not hold the character NUL");
	if (ev->misread)
		diag_add(y->diags, pos, "put this text in double quotes",
			 "'''' in a text of several lines is read in different ways");
}

static bool is_null(const struct event *ev)
{
	static const char *const spellings[] = {"", "~", "null", "Null", "NULL"};

	for (size_t i = 0; !ev->quoted && i < sizeof(spellings) / sizeof(*spellings); i++)
		if (!strcmp(ev->text, spellings[i]))
			return true;
	return false;
}

static struct node *read_node(struct yaml *y, const struct event *ev, struct pos fallback);

static bool read_items(struct yaml *y, struct node *list)
{
	struct event ev;

	while (next_event(y, &ev)) {
		if (ev.type == FYET_SEQUENCE_END) {
			if (ev.pos.line == list->pos.line)
				list->pos.width = ev.pos.column + ev.pos.width - list->pos.column;
			return true;
		}
		struct node *item = read_node(y, &ev, list->pos);
		if (!item)
			return false;
		*vec_push(y->a, &list->items) = item;
	}
	return false;
}

static bool is_good_key(struct yaml *y, const struct node *map, const struct node *key)
{
	if (key->type == NODE_BAD)
		return false;
	if (key->type != NODE_SCALAR || (key->empty && !*key->text)) {
		diag_add(y->diags, key->pos, NULL, "a key must be a word");
		return false;
	}
	if (!strcmp(key->text, "<<") && !key->quoted) {
		diag_add(y->diags, key->pos, "write the keys out",
			 "a merge key: there are no aliases");
		return false;
	}
	const struct node_pair *first = node_pair_find(map, key->text);
	if (first) {
		diag_add(y->diags, key->pos,
			 arena_printf(y->a, "it stands in line %d already", first->key->pos.line),
			 "duplicate key '%s'", key->text);
		return false;
	}
	return true;
}

static bool read_pairs(struct yaml *y, struct node *map)
{
	struct event ev;

	while (next_event(y, &ev)) {
		if (ev.type == FYET_MAPPING_END) {
			if (ev.pos.line == map->pos.line)
				map->pos.width = ev.pos.column + ev.pos.width - map->pos.column;
			return true;
		}
		struct node *key = read_node(y, &ev, map->pos);
		if (!key || !next_event(y, &ev))
			return false;
		struct node *value = read_node(y, &ev, key->pos);
		if (!value)
			return false;
		if (is_good_key(y, map, key))
			*vec_push(y->a, &map->pairs) = (struct node_pair){key, value};
		else
			map->partial = true;
	}
	return false;
}

static bool read_children(struct yaml *y, struct node *n)
{
	if (y->depth >= NODE_DEPTH_MAX) {
		diag_add(y->diags, n->pos, NULL, "nested deeper than any scenario needs");
		return false;
	}
	y->depth++;
	bool whole = n->type == NODE_LIST ? read_items(y, n) : read_pairs(y, n);
	y->depth--;
	return whole;
}

/* The node that begins with this event; what has no place of its own is put at `fallback`. */
static struct node *read_node(struct yaml *y, const struct event *ev, struct pos fallback)
{
	struct node *n = arena_new(y->a, struct node);

	n->pos = ev->pos.line ? ev->pos : fallback;
	refuse_properties(y, ev, n->pos);
	switch (ev->type) {
	case FYET_SCALAR:
		n->type = NODE_SCALAR;
		n->text = ev->text;
		n->quoted = ev->quoted;
		n->empty = is_null(ev);
		return n;
	case FYET_ALIAS:
		n->type = NODE_BAD;
		n->text = ev->text;
		diag_add(y->diags, n->pos, "write the value out", "an alias: '*%s'", ev->text);
		return n;
	case FYET_SEQUENCE_START:
		n->type = NODE_LIST;
		return read_children(y, n) ? n : NULL;
	case FYET_MAPPING_START:
		n->type = NODE_MAP;
		return read_children(y, n) ? n : NULL;
	default:
		return NULL;
	}
}

/* Nothing but the end of the stream may follow the document. */
static void refuse_second_document(struct yaml *y)
{
	struct event ev;

	while (next_event(y, &ev)) {
		if (ev.type != FYET_DOCUMENT_START)
			continue;
		if (!ev.pos.line)
			next_event(y, &ev);
		diag_add(y->diags, ev.pos, "one file holds one scenario", "a second document");
		return;
	}
}

static struct node *read_document(struct yaml *y)
{
	struct event ev;

	do {
		if (!next_event(y, &ev))
			return NULL;
	} while (ev.type == FYET_STREAM_START || ev.type == FYET_DOCUMENT_START);

	if (ev.type == FYET_STREAM_END) {
		diag_add(y->diags, (struct pos){.file = y->path, .width = 1},
			 "a scenario begins with 'version: 1'", "the file is empty");
		return NULL;
	}
	struct node *root = read_node(
		y, &ev, (struct pos){.file = y->path, .line = 1, .column = 1, .width = 1});
	if (root)
		refuse_second_document(y);
	return root;
}

struct node *node_read(const char *path, const char *text, size_t len, struct arena *a,
		       struct diags *diags)
{
	struct yaml y = {.a = a, .diags = diags, .text = text, .len = len};
	struct fy_diag_cfg diag_cfg;
	struct node *root = NULL;

	y.path = arena_strdup(a, path);
	fy_diag_cfg_default(&diag_cfg);
	diag_cfg.fp = NULL;
	diag_cfg.output_fn = discard_output;
	y.fy_diag = fy_diag_create(&diag_cfg);
	if (!y.fy_diag)
		goto out;
	fy_diag_set_collect_errors(y.fy_diag, true);
	y.parser = fy_parser_create(&(struct fy_parse_cfg){.diag = y.fy_diag});
	if (y.parser && !fy_parser_set_string(y.parser, text, len))
		root = read_document(&y);
out:
	if (!y.parser)
		diag_add(diags, (struct pos){.file = y.path, .width = 1}, NULL,
			 "the YAML parser cannot be set up: out of memory");
	fy_parser_destroy(y.parser);
	fy_diag_destroy(y.fy_diag);
	return root;
}
