/* SPDX-License-Identifier: MIT */
#include "harness/parse/node.h"

#include <ctype.h>

struct node *node_hollow(const struct node *n, struct arena *a)
{
	struct node *copy = arena_new(a, struct node);

	*copy = *n;
	copy->items.v = NULL;
	copy->items.n = 0;
	copy->pairs.v = NULL;
	copy->pairs.n = 0;
	return copy;
}

const struct node_pair *node_pair_find(const struct node *map, const char *key)
{
	if (map->type != NODE_MAP)
		return NULL;
	vec_foreach (pair, &map->pairs)
		if (!strcmp(pair->key->text, key))
			return pair;
	return NULL;
}

static size_t component_length(const char *path)
{
	return strcspn(path, ".");
}

static void step_set_length(struct node_step *step, const char *path, size_t len)
{
	step->name = path;
	step->name_len = len;
	step->rest = path[len] ? path + len + 1 : NULL;
}

static void step_into_map(struct node_step *step, const struct node *map, const char *path)
{
	for (size_t i = 0; i < map->pairs.n; i++) {
		const char *key = map->pairs.v[i].key->text;
		size_t len = strlen(key);
		bool fits = !strncmp(path, key, len) && (!path[len] || path[len] == '.');

		if (fits && (!step->child || len > step->name_len)) {
			step_set_length(step, path, len);
			step->index = i;
			step->child = map->pairs.v[i].value;
		}
	}
}

static void step_into_list(struct node_step *step, const struct node *list)
{
	size_t index = 0;

	/* Leading zeros and more digits than any list has items are not an index. */
	if (!step->name_len || step->name_len > 6 || (step->name_len > 1 && *step->name == '0'))
		return;
	for (size_t i = 0; i < step->name_len; i++) {
		if (!isdigit((unsigned char)step->name[i]))
			return;
		index = index * 10 + (size_t)(step->name[i] - '0');
	}
	if (index < list->items.n) {
		step->index = index;
		step->child = list->items.v[index];
	}
}

struct node_step node_step(const struct node *from, const char *path)
{
	struct node_step step = {0};

	step_set_length(&step, path, component_length(path));
	if (from->type == NODE_MAP)
		step_into_map(&step, from, path);
	else if (from->type == NODE_LIST)
		step_into_list(&step, from);
	return step;
}

static struct node *copy_node(const struct node *n, struct arena *a)
{
	struct node *copy = node_hollow(n, a);

	vec_foreach (item, &n->items)
		*vec_push(a, &copy->items) = *item;
	vec_foreach (pair, &n->pairs)
		*vec_push(a, &copy->pairs) = *pair;
	return copy;
}

/* The list or map has a child with that index. */
static void set_child(struct node *parent, size_t index, struct node *child)
{
	/* NOLINTBEGIN(clang-analyzer-core.NullDereference): what has a child is not empty */
	if (parent->type == NODE_LIST)
		parent->items.v[index] = child;
	else
		parent->pairs.v[index].value = child;
	/* NOLINTEND(clang-analyzer-core.NullDereference) */
}

struct node *node_replace(const struct node *root, const char *path, struct node *key,
			  struct node *value, struct arena *a, const struct node **ret_at,
			  struct node_step *ret_step)
{
	struct node_step step = node_step(root, path);
	struct node *child = value;

	if (!step.child && (step.rest || root->type != NODE_MAP || !step.name_len)) {
		*ret_at = root;
		*ret_step = step;
		return NULL;
	}
	if (step.rest)
		child = node_replace(step.child, step.rest, key, value, a, ret_at, ret_step);
	if (!child)
		return NULL;

	struct node *copy = copy_node(root, a);
	if (step.child) {
		set_child(copy, step.index, child);
	} else {
		struct node *name = copy_node(key, a);

		name->text = arena_strndup(a, step.name, step.name_len);
		*vec_push(a, &copy->pairs) = (struct node_pair){name, child};
	}
	return copy;
}
