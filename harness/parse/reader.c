/* SPDX-License-Identifier: MIT */
#include "harness/parse/reader.h"

#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"
#include "harness/parse/values.h"

#define MEMBER(type, record, f) ((type *)(void *)((char *)(record) + (f)->offset))

static void read_named(struct reader *r, const struct node *node, const struct field *f,
		       struct any_vec *items)
{

	if (!expect_type(r, node, f->name, NODE_MAP))
		return;
	vec_foreach (pair, &node->pairs) {
		struct record_shape shape = {.tables = {f->of}, .owner = pair->key->pos};

		items->v = arena_grow(r->a, items->v, items->n, f->of_size);
		void *item = items->v + items->n++ * f->of_size;
		field_unset_all(f->of, item);
		*(struct named_head *)item = (struct named_head){pair->key->text, pair->key->pos};
		read_record(r, pair->value, pair->key->text, &shape, item);
	}
}

static void read_value(struct reader *r, const struct node_pair *pair, const struct field *f,
		       void *record)
{
	const struct node *node = pair->value;

	switch (f->type) {
	case FIELD_STRING:
		read_string(r, node, f, MEMBER(char *, record, f));
		break;
	case FIELD_BOOL:
		read_bool(r, node, f, MEMBER(bool, record, f));
		break;
	case FIELD_COUNT:
		read_count(r, node, f, MEMBER(int64_t, record, f));
		break;
	case FIELD_COUNTS:
		read_counts(r, node, f, MEMBER(struct count_list, record, f));
		break;
	case FIELD_BITRATE:
		read_bitrate(r, node, f, MEMBER(int64_t, record, f));
		break;
	case FIELD_BYTES:
		read_bytes(r, node, f, MEMBER(int64_t, record, f));
		break;
	case FIELD_DURATION:
		read_duration(r, node, f, MEMBER(nsec_t, record, f));
		break;
	case FIELD_PERCENT:
		read_percent(r, node, f, MEMBER(double, record, f));
		break;
	case FIELD_FACTOR:
		read_factor(r, node, f, MEMBER(double, record, f));
		break;
	case FIELD_ENUM:
		read_enum(r, node, f, MEMBER(int, record, f));
		break;
	case FIELD_STRINGS:
		read_strings(r, node, f, MEMBER(struct strings, record, f));
		break;
	case FIELD_RECORD: {
		struct record_shape shape = {.tables = {f->of}, .owner = pair->key->pos};

		read_record(r, node, f->name, &shape, MEMBER(char, record, f));
		break;
	}
	case FIELD_NAMED:
		read_named(r, node, f, MEMBER(struct any_vec, record, f));
		break;
	case FIELD_STRING_MAP:
		read_string_map(r, node, f, MEMBER(struct any_vec, record, f));
		break;
	case FIELD_RECORDS: /* in results only: a list in a scenario has items of several kinds */
	case FIELD_CUSTOM:
		break;
	}
}

static bool is_key(const struct field *f)
{
	return !(f->flags & FIELD_NO_YAML);
}

static const struct field *find_field(const struct record_shape *shape, const char *key)
{
	for (size_t t = 0; t < ARRAY_SIZE(shape->tables); t++)
		for (const struct field *f = shape->tables[t]; f && f->name; f++)
			if (is_key(f) && !strcmp(f->name, key))
				return f;
	return NULL;
}

static const char *const *known_keys(struct reader *r, const struct record_shape *shape)
{
	VEC(const char *) keys = {0};

	for (size_t t = 0; t < ARRAY_SIZE(shape->tables); t++)
		for (const struct field *f = shape->tables[t]; f && f->name; f++)
			if (is_key(f))
				*vec_push(r->a, &keys) = f->name;
	for (const char *const *name = shape->other_names; name && *name; name++)
		*vec_push(r->a, &keys) = *name;
	*vec_push(r->a, &keys) = NULL;
	return keys.v;
}

static bool is_in(const char *name, const char *const *names, size_t n)
{
	for (size_t i = 0; i < n; i++)
		if (!strcmp(names[i], name))
			return true;
	return false;
}

/* `meant`: keys that are there, but misspelt. */
static void add_missing_keys(struct reader *r, const struct node *map,
			     const struct record_shape *shape, const char *const *meant,
			     size_t n_meant)
{
	for (size_t t = 0; t < ARRAY_SIZE(shape->tables); t++)
		for (const struct field *f = shape->tables[t]; f && f->name; f++)
			if (is_key(f) && f->flags & FIELD_REQUIRED &&
			    !node_pair_find(map, f->name) && !is_in(f->name, meant, n_meant))
				diag_add(r->diags, shape->owner,
					 arena_printf(r->a, "%s: %s", f->name, f->doc),
					 "missing key '%s'", f->name);
}

bool read_record(struct reader *r, const struct node *node, const char *key,
		 const struct record_shape *shape, void *record)
{
	const char *const *known = known_keys(r, shape);
	VEC(const char *) meant = {0};
	bool all_known = true;

	if (!expect_type(r, node, key, NODE_MAP))
		return false;
	vec_foreach (pair, &node->pairs) {
		const char *name = pair->key->text;
		const struct field *f = find_field(shape, name);

		if (f) {
			read_value(r, pair, f, record);
		} else if (field_enum_index(known, name) == ENUM_UNSET) {
			const char *nearest = nearest_name(name, known);

			if (nearest)
				*vec_push(r->a, &meant) = nearest;
			all_known = false;
			diag_add(r->diags, pair->key->pos, parse_suggest(name, known, r->a),
				 "unknown key '%s'", name);
		}
	}
	if (!shape->partial && !r->incomplete)
		add_missing_keys(r, node, shape, meant.v, meant.n);
	return all_known;
}

const struct node_pair *find_kind(struct reader *r, const struct node *item, const char *what,
				  const char *const *kinds, bool none_is_told)
{
	const struct node_pair *found = NULL;

	if (item->type != NODE_MAP)
		return NULL;
	vec_foreach (pair, &item->pairs) {
		if (field_enum_index(kinds, pair->key->text) == ENUM_UNSET)
			continue;
		if (found)
			diag_add(r->diags, pair->key->pos, "make two items of it",
				 "%s is of one kind, and this one is '%s' already", what,
				 found->key->text);
		else
			found = pair;
	}
	if (!found && !none_is_told)
		diag_add(r->diags, item->pos, parse_suggest("", kinds, r->a),
			 "%s needs a key that says its kind", what);
	return found;
}

void check_name(struct reader *r, struct pos pos, const char *what, const char *name)
{
	if (!parse_is_name(name))
		diag_add(r->diags, pos,
			 arena_printf(r->a, "a name is made of a-z, 0-9 and '-', %d at most",
				      PARSE_NAME_MAX),
			 "%s cannot be called %s", what, quoted_text(r, name));
}
