/* SPDX-License-Identifier: MIT */
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

static const char DEFAULT_STOP_SIGNAL[] = "TERM";
#define DEFAULT_STOP_GRACE   (2 * NSEC_PER_SEC)
#define DEFAULT_READY_WITHIN (10 * NSEC_PER_SEC)

/* Words that only a shell understands: given to the program as they are, they would be mistaken. */
static void check_no_shell_syntax(struct builder *b, struct pos pos, const struct strings *words)
{
	static const char *const operators[] = {"|", "||", "&&", "&",    ";",
						">", ">>", "<",  "2>&1", NULL};

	for (size_t i = 1; i < words->n; i++)
		if (field_enum_index(operators, words->v[i]) != ENUM_UNSET) {
			diag_add(b->diags, pos, "write it as shell: \"...\"",
				 "'%s' is for a shell, and no shell runs 'run'", words->v[i]);
			return;
		}
}

struct strings command_words(struct builder *b, const char *run, struct pos run_pos,
			     const char *shell)
{
	struct strings words = {0};
	struct err err;

	if (shell) {
		*vec_push(b->a, &words) = arena_strdup(b->a, "/bin/sh");
		*vec_push(b->a, &words) = arena_strdup(b->a, "-c");
		*vec_push(b->a, &words) = arena_strdup(b->a, shell);
		return words;
	}
	if (!run || parse_words(run, b->a, &words, &err))
		return words; /* parse has said so */
	check_no_shell_syntax(b, run_pos, &words);
	if (strchr(words.v[0], '/'))
		words.v[0] = beside_file(b, run_pos, words.v[0]);
	return words;
}

static struct plan_ready ready_of(struct builder *b, const struct scenario_app *app)
{
	struct plan_ready ready = {
		.listening = app->ready.listening,
		.connected_host = COUNT_UNSET,
		.connected_port = COUNT_UNSET,
		.log = app->ready.log,
		.exited = app->ready.exited,
	};
	struct index_list hosts = {0};
	int64_t port;

	if (app->ready.connected &&
	    resolve_service(b, app->ready.connected,
			    parse_locate(b->s, "apps.%s.ready.connected", app->name), &hosts,
			    &port)) {
		ready.connected_host = hosts.v[0];
		ready.connected_port = port;
	}
	return ready;
}

/* What all instances of an app have in common. */
static struct plan_app common_of(struct builder *b, const struct scenario_app *app)
{
	const char *signal = app->stop.signal ? app->stop.signal : DEFAULT_STOP_SIGNAL;
	struct plan_app common = {
		.group = app->name,
		.argv = command_words(b, app->run, parse_locate(b->s, "apps.%s.run", app->name),
				      app->shell),
		.cwd = app->cwd,
		.manual = app->start == START_MANUAL,
		.ready = ready_of(b, app),
		.ready_within = app->ready_within,
		.stop_signal = arena_strdup(b->a, signal),
		.stop_signo = signal_number(signal),
		.stop_grace = app->stop.grace,
		.exit = app->exit,
	};

	if (common.ready_within == NSEC_UNSET)
		common.ready_within = DEFAULT_READY_WITHIN;
	if (common.stop_grace == NSEC_UNSET)
		common.stop_grace = DEFAULT_STOP_GRACE;
	vec_foreach (var, &app->env)
		*vec_push(b->a, &common.env) = *var;
	return common;
}

/* Instances bear numbers where the file says that there may be several. */
static bool is_numbered(const struct builder *b, const struct scenario_app *app)
{
	if (app->count != COUNT_UNSET)
		return true;
	vec_foreach (host, &b->s->hosts)
		if (!strcmp(host->name, app->host))
			return host->count != COUNT_UNSET;
	return false;
}

static void build_app(struct builder *b, const struct scenario_app *app)
{
	struct plan_app common = common_of(b, app);
	int64_t on_each = app->count == COUNT_UNSET ? 1 : app->count;
	struct index_list hosts = {0};
	size_t number = 0;

	if (!app->host ||
	    !resolve_hosts(b, app->host, parse_locate(b->s, "apps.%s.host", app->name), &hosts))
		return;
	if (b->plan->apps.n + hosts.n * (size_t)on_each > INDEX_MAX) {
		diag_add(b->diags, app->pos, NULL, "more than %d instances of apps", INDEX_MAX);
		return;
	}
	vec_foreach (host, &hosts)
		for (int64_t i = 0; i < on_each; i++) {
			struct plan_app *instance = vec_push(b->a, &b->plan->apps);

			*instance = common;
			instance->host = *host;
			instance->name = app->name;
			if (is_numbered(b, app))
				instance->name = arena_printf(b->a, "%s.%zu", app->name, ++number);
		}
}

void build_apps(struct builder *b)
{
	vec_foreach (app, &b->s->apps)
		build_app(b, app);
}
