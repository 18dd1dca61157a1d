/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "harness/build/builder.h"
#include "harness/judge/expect.h"
#include "harness/parse/parse.h"

/* Unless an earlier name, one of the first `earlier` entries, has brought it already. */
static void add_once(struct arena *a, struct index_list *list, size_t earlier, int64_t index)
{
	for (size_t i = 0; i < earlier; i++)
		if (list->v[i] == index)
			return;
	*vec_push(a, list) = index;
}

/* The names that could have been meant. */
struct name_list {
	VEC(const char *) list;
};

static const char *const *end_of_list(struct arena *a, struct name_list *names)
{
	*vec_push(a, &names->list) = NULL;
	return names->list.v;
}

/* True if `name` is that of a member (client.2) of the group, or what would be. */
static bool is_member_name(const char *name, const char *group)
{
	size_t len = strlen(group);

	return !strncmp(name, group, len) && name[len] == '.';
}

/* The name may be of a host that the file has, but that could not be read. */
static bool is_host_unread(struct builder *b, const char *name)
{
	if (!b->s->hosts.n || parse_may_lack(b->s, b->diags, "hosts"))
		return true;
	vec_foreach (host, &b->s->hosts)
		if (is_member_name(name, host->name))
			return parse_is_spoilt(b->s, b->diags, "hosts.%s", host->name);
	return false;
}

static bool is_app_unread(struct builder *b, const char *name)
{
	if (!b->s->apps.n || parse_may_lack(b->s, b->diags, "apps"))
		return true;
	vec_foreach (app, &b->s->apps) {
		if (!strcmp(app->name, name))
			return true; /* its host is wrong, which was said there */
		if (is_member_name(name, app->name))
			return !app->host ||
			       parse_is_spoilt(b->s, b->diags, "apps.%s", app->name) ||
			       parse_is_spoilt(b->s, b->diags, "hosts.%s", app->host);
	}
	return false;
}

bool resolve_hosts(struct builder *b, const char *name, struct pos pos, struct index_list *ret)
{
	struct name_list known = {0};
	size_t earlier = ret->n;
	bool found = false;

	for (size_t i = 0; i < b->plan->hosts.n; i++) {
		const struct plan_host *host = &b->plan->hosts.v[i];

		if (strcmp(host->group, name) != 0 && strcmp(host->name, name) != 0)
			continue;
		add_once(b->a, ret, earlier, (int64_t)i);
		found = true;
	}
	if (found || is_host_unread(b, name))
		return found;
	vec_foreach (host, &b->s->hosts)
		*vec_push(b->a, &known.list) = host->name;
	if (strchr(name, '.')) /* a misspelt member: then the members too */
		vec_foreach (host, &b->plan->hosts)
			*vec_push(b->a, &known.list) = host->name;
	diag_add(b->diags, pos, parse_suggest(name, end_of_list(b->a, &known), b->a),
		 "there is no host '%s'", name);
	return false;
}

bool resolve_apps(struct builder *b, const char *name, struct pos pos, struct index_list *ret)
{
	struct name_list known = {0};
	size_t earlier = ret->n;
	bool found = false;

	for (size_t i = 0; i < b->plan->apps.n; i++) {
		const struct plan_app *app = &b->plan->apps.v[i];

		if (strcmp(app->group, name) != 0 && strcmp(app->name, name) != 0)
			continue;
		add_once(b->a, ret, earlier, (int64_t)i);
		found = true;
	}
	if (found || is_app_unread(b, name))
		return found;
	vec_foreach (app, &b->s->apps)
		*vec_push(b->a, &known.list) = app->name;
	if (strchr(name, '.'))
		vec_foreach (app, &b->plan->apps)
			*vec_push(b->a, &known.list) = app->name;
	diag_add(b->diags, pos, parse_suggest(name, end_of_list(b->a, &known), b->a),
		 "there is no app '%s'", name);
	return false;
}

bool resolve_service(struct builder *b, const char *text, struct pos pos, struct index_list *ret,
		     int64_t *ret_port)
{
	char *host;
	int64_t port;

	if (!parse_service(text, b->a, &host, &port))
		return false; /* parse has said so */
	if (!resolve_hosts(b, host, pos, ret))
		return false;
	*ret_port = port;
	return true;
}

bool is_complete(const struct field *fields, const void *record)
{
	for (const struct field *f = fields; f->name; f++)
		if (f->flags & FIELD_REQUIRED && !field_is_set(f, record))
			return false;
	return true;
}

static const struct labelled *find_id(const struct label_list *list, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (list->v[i].id && !strcmp(list->v[i].id, id))
			return &list->v[i];
	return NULL;
}

static size_t count_kind(const struct label_list *list, const char *kind)
{
	size_t count = 0;

	for (size_t i = 0; i < list->n; i++)
		count += list->v[i].kind && !strcmp(list->v[i].kind, kind);
	return count;
}

static void add_ambiguous(struct builder *b, const char *name, struct pos pos,
			  const struct label_list *list)
{
	const char *which = NULL;

	for (size_t i = 0; i < list->n; i++) {
		const struct labelled *item = &list->v[i];

		if (!item->kind || strcmp(item->kind, name) != 0)
			continue;
		const char *one =
			item->id ? arena_printf(b->a, "'%s'", item->id)
				 : arena_printf(b->a, "the one in line %d, by giving it an id",
						item->pos.line);
		which = which ? arena_printf(b->a, "%s; %s", which, one) : one;
	}
	diag_add(b->diags, pos, arena_printf(b->a, "say which: %s", which),
		 "'%s' is ambiguous: %s of that kind is there more than once", name, list->what);
}

bool resolve_label(struct builder *b, const char *name, struct pos pos,
		   const struct label_list *list, int64_t *ret)
{
	const struct labelled *by_id = find_id(list, list->n, name);
	size_t of_kind = count_kind(list, name);
	struct name_list known = {0};

	if (by_id) {
		*ret = by_id - list->v;
		return true;
	}
	if (of_kind > 1) {
		add_ambiguous(b, name, pos, list);
		return false;
	}
	for (size_t i = 0; i < list->n; i++) {
		const struct labelled *item = &list->v[i];

		if (of_kind && item->kind && !strcmp(item->kind, name)) {
			*ret = (int64_t)i;
			return true;
		}
		if (item->id || item->kind)
			*vec_push(b->a, &known.list) = item->id ? item->id : item->kind;
	}
	if (!list->open)
		diag_add(b->diags, pos, parse_suggest(name, end_of_list(b->a, &known), b->a),
			 "'%s' is neither the id nor the kind of %s", name, list->what);
	return false;
}

void check_ids(struct builder *b, const struct label_list *list)
{
	for (size_t i = 0; i < list->n; i++) {
		const char *id = list->v[i].id;
		const struct labelled *first = id ? find_id(list, i, id) : NULL;

		if (first)
			diag_add(b->diags, parse_locate(b->s, "%s.%zu.id", list->path, i),
				 arena_printf(b->a, "line %d has it already", first->pos.line),
				 "the id '%s' is taken", id);
	}
}

const char *own_label(const struct label_list *list, size_t i)
{
	const struct labelled *item = &list->v[i];

	if (item->id)
		return item->id;
	if (!item->kind || find_id(list, list->n, item->kind) || count_kind(list, item->kind) > 1)
		return NULL;
	return item->kind;
}

/* Whether a name that is not found may be of an item that was not read. */
static bool is_open(struct builder *b, const struct label_list *list)
{
	for (size_t i = 0; i < list->n; i++)
		if (!list->v[i].kind || parse_is_spoilt(b->s, b->diags, "%s.%zu.id", list->path, i))
			return true;
	return parse_may_lack(b->s, b->diags, "%s", list->path);
}

struct label_list step_labels(struct builder *b)
{
	struct label_list list = {
		.what = "a step",
		.path = "timeline",
		.v = arena_new_array(b->a, struct labelled, b->s->timeline.n),
		.n = b->s->timeline.n,
	};

	for (size_t i = 0; i < list.n; i++) {
		const struct scenario_step *step = &b->s->timeline.v[i];

		list.v[i] = (struct labelled){step->id, step_kind_names[step->kind], step->pos};
		if (step->kind == STEP_FAULT)
			list.v[i].kind = step->fault.ops ? step->fault.ops->name : NULL;
	}
	list.open = is_open(b, &list);
	return list;
}

struct label_list expect_labels(struct builder *b)
{
	struct label_list list = {
		.what = "an expectation",
		.path = "expect",
		.v = arena_new_array(b->a, struct labelled, b->s->expect.n),
		.n = b->s->expect.n,
	};

	for (size_t i = 0; i < list.n; i++) {
		const struct expect_spec *spec = &b->s->expect.v[i];

		list.v[i] =
			(struct labelled){spec->id, spec->ops ? spec->ops->name : NULL, spec->pos};
	}
	list.open = is_open(b, &list);
	return list;
}
