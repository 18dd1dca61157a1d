/* SPDX-License-Identifier: MIT */
#include <assert.h>
#include <regex.h>

#include "harness/base/cleanup.h"
#include "harness/data/setting.h"
#include "harness/parse/document.h"

/* The generic reader fills the head of each of these. */
#define ASSERT_NAMED_HEAD(type)                                                                    \
	static_assert(offsetof(struct type, name) == offsetof(struct named_head, name) &&          \
			      offsetof(struct type, pos) == offsetof(struct named_head, pos),      \
		      "begins as a named_head does")
ASSERT_NAMED_HEAD(scenario_host);
ASSERT_NAMED_HEAD(scenario_private_file);
ASSERT_NAMED_HEAD(scenario_app);

/* False if neither or both of two keys are there, which it adds. */
static bool check_either(struct reader *r, const struct node *map, struct pos owner,
			 const char *first, const char *second, const char *example)
{
	const struct node_pair *a = node_pair_find(map, first);
	const struct node_pair *b = node_pair_find(map, second);

	if (a && b)
		diag_add(r->diags, b->key->pos, "keep one of them", "both '%s' and '%s'", first,
			 second);
	else if (!a && !b)
		diag_add(r->diags, owner, example, "neither '%s' nor '%s'", first, second);
	return !a != !b;
}

void check_command(struct reader *r, const struct node *map, struct pos owner)
{
	const struct node_pair *run = node_pair_find(map, "run");
	struct strings words;
	struct err err;

	if (map->type != NODE_MAP)
		return;
	check_either(r, map, owner, "run", "shell", "such as run: \"program argument ...\"");
	if (run && run->value->type == NODE_SCALAR && !run->value->empty &&
	    parse_words(run->value->text, r->a, &words, &err))
		diag_add(r->diags, run->value->pos, NULL, "'run': %s", err.msg);
}

/* The value of a top-level key, if it is a map. */
static const struct node *top_map(const struct scenario *s, const char *key)
{
	const struct node_pair *pair = node_pair_find(s->root, key);

	return pair && pair->value->type == NODE_MAP ? pair->value : NULL;
}

/* The place of a key two levels down: map: {outer: {key: ...}}. */
static struct pos key_place(const struct node *map, const char *outer, const char *key)
{
	return node_pair_find(node_pair_find(map, outer)->value, key)->key->pos;
}

static void check_hosts(struct reader *r, const struct scenario *s)
{
	const struct node *hosts = top_map(s, "hosts");

	if (hosts && !hosts->pairs.n)
		diag_add(r->diags, hosts->pos, "such as hosts: {server: {}, client: {}}",
			 "no host");
	vec_foreach (host, &s->hosts) {
		check_name(r, host->pos, "a host", host->name);
		vec_foreach (setting, &host->sysctl)
			if (!setting_is_of_namespace(setting->name))
				diag_add(r->diags,
					 key_place(node_pair_find(hosts, host->name)->value,
						   "sysctl", setting->name),
					 "such as net.ipv4.tcp_retries2",
					 "'%s' is no setting of a network namespace",
					 setting->name);
	}
}

/* File systems that are the kernel's: nothing can be put there. */
static bool is_kernels(const char *path)
{
	static const char *const mounts[] = {"/proc", "/sys", "/dev"};

	for (size_t i = 0; i < ARRAY_SIZE(mounts); i++) {
		size_t n = strlen(mounts[i]);

		if (!strncmp(path, mounts[i], n) && (path[n] == '/' || !path[n]))
			return true;
	}
	return false;
}

static void check_files(struct reader *r, const struct scenario *s)
{
	const struct node *files = top_map(s, "files");

	if (!files)
		return;
	vec_foreach (pair, &files->pairs) {
		if (*pair->key->text != '/')
			diag_add(r->diags, pair->key->pos, NULL,
				 "a file's path must begin with '/'");
		else if (strstr(pair->key->text, "/../") || strstr(pair->key->text, "/./"))
			diag_add(r->diags, pair->key->pos, "write the path without . and ..",
				 "a file's path must be plain");
		else if (is_kernels(pair->key->text))
			diag_add(r->diags, pair->key->pos,
				 "for a setting of the network there is sysctl: on a host",
				 "no file can be put into /proc, /sys or /dev");
		if (pair->value->type == NODE_MAP)
			check_either(r, pair->value, pair->key->pos, "text", "from",
				     "such as text: \"its contents\"");
	}
}

static void check_log_pattern(struct reader *r, const struct node *log)
{
	char why[128];
	regex_t regex;

	if (log->type != NODE_SCALAR || log->empty)
		return;
	if (!*log->text) {
		diag_add(r->diags, log->pos, "write what its first line is to hold, or \".\"",
			 "'log' is empty, which every line matches");
		return;
	}
	int code = regcomp(&regex, log->text, REG_EXTENDED | REG_NOSUB);
	if (!code) {
		regfree(&regex);
		return;
	}
	regerror(code, &regex, why, sizeof(why));
	diag_add(r->diags, log->pos, NULL, "'log' is no extended regular expression: %s", why);
}

static void check_ready(struct reader *r, const struct node *ready)
{
	const struct node_pair *log = node_pair_find(ready, "log");
	const struct node_pair *connected = node_pair_find(ready, "connected");
	char *host;
	int64_t port;

	if (ready->type != NODE_MAP)
		return;
	if (!ready->pairs.n)
		diag_add(r->diags, ready->pos, "known: listening, connected, log, exited",
			 "'ready' says nothing");
	if (ready->pairs.n > 1)
		diag_add(r->diags, ready->pairs.v[1].key->pos, "keep one of them",
			 "'ready' is one condition, and this is another");
	if (log)
		check_log_pattern(r, log->value);
	if (connected && connected->value->type == NODE_SCALAR && !connected->value->empty &&
	    !parse_service(connected->value->text, r->a, &host, &port))
		diag_add(r->diags, connected->value->pos, "such as \"server:8000\"",
			 "'connected' must be \"host:port\"");
}

static void check_app(struct reader *r, const struct scenario *s, const struct scenario_app *app,
		      const struct node *node)
{
	const struct node_pair *ready = node_pair_find(node, "ready");

	check_name(r, app->pos, "an app", app->name);
	check_command(r, node, app->pos);
	if (ready)
		check_ready(r, ready->value);
	if (app->cwd && *app->cwd != '/')
		diag_add(r->diags, parse_locate(s, "apps.%s.cwd", app->name), NULL,
			 "'cwd' must begin with '/'");
	vec_foreach (var, &app->env)
		if (!*var->name || strchr(var->name, '='))
			diag_add(r->diags, key_place(node, "env", var->name), NULL,
				 "'%s' is no name of a variable", var->name);
}

static void check_apps(struct reader *r, const struct scenario *s)
{
	const struct node *apps = top_map(s, "apps");

	if (apps && !apps->pairs.n)
		diag_add(r->diags, apps->pos,
			 "such as apps: {server: {host: server, run: \"...\"}}", "no app");
	vec_foreach (app, &s->apps)
		check_app(r, s, app, node_pair_find(apps, app->name)->value);
}

void read_scenario(struct reader *r, struct scenario *s, struct node *root, bool controls)
{
	struct record_shape shape = {.tables = {scenario_fields}, .owner = root->pos};
	const struct node_pair *pair;

	field_unset_all(scenario_fields, s);
	s->root = defaults_apply(r, root);
	if (s->root->type != NODE_MAP) {
		expect_type(r, s->root, "a scenario", NODE_MAP);
		return;
	}
	read_record(r, s->root, "a scenario", &shape, s);
	check_hosts(r, s);
	check_files(r, s);
	check_apps(r, s);
	if ((pair = node_pair_find(s->root, "timeline")))
		read_timeline(r, s, pair->value);
	if ((pair = node_pair_find(s->root, "expect")))
		read_expectations(r, s, pair->value);
	if (controls && (pair = node_pair_find(s->root, "controls")))
		read_controls(r, s, pair->value);
}

static void read_cell(struct reader *r, struct scenario *s, const struct matrix *m,
		      struct node *root, size_t cell)
{
	if (m->good) {
		s->cell = matrix_label(m, cell, r->a);
		s->cell_slug = matrix_slug(m, cell, r->a);
	}
	r->diags->cell = s->cell;
	read_scenario(r, s, matrix_expand(m, root, cell, r->a), true);
	r->diags->cell = NULL;
	if (!s->cell || !s->name)
		return;
	s->name = arena_printf(r->a, "%s [%s]", s->name, s->cell);
	vec_foreach (control, &s->controls)
		if (control->variant)
			control->variant->name = s->name;
}

void parse_scenarios(const char *path, const char *text, size_t len, parse_read_file *read_file,
		     struct arena *a, struct diags *diags, struct scenario_list *ret)
{
	struct reader r = {.a = a, .diags = diags};
	struct scenario common = {.pos = {.file = arena_strdup(a, path), .width = 1},
				  .text = arena_strndup(a, text, len),
				  .text_len = len};
	struct matrix matrix = {.cells = 1};
	size_t first = diags->list.n, own = diags->sources.n;
	struct node *root = document_read(&r, path, common.text, len, read_file);

	if (root)
		matrix = matrix_read(&r, root);
	for (size_t i = own + 1; i < diags->sources.n; i++)
		*vec_push(a, &common.included) = diags->sources.v[i];
	diags->n_cells = matrix.cells;
	*ret = (struct scenario_list){0};
	for (size_t cell = 0; root && cell < matrix.cells; cell++) {
		struct scenario *s = arena_new(a, struct scenario);

		*s = common;
		read_cell(&r, s, &matrix, root, cell);
		if (s->root->type == NODE_MAP)
			*vec_push(a, ret) = s;
	}
	diags_sort(diags, first);
	diags->n_form = diags->list.n;
}

struct scenario *parse_scenario(const char *path, const char *text, size_t len, struct arena *a,
				struct diags *diags)
{
	struct scenario_list list;

	parse_scenarios(path, text, len, NULL, a, diags, &list);
	return list.n ? list.v[0] : NULL;
}
