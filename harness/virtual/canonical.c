/* SPDX-License-Identifier: MIT */
#include "harness/virtual/canonical.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/virtual/channel.h"

static const char slug[] = "scenario";

/* What stands for a file; what follows the number ends it, so that none begins another. */
#define TOKEN_START GUEST_DIR "/scenario-file-"
#define TOKEN_END   ".yaml"

/* --- paths --- */

/* Absolute, and of the folder its real path; the last component may be a link that means something. */
static char *real_path(const char *path, const char *start_dir, struct arena *a)
{
	char *whole =
		path[0] == '/' ? arena_strdup(a, path) : arena_printf(a, "%s/%s", start_dir, path);
	char *name = strrchr(whole, '/');
	char real[PATH_MAX];

	*name++ = '\0';
	if (!realpath(*whole ? whole : "/", real))
		return arena_printf(a, "%s/%s", whole, name);
	return arena_printf(a, "%s/%s", strcmp(real, "/") != 0 ? real : "", name);
}

/* A name without a slash is looked for in PATH. */
static struct strings real_command(const struct strings *argv, const char *start_dir,
				   struct arena *a)
{
	struct strings words = {0};

	for (size_t i = 0; i < argv->n; i++)
		*vec_push(a, &words) = i == 0 && strchr(argv->v[i], '/')
					       ? real_path(argv->v[i], start_dir, a)
					       : argv->v[i];
	return words;
}

/* The lists that are changed are the copy's own. */
static struct plan with_real_paths(const struct plan *plan, const char *start_dir, struct arena *a)
{
	struct plan copy = *plan;

	copy.file = real_path(plan->file, start_dir, a);
	memset(&copy.apps, 0, sizeof(copy.apps));
	vec_foreach (app, &plan->apps) {
		struct plan_app *own = vec_push(a, &copy.apps);

		*own = *app;
		own->argv = real_command(&app->argv, start_dir, a);
	}
	memset(&copy.steps, 0, sizeof(copy.steps));
	vec_foreach (step, &plan->steps) {
		struct plan_step *own = vec_push(a, &copy.steps);

		*own = *step;
		own->exec_argv = real_command(&step->exec_argv, start_dir, a);
	}
	copy.guest.files = (struct strings){0};
	vec_foreach (file, &plan->guest.files)
		*vec_push(a, &copy.guest.files) = real_path(*file, start_dir, a);
	return copy;
}

/* --- names of scenario files --- */

static char *token(size_t i, struct arena *a)
{
	return arena_printf(a, TOKEN_START "%zu" TOKEN_END, i);
}

static char *number_file(struct canonical *c, char *file, struct arena *a)
{
	size_t i = 0;

	while (i < c->files.n && strcmp(c->files.v[i], file) != 0)
		i++;
	if (i == c->files.n)
		*vec_push(a, &c->files) = file;
	return token(i, a);
}

static void number_files(struct canonical *c, const struct plan *plan, struct arena *a)
{
	struct plan *p = &c->in_guest;

	p->file = number_file(c, plan->file, a);
	memset(&p->steps, 0, sizeof(p->steps));
	vec_foreach (step, &c->plan.steps) {
		struct plan_step *own = vec_push(a, &p->steps);

		*own = *step;
		own->pos.file = number_file(c, step->pos.file, a);
	}
	memset(&p->expects, 0, sizeof(p->expects));
	vec_foreach (e, &c->plan.expects) {
		struct plan_expect *own = vec_push(a, &p->expects);

		*own = *e;
		own->spec.pos.file = number_file(c, e->spec.pos.file, a);
	}
}

void canonical_make(const struct plan *plan, const char *start_dir, struct arena *a,
		    struct canonical *ret)
{
	*ret = (struct canonical){.plan = with_real_paths(plan, start_dir, a)};
	ret->in_guest = ret->plan;
	ret->in_guest.slug = arena_strdup(a, slug);
	number_files(ret, plan, a);
}

/* --- the way back --- */

/* What was put in is not looked at again: a file may be named as a token is. */
static const char *replace(const char *text, const char *what, const char *by, struct arena *a)
{
	const char *done = "", *at;

	for (; (at = strstr(text, what)); text = at + strlen(what))
		done = arena_printf(a, "%s%.*s%s", done, (int)(at - text), text, by);
	return *done ? arena_printf(a, "%s%s", done, text) : text;
}

const char *canonical_restore(const struct canonical *c, const char *text, struct arena *a)
{
	if (!strstr(text, TOKEN_START))
		return text;
	for (size_t i = 0; i < c->files.n; i++)
		text = replace(text, token(i, a), c->files.v[i], a);
	return text;
}

/* Without the quotes around it. */
static char *escaped(const char *name, struct arena *a)
{
	_cleanup_json_ json_t *json = json_string(name);
	_cleanup_free_ char *text = json ? json_dumps(json, JSON_ENCODE_ANY) : NULL;

	/* One that is no UTF-8 cannot stand in JSON at all. */
	return text ? arena_strndup(a, text + 1, strlen(text) - 2) : arena_strdup(a, "?");
}

const char *canonical_restore_json(const struct canonical *c, const char *text, struct arena *a)
{
	if (!strstr(text, TOKEN_START))
		return text;
	for (size_t i = 0; i < c->files.n; i++)
		text = replace(text, token(i, a), escaped(c->files.v[i], a), a);
	return text;
}
