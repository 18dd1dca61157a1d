/* SPDX-License-Identifier: MIT */
#include "harness/base/cleanup.h"
#include "harness/parse/document.h"

/* Where a map stands: the document, a part of it such as apps, an item of that, or further down. */
enum level { LEVEL_DOCUMENT, LEVEL_PART, LEVEL_ITEM, LEVEL_BELOW };

/* Keys of an item of which only one may stand: the one that is laid on top displaces the other. */
static const char *const alternatives[][2] = {{"run", "shell"}, {"text", "from"}};

/* The map in an item whose keys exclude each other: it is replaced as a whole. */
static const char one_of_map[] = "ready";

/* Lists of the document that grow, file after file. */
static const char *const joined_lists[] = {"timeline", "expect"};

/* True if `item` has a key that excludes this one. */
static bool is_displaced(const struct node *item, const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(alternatives); i++)
		for (size_t j = 0; j < ARRAY_SIZE(alternatives[i]); j++)
			if (!strcmp(alternatives[i][j], key))
				return node_pair_find(item, alternatives[i][!j]) != NULL;
	return false;
}

static bool is_joined(const char *key)
{
	for (size_t i = 0; i < ARRAY_SIZE(joined_lists); i++)
		if (!strcmp(joined_lists[i], key))
			return true;
	return false;
}

static struct node *join_lists(const struct node *first, const struct node *second, struct arena *a)
{
	struct node *list = node_hollow(second, a);

	vec_foreach (item, &first->items)
		*vec_push(a, &list->items) = *item;
	vec_foreach (item, &second->items)
		*vec_push(a, &list->items) = *item;
	return list;
}

static struct node *merge_maps(struct node *base, struct node *over, enum level level,
			       struct arena *a);

static struct node *merge_values(const char *key, struct node *base, struct node *over,
				 enum level level, struct arena *a)
{
	if (base->type != over->type)
		return over;
	if (level == LEVEL_DOCUMENT && over->type == NODE_LIST && is_joined(key))
		return join_lists(base, over, a);
	if (over->type != NODE_MAP || (level == LEVEL_ITEM && !strcmp(key, one_of_map)))
		return over;
	return merge_maps(base, over, level < LEVEL_BELOW ? level + 1 : level, a);
}

/* The order of `base` is kept: apps start in the order in which they stand. */
static struct node *merge_maps(struct node *base, struct node *over, enum level level,
			       struct arena *a)
{
	struct node *map = node_hollow(over, a);

	map->partial = base->partial || over->partial;
	vec_foreach (pair, &base->pairs) {
		const char *key = pair->key->text;
		const struct node_pair *other = node_pair_find(over, key);

		if (other)
			*vec_push(a, &map->pairs) = (struct node_pair){
				other->key, merge_values(key, pair->value, other->value, level, a)};
		else if (level != LEVEL_ITEM || !is_displaced(over, key))
			*vec_push(a, &map->pairs) = *pair;
	}
	vec_foreach (pair, &over->pairs)
		if (!node_pair_find(base, pair->key->text))
			*vec_push(a, &map->pairs) = *pair;
	return map;
}

struct node *document_merge(struct node *base, struct node *over, struct arena *a)
{
	return base->type == NODE_MAP && over->type == NODE_MAP
		       ? merge_maps(base, over, LEVEL_DOCUMENT, a)
		       : over;
}

struct node *document_fill(struct node *item, struct node *defaults, struct arena *a)
{
	struct node *map = node_hollow(item, a);

	vec_foreach (pair, &item->pairs)
		*vec_push(a, &map->pairs) = *pair;
	vec_foreach (pair, &defaults->pairs)
		if (!node_pair_find(item, pair->key->text) && !is_displaced(item, pair->key->text))
			*vec_push(a, &map->pairs) = *pair;
	return map;
}
