/* SPDX-License-Identifier: MIT */
/*
 * defaults: what an item of a kind holds when it does not say otherwise. They are put into the
 * document, at their own places, before it is read, so that no reader knows of them. Doing it twice
 * changes nothing: a control's document is filled again, for the items that it has replaced.
 */
#include "harness/judge/expect.h"
#include "harness/parse/document.h"

static bool has_field(const struct field *fields, const char *name)
{
	for (const struct field *f = fields; f->name; f++)
		if (!strcmp(f->name, name))
			return true;
	return false;
}

/* The keys of all kinds of expectations in one table. */
static const struct field *all_expect_fields(struct arena *a)
{
	VEC(struct field) all = {0};

	*vec_push(a, &all) = (struct field){0};
	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++)
		for (const struct field *f = (*ops)->fields; f->name; f++)
			if (!has_field(all.v, f->name)) {
				all.v[all.n - 1] = *f; /* in the place of the end, which moves on */
				*vec_push(a, &all) = (struct field){0};
			}
	return all.v;
}

/* Reads a default as if it were an item, for what is wrong with it even where nobody takes it. */
static void check_part(struct reader *r, const struct node *defaults, const char *key,
		       const struct field *fields, void *scratch)
{
	const struct node_pair *part = node_pair_find(defaults, key);
	struct record_shape shape = {.tables = {fields}, .partial = true};

	field_unset_all(fields, scratch);
	if (part)
		read_record(r, part->value, key, &shape, scratch);
}

static void check_defaults(struct reader *r, const struct node *defaults)
{
	struct record_shape shape = {.tables = {defaults_fields}, .partial = true};
	struct scenario_app app;
	struct scenario_host host;
	struct expect_spec expect;

	/* Its own keys are read below: nothing goes into a record. */
	read_record(r, defaults, "defaults", &shape, NULL);
	check_part(r, defaults, "app", app_fields, &app);
	check_part(r, defaults, "host", host_fields, &host);
	check_part(r, defaults, "expect", all_expect_fields(r->a), &expect);
}

/* The map that these defaults hold for a kind; NULL: none. */
static struct node *part_of(const struct node *defaults, const char *key)
{
	const struct node_pair *part = node_pair_find(defaults, key);

	return part && part->value->type == NODE_MAP ? part->value : NULL;
}

static struct node *fill_named(struct node *items, struct node *defaults, struct arena *a)
{
	if (!defaults || items->type != NODE_MAP)
		return items;
	struct node *copy = node_hollow(items, a);
	vec_foreach (pair, &items->pairs)
		*vec_push(a, &copy->pairs) = (struct node_pair){
			pair->key, pair->value->type == NODE_MAP
					   ? document_fill(pair->value, defaults, a)
					   : pair->value};
	return copy;
}

/* Of the defaults of all expectations, those that this kind takes. */
static struct node *taken_by(const struct expect_ops *ops, const struct node *defaults,
			     struct arena *a)
{
	struct node *some = node_hollow(defaults, a);

	vec_foreach (pair, &defaults->pairs)
		if (has_field(ops->fields, pair->key->text))
			*vec_push(a, &some->pairs) = *pair;
	return some;
}

static struct node *fill_expectation(struct node *item, const struct node *defaults,
				     struct arena *a)
{
	if (item->type != NODE_MAP)
		return item;
	struct node *copy = node_hollow(item, a);
	vec_foreach (pair, &item->pairs) {
		const struct expect_ops *ops = expect_find(pair->key->text);
		struct node *value = pair->value;

		if (ops && value->type == NODE_MAP)
			value = document_fill(value, taken_by(ops, defaults, a), a);
		*vec_push(a, &copy->pairs) = (struct node_pair){pair->key, value};
	}
	return copy;
}

static struct node *fill_expectations(struct node *list, const struct node *defaults,
				      struct arena *a)
{
	if (!defaults || list->type != NODE_LIST)
		return list;
	struct node *copy = node_hollow(list, a);
	vec_foreach (item, &list->items)
		*vec_push(a, &copy->items) = fill_expectation(*item, defaults, a);
	return copy;
}

static struct node *fill_part(const struct node_pair *part, const struct node *defaults,
			      struct arena *a)
{
	if (!strcmp(part->key->text, "apps"))
		return fill_named(part->value, part_of(defaults, "app"), a);
	if (!strcmp(part->key->text, "hosts"))
		return fill_named(part->value, part_of(defaults, "host"), a);
	if (!strcmp(part->key->text, "expect"))
		return fill_expectations(part->value, part_of(defaults, "expect"), a);
	return part->value;
}

struct node *defaults_apply(struct reader *r, struct node *root)
{
	const struct node_pair *defaults = node_pair_find(root, "defaults");

	if (!defaults)
		return root;
	check_defaults(r, defaults->value);
	struct node *copy = node_hollow(root, r->a);
	vec_foreach (pair, &root->pairs)
		*vec_push(r->a, &copy->pairs) =
			(struct node_pair){pair->key, fill_part(pair, defaults->value, r->a)};
	return copy;
}
