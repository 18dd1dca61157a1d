/* SPDX-License-Identifier: MIT */
/*
 * matrix: one scenario for each combination of values.
 *
 * A cell is a number: its values are the digits of that number, where each key is a digit with as
 * many values as it has, and the last key counts fastest. So cells come in the order in which nested
 * loops over the file would make them, and a value that is added at the end of the first key leaves
 * the others what they were.
 *
 * A document is expanded by copying what holds a ${name}, and sharing all else.
 */
#include <ctype.h>

#include "harness/base/cleanup.h"
#include "harness/parse/document.h"
#include "harness/parse/values.h"

#define OPEN         "${"
#define ESCAPED_OPEN "$${"

/* Of one value in a slug; and of a cell's whole part of it: a folder's name has 255 bytes. */
#define VALUE_SLUG_MAX 32
#define CELL_SLUG_MAX  120

/* --- variables in a text --- */

/* A part of a text: so many bytes as they are, then what begins at `next`. */
struct piece {
	size_t plain;
	enum { PIECE_END, PIECE_ESCAPE, PIECE_VARIABLE, PIECE_UNCLOSED } kind; /* of what follows */
	const char *name;                                                      /* PIECE_VARIABLE */
	size_t name_len;
	const char *next; /* behind all of it */
};

static struct piece next_piece(const char *text)
{
	const char *open = strstr(text, OPEN);

	if (!open)
		return (struct piece){.plain = strlen(text), .kind = PIECE_END};
	/* Of "$${" the first '$' makes the second one plain. */
	if (open > text && open[-1] == '$')
		return (struct piece){.plain = (size_t)(open - 1 - text),
				      .kind = PIECE_ESCAPE,
				      .next = open + strlen(OPEN)};
	const char *name = open + strlen(OPEN), *close = strchr(name, '}');
	if (!close)
		return (struct piece){.plain = (size_t)(open - text), .kind = PIECE_UNCLOSED};
	return (struct piece){.plain = (size_t)(open - text),
			      .kind = PIECE_VARIABLE,
			      .name = name,
			      .name_len = (size_t)(close - name),
			      .next = close + 1};
}

static struct matrix_key *find_key(const struct matrix *m, const char *name, size_t len)
{
	vec_foreach (key, &m->keys)
		if (strlen(key->name) == len && !strncmp(key->name, name, len))
			return key;
	return NULL;
}

/* --- reading the matrix --- */

/* What may stand in a folder's name and in -E without a thought: "1%" is 1pct. */
static char *slug_of(const char *text, struct arena *a)
{
	char *slug = arena_alloc(a, VALUE_SLUG_MAX + 1);
	size_t len = 0;

	for (; *text && len < VALUE_SLUG_MAX; text++) {
		int c = tolower((unsigned char)*text);

		if (isascii(c) && (isalnum(c) || c == '.'))
			slug[len++] = (char)c;
		else if (c == '%' && len + strlen("pct") <= VALUE_SLUG_MAX)
			len = (size_t)(stpcpy(slug + len, "pct") - slug);
		else if (len && slug[len - 1] != '-')
			slug[len++] = '-';
	}
	while (len && slug[len - 1] == '-')
		len--;
	slug[len] = '\0';
	return slug;
}

static bool has_slug(const struct matrix_key *key, const char *slug)
{
	vec_foreach (value, &key->values)
		if (!strcmp(value->slug, slug))
			return true;
	return false;
}

static bool read_matrix_value(struct reader *r, struct matrix_key *key, const struct node *node)
{
	if (node->type != NODE_SCALAR || node->empty) {
		expect_type(r, node, arena_printf(r->a, "a value of '%s'", key->name), NODE_SCALAR);
		if (node->empty)
			diag_add(r->diags, node->pos, "of an empty text, write \"\"",
				 "a value of '%s' must be a text, not nothing", key->name);
		return false;
	}
	if (strlen(node->text) > MATRIX_VALUE_MAX || strchr(node->text, '\n')) {
		diag_add(r->diags, node->pos, NULL,
			 "a value of '%s' must be one line of at most %d bytes", key->name,
			 MATRIX_VALUE_MAX);
		return false;
	}
	vec_foreach (value, &key->values)
		if (!strcmp(value->node->text, node->text)) {
			diag_add(r->diags, node->pos, "leave it out", "'%s' has this value already",
				 key->name);
			return false;
		}
	char *base = slug_of(node->text, r->a), *slug = base;
	for (int n = 2; has_slug(key, slug); n++)
		slug = arena_printf(r->a, "%s-%d", base, n);
	*vec_push(r->a, &key->values) = (struct matrix_value){node, slug};
	return true;
}

static bool read_matrix_key(struct reader *r, struct matrix *m, const struct node_pair *pair)
{
	struct matrix_key *key = vec_push(r->a, &m->keys);
	const struct node *list = pair->value;
	size_t first = r->diags->list.n;
	bool good = true;

	*key = (struct matrix_key){.name = pair->key->text, .pos = pair->key->pos};
	check_name(r, key->pos, "a matrix key", key->name);
	if (!expect_type(r, list, key->name, NODE_LIST))
		return false;
	if (!list->items.n) {
		diag_add(r->diags, list->pos, "such as [1%, 10%]", "'%s' has no value", key->name);
		return false;
	}
	vec_foreach (item, &list->items)
		good &= read_matrix_value(r, key, *item);
	return good && r->diags->list.n == first;
}

static bool check_size(struct reader *r, struct matrix *m, struct pos pos)
{
	if (m->keys.n > MATRIX_KEYS_MAX) {
		diag_add(r->diags, pos, NULL, "a matrix of more than %d keys", MATRIX_KEYS_MAX);
		return false;
	}
	vec_foreach (key, &m->keys) {
		m->cells *= key->values.n;
		if (m->cells > MATRIX_CELLS_MAX) {
			diag_add(r->diags, pos, "leave values out, or make two scenarios of it",
				 "a matrix of more than %d cells", MATRIX_CELLS_MAX);
			return false;
		}
	}
	for (size_t cell = 0; cell < m->cells; cell++)
		if (strlen(matrix_slug(m, cell, r->a)) > CELL_SLUG_MAX) {
			diag_add(r->diags, pos, "shorten keys or values",
				 "a cell's name would be too long for a folder");
			return false;
		}
	return true;
}

static bool read_keys(struct reader *r, struct matrix *m, const struct node_pair *pair)
{
	bool good = true;

	if (!expect_type(r, pair->value, "matrix", NODE_MAP))
		return false;
	if (!pair->value->pairs.n) {
		diag_add(r->diags, pair->value->pos, "such as matrix: {loss: [1%, 10%]}",
			 "a matrix without keys");
		return false;
	}
	vec_foreach (one, &pair->value->pairs)
		good &= read_matrix_key(r, m, one);
	return good && check_size(r, m, pair->key->pos);
}

/* --- checking the variables of a document --- */

static const char *const *names_of(const struct matrix *m, struct arena *a)
{
	VEC(const char *) names = {0};

	vec_foreach (key, &m->keys)
		*vec_push(a, &names) = key->name;
	*vec_push(a, &names) = NULL;
	return names.v;
}

static void add_unknown(struct reader *r, const struct matrix *m, const struct node *node,
			const struct piece *piece)
{
	char *name = arena_strndup(r->a, piece->name, piece->name_len);
	char *mend = parse_suggest(name, names_of(m, r->a), r->a);

	if (!mend)
		mend = arena_printf(r->a, "there is no matrix");
	diag_add(r->diags, node->pos,
		 arena_printf(r->a, "%s (of a shell's own, write $${...})", mend),
		 "'matrix' has no key %s", quoted_text(r, name));
}

static void check_text(struct reader *r, const struct matrix *m, const struct node *node)
{
	struct piece piece = next_piece(node->text);

	for (; piece.kind != PIECE_END; piece = next_piece(piece.next)) {
		if (piece.kind == PIECE_UNCLOSED) {
			diag_add(r->diags, node->pos, "write $${ for these two characters",
				 "a '${' without its '}'");
			return;
		}
		if (piece.kind == PIECE_ESCAPE)
			continue;
		struct matrix_key *key = find_key(m, piece.name, piece.name_len);
		if (key)
			key->used = true;
		else
			add_unknown(r, m, node, &piece);
	}
}

static void check_variables(struct reader *r, const struct matrix *m, const struct node *node)
{
	if (node->type == NODE_SCALAR)
		check_text(r, m, node);
	vec_foreach (item, &node->items)
		check_variables(r, m, *item);
	vec_foreach (pair, &node->pairs) {
		if (strstr(pair->key->text, OPEN))
			diag_add(r->diags, pair->key->pos, "it may stand in values",
				 "a key cannot hold a '${'");
		check_variables(r, m, pair->value);
	}
}

/* Keys of the document that are done with when its cells are made. */
static bool is_before_cells(const char *key)
{
	return !strcmp(key, "matrix") || !strcmp(key, "include");
}

struct matrix matrix_read(struct reader *r, const struct node *root)
{
	const struct node_pair *pair = node_pair_find(root, "matrix");
	struct matrix m = {.cells = 1, .good = true};

	if (pair)
		m.good = read_keys(r, &m, pair);
	if (!m.good)
		m.cells = 1;
	if (root->type != NODE_MAP)
		return m;
	vec_foreach (part, &root->pairs)
		if (!is_before_cells(part->key->text))
			check_variables(r, &m, part->value);
	vec_foreach (key, &m.keys)
		if (!key->used)
			diag_add(r->diags, key->pos,
				 arena_printf(r->a, "write ${%s} where it is wanted", key->name),
				 "'%s' is used nowhere", key->name);
	return m;
}

/* --- expanding a document --- */

static const struct matrix_value *value_in(const struct matrix *m, const struct matrix_key *key,
					   size_t cell)
{
	for (size_t i = m->keys.n; i-- > 0;) {
		const struct matrix_key *digit = &m->keys.v[i];

		if (digit == key)
			return &key->values.v[cell % key->values.n];
		cell /= digit->values.n;
	}
	return NULL;
}

/*
 * Writes the text with its variables replaced to `out`, or only counts its bytes if that is NULL.
 * SIZE_MAX: there is a variable without a value, which has been told.
 */
static size_t expand_into(char *out, const struct matrix *m, const char *text, size_t cell)
{
	size_t len = 0;

	for (;;) {
		struct piece piece = next_piece(text);
		const char *more = OPEN;

		if (out)
			memcpy(out + len, text, piece.plain);
		len += piece.plain;
		if (piece.kind == PIECE_END)
			return len;
		if (piece.kind != PIECE_ESCAPE) {
			const struct matrix_key *key =
				piece.name ? find_key(m, piece.name, piece.name_len) : NULL;

			if (!key || !m->good)
				return SIZE_MAX;
			more = value_in(m, key, cell)->node->text;
		}
		if (out)
			stpcpy(out + len, more); /* its NUL is overwritten, or is the last one */
		len += strlen(more);
		text = piece.next;
	}
}

/* The value, if the text is one variable and nothing else: then that is a number where it is one. */
static const struct node *only_value(const struct matrix *m, const char *text, size_t cell)
{
	struct piece piece = next_piece(text);

	if (piece.kind != PIECE_VARIABLE || piece.plain || *piece.next)
		return NULL;
	return value_in(m, find_key(m, piece.name, piece.name_len), cell)->node;
}

/* In { } a text with a variable must stand in quotes: they do not make it a text in the cell. */
static struct node *expand_text(const struct matrix *m, const struct node *node, size_t cell,
				struct arena *a)
{
	struct node *copy = arena_new(a, struct node);
	size_t len = expand_into(NULL, m, node->text, cell);

	*copy = *node;
	if (len == SIZE_MAX) {
		copy->type = NODE_BAD;
		return copy;
	}
	const struct node *value = only_value(m, node->text, cell);
	copy->text = arena_alloc(a, len + 1);
	copy->quoted = value && value->quoted;
	expand_into(copy->text, m, node->text, cell);
	return copy;
}

static struct node *expand(const struct matrix *m, struct node *node, size_t cell, struct arena *a)
{
	struct node *copy = NULL;

	if (node->type == NODE_SCALAR)
		return strstr(node->text, OPEN) ? expand_text(m, node, cell, a) : node;
	copy = node_hollow(node, a);
	vec_foreach (item, &node->items)
		*vec_push(a, &copy->items) = expand(m, *item, cell, a);
	vec_foreach (pair, &node->pairs)
		*vec_push(a, &copy->pairs) =
			(struct node_pair){pair->key, expand(m, pair->value, cell, a)};
	return copy;
}

struct node *matrix_expand(const struct matrix *m, struct node *root, size_t cell, struct arena *a)
{
	if (root->type != NODE_MAP)
		return root;
	struct node *copy = node_hollow(root, a);
	vec_foreach (pair, &root->pairs)
		*vec_push(a, &copy->pairs) =
			(struct node_pair){pair->key, is_before_cells(pair->key->text)
							      ? pair->value
							      : expand(m, pair->value, cell, a)};
	return copy;
}

/* --- the names of a cell --- */

char *matrix_label(const struct matrix *m, size_t cell, struct arena *a)
{
	char *label = NULL;

	vec_foreach (key, &m->keys)
		label = arena_printf(a, "%s%s%s=%s", label ? label : "", label ? ", " : "",
				     key->name, value_in(m, key, cell)->node->text);
	return label;
}

char *matrix_slug(const struct matrix *m, size_t cell, struct arena *a)
{
	char *slug = NULL;

	vec_foreach (key, &m->keys)
		slug = arena_printf(a, "%s%s%s=%s", slug ? slug : "", slug ? "," : "@", key->name,
				    value_in(m, key, cell)->slug);
	return slug;
}
