/* SPDX-License-Identifier: MIT */
/*
 * A control is the scenario read again from a document in which some values are replaced. The two
 * documents share their nodes, so a mistake outside of what was replaced has the same place in both
 * and is reported once, and one inside stands where the control says it.
 */
#include "harness/parse/parse.h"
#include "harness/parse/reader.h"

static const char *const *keys_of(const struct node *map, struct arena *a)
{
	VEC(const char *) keys = {0};

	vec_foreach (pair, &map->pairs)
		*vec_push(a, &keys) = pair->key->text;
	*vec_push(a, &keys) = NULL;
	return keys.v;
}

static void add_dead_end(struct reader *r, const struct node *key, const struct node *at,
			 const struct node_step *step)
{
	int len = (int)step->name_len;
	const char *name = arena_strndup(r->a, step->name, step->name_len);

	if (at->type == NODE_MAP)
		diag_add(r->diags, key->pos, parse_suggest(name, keys_of(at, r->a), r->a),
			 "'%s' leads nowhere: there is no '%s'", key->text, name);
	else if (at->type == NODE_LIST)
		diag_add(r->diags, key->pos,
			 arena_printf(r->a, "items count from 0; the list has %zu", at->items.n),
			 "'%s' leads nowhere: there is no item '%.*s'", key->text, len, step->name);
	else
		diag_add(r->diags, key->pos, NULL,
			 "'%s' leads nowhere: '%.*s' would be inside a text", key->text, len,
			 step->name);
}

/* True if the path begins at this key of the document. */
static bool leads_into(const char *path, const char *key)
{
	size_t len = strlen(key);

	return !strncmp(path, key, len) && (!path[len] || path[len] == '.');
}

/* Why nothing can be replaced there; NULL: it can. */
static const char *why_fixed(const char *path)
{
	if (leads_into(path, "controls"))
		return "a control has no controls itself";
	if (leads_into(path, "include") || leads_into(path, "matrix") ||
	    leads_into(path, "defaults"))
		return "it has done its work before a control replaces anything";
	return NULL;
}

/*
 * The document with everything in `replace` put in that leads somewhere. What does not is an error, but
 * the rest is read all the same, for what else is wrong.
 */
static struct node *replace_all(struct reader *r, struct scenario_control *control,
				struct node *root, const struct node *replace)
{
	vec_foreach (pair, &replace->pairs) {
		const struct node *at = root;
		struct node_step step = {0};
		struct node *next = NULL;
		const char *why = why_fixed(pair->key->text);

		if (why)
			diag_add(r->diags, pair->key->pos, NULL, "%s", why);
		else if (!(next = node_replace(root, pair->key->text, pair->key, pair->value, r->a,
					       &at, &step)))
			add_dead_end(r, pair->key, at, &step);
		if (!next && leads_into(pair->key->text, "expect"))
			control->expect_is_partial = true;
		root = next ? next : root;
	}
	return root;
}

/* Such a control passes whenever the scenario does: it could never be killed. */
static void refuse_if_same(struct reader *r, const struct scenario *s,
			   const struct scenario_control *control, const struct node *replace)
{
	if (!documents_say_same(s->root, control->variant->root, r->a))
		return;
	const struct node *key = replace->pairs.v[0].key;
	struct pos there = parse_locate(s, "%s", key->text);
	bool is_here = !strcmp(there.file, key->pos.file);

	diag_add(
		r->diags, key->pos,
		"replace it by what must fail, such as the command with one practice more switched "
		"off (--without KEY)",
		"the control changes nothing: line %d%s%s says the same already", there.line,
		is_here ? "" : " of ", is_here ? "" : there.file);
}

static void read_variant(struct reader *r, const struct scenario *s,
			 struct scenario_control *control, const struct node *replace)
{
	if (!expect_type(r, replace, "replace", NODE_MAP))
		return;
	if (!replace->pairs.n)
		diag_add(r->diags, replace->pos, "such as apps.client.run: \"...\"",
			 "a control that replaces nothing cannot fail");
	size_t errors = r->diags->list.n;
	struct node *root = replace_all(r, control, s->root, replace);
	bool is_whole = replace->pairs.n && r->diags->list.n == errors;
	control->variant = arena_new(r->a, struct scenario);
	control->variant->pos = s->pos;
	control->variant->text = s->text;
	control->variant->text_len = s->text_len;
	control->variant->cell = s->cell;
	control->variant->cell_slug = s->cell_slug;
	read_scenario(r, control->variant, root, false);
	if (is_whole)
		refuse_if_same(r, s, control, replace);
}

static void read_fails_name(struct reader *r, struct scenario_control *control,
			    const struct node *node)
{
	if (node->empty)
		diag_add(r->diags, node->pos, "such as fails: [detects]",
			 "'fails' names no expectation");
	else if (expect_type(r, node, "fails", NODE_SCALAR))
		*vec_push(r->a, &control->fails) = (struct fails_name){node->text, node->pos};
}

static void read_fails(struct reader *r, struct scenario_control *control, const struct node *fails)
{
	if (fails->type != NODE_LIST) {
		read_fails_name(r, control, fails);
		return;
	}
	if (!fails->items.n)
		diag_add(r->diags, fails->pos, "such as fails: [detects]",
			 "'fails' names no expectation");
	vec_foreach (item, &fails->items)
		read_fails_name(r, control, *item);
}

static void read_control(struct reader *r, struct scenario *s, const struct node_pair *pair)
{
	struct scenario_control *control = vec_push(r->a, &s->controls);
	struct record_shape shape = {.tables = {control_fields}, .owner = pair->key->pos};
	const struct node_pair *part;

	control->name = pair->key->text;
	control->pos = pair->key->pos;
	check_name(r, pair->key->pos, "a control", control->name);
	read_record(r, pair->value, control->name, &shape, control);
	if ((part = node_pair_find(pair->value, "replace")))
		read_variant(r, s, control, part->value);
	if ((part = node_pair_find(pair->value, "fails")))
		read_fails(r, control, part->value);
}

void read_controls(struct reader *r, struct scenario *s, const struct node *controls)
{
	if (!expect_type(r, controls, "controls", NODE_MAP))
		return;
	vec_foreach (pair, &controls->pairs)
		read_control(r, s, pair);
}
