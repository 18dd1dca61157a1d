/* SPDX-License-Identifier: MIT */
#include "harness/cli/load.h"

#include <errno.h>
#include <fts.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/build/build.h"
#include "harness/cli/netem.h"
#include "harness/parse/parse.h"
#include "harness/report/report.h"

static int by_name(const FTSENT **a, const FTSENT **b)
{
	return strcmp((*a)->fts_name, (*b)->fts_name);
}

static bool is_yaml(const char *name)
{
	size_t n = strlen(name);

	return (n > 5 && !strcmp(name + n - 5, ".yaml")) ||
	       (n > 4 && !strcmp(name + n - 4, ".yml"));
}

/* Hidden, or a part that scenarios include. */
static bool is_passed_over(const char *name)
{
	return *name == '.' || *name == '_';
}

/*
 * A folder that a run has left: the scenarios in it are copies. Copied elsewhere it may have lost its
 * hidden marker.
 */
static bool is_of_a_run(const FTSENT *e)
{
	static const char *const signs[] = {RESULTS_MARKER, "run.json"};
	char path[PATH_MAX];

	for (size_t i = 0; i < ARRAY_SIZE(signs); i++) {
		int n = snprintf(path, sizeof(path), "%s/%s", e->fts_accpath, signs[i]);

		if (n > 0 && (size_t)n < sizeof(path) && access(path, F_OK) == 0)
			return true;
	}
	return false;
}

/* All scenario files of a folder, sorted; a name that starts with a dot or '_' is passed over. */
static int find_in_folder(struct options *opt, char *folder, struct strings *files, struct err *err)
{
	char *roots[] = {folder, NULL};
	FTS *fts = fts_open(roots, FTS_PHYSICAL | FTS_NOCHDIR, by_name);
	int rc = 0;

	if (!fts)
		return err_errno(err, "%s", folder);
	for (FTSENT *e; rc == 0 && (e = fts_read(fts));) {
		if (e->fts_info == FTS_D && e->fts_level > 0 &&
		    (is_passed_over(e->fts_name) || is_of_a_run(e)))
			fts_set(fts, e, FTS_SKIP);
		else if (e->fts_info == FTS_F && !is_passed_over(e->fts_name) &&
			 is_yaml(e->fts_name))
			*vec_push(opt->arena, files) = arena_strdup(opt->arena, e->fts_path);
		else if (e->fts_info == FTS_DNR || e->fts_info == FTS_ERR) {
			errno = e->fts_errno;
			rc = err_errno(err, "%s", e->fts_path);
		}
	}
	fts_close(fts);
	return rc;
}

static int find_files(struct options *opt, struct strings *files, struct err *err)
{
	if (!opt->paths.n) {
		*vec_push(opt->arena, &opt->paths) = arena_strdup(opt->arena, "scenarios");
		opt->paths_by_default = true;
	}
	vec_foreach (path, &opt->paths) {
		struct stat st;
		size_t len = strlen(*path);

		while (len > 1 && (*path)[len - 1] == '/')
			(*path)[--len] = '\0';
		if (stat(*path, &st) < 0 && opt->paths_by_default)
			return err_set(
				err, "there is no folder scenarios/ here: name a scenario file or "
				     "a folder of them");
		if (stat(*path, &st) < 0)
			return err_errno(err, "%s", *path);
		if (!S_ISDIR(st.st_mode))
			*vec_push(opt->arena, files) = *path;
		else if (find_in_folder(opt, *path, files, err) < 0)
			return -1;
	}
	return 0;
}

static bool is_selected(const struct options *opt, const struct plan *plan)
{
	bool tagged = !opt->tags.n;

	if ((plan->control && opt->controls == CONTROLS_NONE) ||
	    (!plan->control && opt->controls == CONTROLS_ONLY))
		return false;
	vec_foreach (want, &opt->tags)
		vec_foreach (tag, &plan->tags)
			tagged = tagged || !strcmp(*want, *tag);
	return tagged && (!opt->has_filter || !regexec(&opt->filter, plan->slug, 0, NULL, 0));
}

static void add_item(struct options *opt, struct loaded *l, const struct scenario *s,
		     struct plan *plan)
{
	if (plan && is_selected(opt, plan))
		*vec_push(opt->arena, &l->items) = (struct load_item){s, plan};
}

static char *read_from(const char *path, struct arena *a, struct err *err)
{
	return io_read_file(path, NULL, a, err);
}

static bool has_netem(void *ctx, int clock)
{
	return netem_is_there(ctx, clock);
}

/*
 * Slugs name folders of the results, so no two scenarios may have the same. A control's begins with
 * its scenario's.
 */
static char *unique_slug(struct options *opt, struct loaded *l, const char *slug)
{
	char *unique = arena_strdup(opt->arena, slug);
	bool taken = true;

	for (int number = 2; taken; number++) {
		taken = false;
		vec_foreach (other, &l->slugs)
			taken = taken || !strcmp(*other, unique);
		if (taken)
			unique = arena_printf(opt->arena, "%s-%d", slug, number);
	}
	*vec_push(opt->arena, &l->slugs) = unique;
	return unique;
}

char *load_folder_of(const char *file, struct arena *a)
{
	char real[PATH_MAX];
	const char *slash = strrchr(file, '/');
	char *dir = slash ? arena_strndup(a, file, (size_t)(slash - file)) : arena_strdup(a, ".");

	return arena_strdup(a, realpath(*dir ? dir : "/", real) ? real : "/");
}

/*
 * The name of the folder that a file is in: the same by any path, relative, absolute or through a link.
 * The folder that wirecut is run in has none: there is no need to tell its scenarios from others.
 */
static const char *folder_name(const char *path, struct arena *a)
{
	const char *folder = load_folder_of(path, a), *here = load_folder_of("", a);

	return strcmp(folder, here) != 0 ? strrchr(folder, '/') + 1 : "";
}

static void plan_scenario(struct options *opt, struct loaded *l, const struct scenario *s,
			  struct diags *diags)
{
	struct build_options build = {.seed = opt->seed,
				      .folder = folder_name(s->pos.file, opt->arena),
				      .clock = opt->clock,
				      .link = opt->link,
				      .has_netem = has_netem,
				      .ctx = opt,
				      .read_file = read_from};

	struct plan *healthy = build_plan(s, NULL, &build, opt->arena, diags);

	if (!healthy)
		return;
	healthy->slug = unique_slug(opt, l, healthy->slug);
	add_item(opt, l, s, healthy);
	vec_foreach (c, &s->controls) {
		struct plan *plan = build_plan(s, c, &build, opt->arena, diags);

		if (plan)
			plan->slug = arena_printf(opt->arena, "%s--%s", healthy->slug, c->name);
		add_item(opt, l, s, plan);
	}
}

static void print_diags(const struct diags *diags)
{
	const char *no_color = getenv("NO_COLOR");

	diags_print(stderr, diags, isatty(STDERR_FILENO) && !(no_color && *no_color));
}

/* Returns how many errors the file has. */
static size_t load_file(struct options *opt, struct loaded *l, const char *path)
{
	struct diags diags = {.arena = opt->arena};
	struct err err = {0};
	size_t len;
	char *text = io_read_file(path, &len, opt->arena, &err);

	if (!text) {
		fprintf(stderr, "wirecut: %s\n", err.msg);
		return 1;
	}
	struct scenario_list made;
	parse_scenarios(path, text, len, io_read_file, opt->arena, &diags, &made);
	/* Planned whatever is wrong with their form: names that lead nowhere are told with it. */
	vec_foreach (s, &made) {
		*vec_push(opt->arena, &l->scenarios) = *s;
		plan_scenario(opt, l, *s, &diags);
	}
	diags_sort(&diags, 0);
	print_diags(&diags);
	return diags.list.n;
}

int load_scenarios(struct options *opt, struct loaded *ret)
{
	struct strings files = {0};
	struct err err = {0};
	size_t errors = 0;

	if (find_files(opt, &files, &err) < 0) {
		fprintf(stderr, "wirecut: %s\n", err.msg);
		return 2;
	}
	vec_foreach (f, &files)
		errors += load_file(opt, ret, *f);
	if (errors) {
		fprintf(stderr, "wirecut: %zu error%s; nothing was run\n", errors,
			errors == 1 ? "" : "s");
		return 2;
	}
	return 0;
}
