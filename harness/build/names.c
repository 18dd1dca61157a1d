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
	if (found)
		return true;
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
	if (found)
		return true;
	vec_foreach (app, &b->s->apps) {
		if (!strcmp(app->name, name))
			return false; /* its host is wrong, which was said there */
		*vec_push(b->a, &known.list) = app->name;
	}
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

static const struct labelled *find_id(const struct labelled *all, size_t n, const char *id)
{
	for (size_t i = 0; i < n; i++)
		if (all[i].id && !strcmp(all[i].id, id))
			return &all[i];
	return NULL;
}

static size_t count_kind(const struct labelled *all, size_t n, const char *kind)
{
	size_t count = 0;

	for (size_t i = 0; i < n; i++)
		count += all[i].kind && !strcmp(all[i].kind, kind);
	return count;
}

static void add_ambiguous(struct builder *b, const char *name, struct pos pos, const char *what,
			  const struct labelled *all, size_t n)
{
	const char *which = NULL;

	for (size_t i = 0; i < n; i++) {
		if (!all[i].kind || strcmp(all[i].kind, name) != 0)
			continue;
		const char *one =
			all[i].id ? arena_printf(b->a, "'%s'", all[i].id)
				  : arena_printf(b->a, "the one in line %d, by giving it an id",
						 all[i].pos.line);
		which = which ? arena_printf(b->a, "%s; %s", which, one) : one;
	}
	diag_add(b->diags, pos, arena_printf(b->a, "say which: %s", which),
		 "'%s' is ambiguous: %s of that kind is there more than once", name, what);
}

bool resolve_label(struct builder *b, const char *name, struct pos pos, const char *what,
		   const struct labelled *all, size_t n, int64_t *ret)
{
	const struct labelled *by_id = find_id(all, n, name);
	size_t of_kind = count_kind(all, n, name);
	struct name_list known = {0};

	if (by_id) {
		*ret = by_id - all;
		return true;
	}
	if (of_kind > 1) {
		add_ambiguous(b, name, pos, what, all, n);
		return false;
	}
	for (size_t i = 0; i < n; i++) {
		if (of_kind && all[i].kind && !strcmp(all[i].kind, name)) {
			*ret = (int64_t)i;
			return true;
		}
		if (all[i].id || all[i].kind)
			*vec_push(b->a, &known.list) = all[i].id ? all[i].id : all[i].kind;
	}
	diag_add(b->diags, pos, parse_suggest(name, end_of_list(b->a, &known), b->a),
		 "'%s' is neither the id nor the kind of %s", name, what);
	return false;
}

void check_ids(struct builder *b, const char *path, const struct labelled *all, size_t n)
{
	for (size_t i = 0; i < n; i++) {
		const struct labelled *first = all[i].id ? find_id(all, i, all[i].id) : NULL;

		if (first)
			diag_add(b->diags, parse_locate(b->s, "%s.%zu.id", path, i),
				 arena_printf(b->a, "line %d has it already", first->pos.line),
				 "the id '%s' is taken", all[i].id);
	}
}

const char *own_label(const struct labelled *all, size_t n, size_t i)
{
	if (all[i].id)
		return all[i].id;
	if (!all[i].kind || find_id(all, n, all[i].kind) || count_kind(all, n, all[i].kind) > 1)
		return NULL;
	return all[i].kind;
}

const struct labelled *step_labels(struct builder *b)
{
	struct labelled *all = arena_new_array(b->a, struct labelled, b->s->timeline.n);

	for (size_t i = 0; i < b->s->timeline.n; i++) {
		const struct scenario_step *step = &b->s->timeline.v[i];

		all[i] = (struct labelled){step->id, step_kind_names[step->kind], step->pos};
		if (step->kind == STEP_FAULT)
			all[i].kind = step->fault.ops ? step->fault.ops->name : NULL;
	}
	return all;
}

const struct labelled *expect_labels(struct builder *b)
{
	struct labelled *all = arena_new_array(b->a, struct labelled, b->s->expect.n);

	for (size_t i = 0; i < b->s->expect.n; i++) {
		const struct expect_spec *spec = &b->s->expect.v[i];

		all[i] = (struct labelled){spec->id, spec->ops ? spec->ops->name : NULL, spec->pos};
	}
	return all;
}
