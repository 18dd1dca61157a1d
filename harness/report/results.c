/* SPDX-License-Identifier: MIT */
#include "harness/report/report.h"

#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <sys/random.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/judge/judge.h"
#include "harness/report/claims.h"
#include "harness/report/lacked.h"

#define RUN_JSON_VERSION 1
#define INCLUDED         "included"

static int open_dir_at(int dir_fd, const char *name, struct err *err)
{
	int fd = openat(dir_fd, name, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	return fd >= 0 ? fd : err_errno(err, "open the results folder %s", name);
}

/* Returns the folder's descriptor. */
static int mark(int run_fd, struct err *err)
{
	static const char text[] = "This folder is what a run of wirecut left.\n";
	_cleanup_close_ int fd = run_fd;

	if (fd < 0 || io_write_file_at(fd, RESULTS_MARKER, text, strlen(text), err) < 0)
		return -1;
	return TAKE_FD(fd);
}

int results_create(const char *dir, char **ret_name, struct arena *a, struct err *err)
{
	char stamp[32];
	uint16_t id = 0;
	time_t now = time(NULL);
	struct tm tm;
	char *path = arena_strdup(a, dir);

	if (io_make_dirs(path) < 0)
		return err_errno(err, "make the results folder %s", path);
	_cleanup_close_ int base = open_dir_at(AT_FDCWD, dir, err);
	if (base < 0)
		return -1;
	gmtime_r(&now, &tm);
	strftime(stamp, sizeof(stamp), "%Y%m%dT%H%M%SZ", &tm);
	for (;;) {
		if (getrandom(&id, sizeof(id), 0) != sizeof(id))
			return err_errno(err, "get random bytes");
		*ret_name = arena_printf(a, "%s-%04x", stamp, id);
		if (mkdirat(base, *ret_name, 0755) == 0)
			return mark(open_dir_at(base, *ret_name, err), err);
		if (errno == EEXIST)
			continue;
		err_errno(err, "make a folder in %s", dir);
		struct err cause = *err;
		return err_set(err, "%.900s (choose another folder with --results DIR)", cause.msg);
	}
}

int results_create_scenario(int run_fd, const char *slug, struct err *err)
{
	if (mkdirat(run_fd, slug, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "make the results folder %s", slug);
	return open_dir_at(run_fd, slug, err);
}

int results_link_latest(const char *dir, const char *name, struct err *err)
{
	char temporary[64];
	_cleanup_close_ int base = open_dir_at(AT_FDCWD, dir, err);

	if (base < 0)
		return -1;
	snprintf(temporary, sizeof(temporary), ".latest.%d", getpid());
	unlinkat(base, temporary, 0);
	if (symlinkat(name, base, temporary) < 0 || renameat(base, temporary, base, "latest") < 0) {
		err_errno(err, "point %s/latest to this run", dir);
		unlinkat(base, temporary, 0);
		return -1;
	}
	return 0;
}

char *results_json_text(const json_t *json, size_t *ret_len)
{
	char *text = json ? json_dumps(json, JSON_FILE_FLAGS) : NULL;

	if (!text)
		return NULL;
	*ret_len = strlen(text) + 1;
	text[*ret_len - 1] = '\n'; /* in place of the NUL */
	return text;
}

int results_write_json(int dir_fd, const char *name, const json_t *json, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = results_json_text(json, &len);

	if (!text)
		return err_set(err, "write %s: out of memory", name);
	return io_write_file_at(dir_fd, name, text, len, err);
}

/*
 * Into a folder of their own, numbered in the order in which they were read: two may have one name, and one
 * that lies above the scenario has no place below it.
 */
static int write_included(int scenario_fd, const struct scenario *scenario, struct err *err)
{
	char name[NAME_MAX + 32];
	int number = 0;

	if (!scenario->included.n)
		return 0;
	if (mkdirat(scenario_fd, INCLUDED, 0755) < 0 && errno != EEXIST)
		return err_errno(err, "make the folder " INCLUDED);
	_cleanup_close_ int fd = open_dir_at(scenario_fd, INCLUDED, err);
	if (fd < 0)
		return -1;
	vec_foreach (file, &scenario->included) {
		const char *slash = strrchr(file->file, '/');

		snprintf(name, sizeof(name), "%d-%s", ++number, slash ? slash + 1 : file->file);
		if (io_write_file_at(fd, name, file->text, file->len, err) < 0)
			return err_wrap(err, INCLUDED);
	}
	return 0;
}

int results_write_plan(int scenario_fd, const struct plan *plan, const struct scenario *scenario,
		       struct err *err)
{
	_cleanup_json_ json_t *json = plan_to_json(plan);

	if (io_write_file_at(scenario_fd, "scenario.yaml", scenario->text, scenario->text_len,
			     err) < 0 ||
	    write_included(scenario_fd, scenario, err) < 0)
		return -1;
	return results_write_json(scenario_fd, "plan.json", json, err);
}

/* Quoted for a shell if it needs to be. */
static char *shell_word(const char *s, struct arena *a)
{
	bool plain = *s;

	for (const char *p = s; *p; p++)
		plain = plain && (isalnum((unsigned char)*p) || strchr("_./:=,@%+-", *p));
	if (plain)
		return arena_strdup(a, s);
	char *quoted = arena_alloc(a, strlen(s) * 4 + 3), *q = quoted;
	*q++ = '\'';
	for (const char *p = s; *p; p++) {
		if (*p == '\'')
			q = stpcpy(q, "'\\'");
		*q++ = *p;
	}
	*q++ = '\'';
	return quoted;
}

/* The regular expression that this slug alone matches; of what is special it can hold dots. */
static char *slug_pattern(const char *slug, struct arena *a)
{
	char *pattern = arena_alloc(a, strlen(slug) * strlen("[.]") + sizeof("^$"));
	char *end = stpcpy(pattern, "^");

	for (; *slug; slug++)
		end = stpcpy(end, *slug == '.' ? "[.]" : (const char[]){*slug, '\0'});
	stpcpy(end, "$");
	return pattern;
}

/* The options that choose the clock and the kernel; each with a space behind it. */
static char *clock_options(const struct scenario_result *r, struct arena *a)
{
	if (r->plan->clock != CLOCK_VIRTUAL)
		return arena_strdup(a, "");
	if (!r->kernel_image)
		return arena_strdup(a, "--clock virtual ");
	const char *image = shell_word(r->kernel_image, a);
	if (!r->kernel_modules)
		return arena_printf(a, "--clock virtual --kernel %s ", image);
	return arena_printf(a, "--clock virtual --kernel %s --modules %s ", image,
			    shell_word(r->kernel_modules, a));
}

char *results_replay(const struct scenario_result *r, struct arena *a)
{
	const struct plan *plan = r->plan;
	char *file = shell_word(plan->file, a), *clock = clock_options(r, a);
	/* Behind a '+' it says which of several runs this was. */
	char *slug = arena_strndup(a, plan->slug, strcspn(plan->slug, "+"));
	char *pattern = shell_word(slug_pattern(slug, a), a);
	unsigned long long seed = plan->seed;
	const char *link = plan->link == LINK_NETEM ? "--link netem " : "";

	if (!plan->control && !plan->cell)
		return arena_printf(a, "wirecut run %s%s--seed %llu --controls none %s", clock,
				    link, seed, file);
	return arena_printf(a, "wirecut run %s%s--seed %llu --controls %s -E %s %s", clock, link,
			    seed, plan->control ? "only" : "none", pattern, file);
}

json_t *results_verdict(const struct scenario_result *r, const struct suite_info *info)
{
	struct arena a = {0};
	json_t *json = scenario_result_to_json(r);

	json_object_set_new(json, "kernel", json_string(r->kernel ? r->kernel : info->kernel));
	json_object_set_new(json, "claim", claim_to_json(r));
	if (r->determinism)
		json_object_set_new(json, "determinism", json_string(r->determinism));
	json_object_set_new(json, "replay", json_string(results_replay(r, &a)));
	arena_free(&a);
	return json;
}

static json_t *summary_json(const struct suite_info *info, const struct suite_summary *s)
{
	return json_pack("{s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:I, s:o, s:o}",
			 "scenarios", (json_int_t)s->scenarios, "passed", (json_int_t)s->passed,
			 "failed", (json_int_t)s->failed, "void", (json_int_t)s->voids,
			 "inconclusive", (json_int_t)s->inconclusive, "errors",
			 (json_int_t)s->errors, "skipped", (json_int_t)s->skipped, "controls",
			 (json_int_t)s->controls, "controls_killed", (json_int_t)s->controls_killed,
			 "controls_unproven", (json_int_t)summary_unproven(s), "wall_s",
			 json_seconds(info->wall), "scenario_s", json_seconds(s->scenario_time));
}

json_t *results_run(const struct suite_info *info, const struct suite_summary *s, json_t *scenarios)
{
	return json_pack("{s:i, s:s, s:s, s:s, s:s, s:s, s:I, s:b, s:o, s:O}", "version",
			 RUN_JSON_VERSION, "wirecut", WIRECUT_VERSION, "run_id", info->run_id,
			 "started", info->started, "host_kernel", info->kernel, "clock",
			 info->clock, "seed", (json_int_t)info->seed, "interrupted",
			 info->interrupted, "summary", summary_json(info, s), "scenarios",
			 scenarios);
}

static int load_plan(int scenario_fd, struct plan *plan, struct arena *a, struct err *err)
{
	size_t len;
	json_error_t where;
	char *text = io_read_file_at(scenario_fd, "plan.json", &len, a, err);

	if (!text)
		return -1;
	_cleanup_json_ json_t *json = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!json)
		return err_set(err, "plan.json:%d:%d: %s", where.line, where.column, where.text);
	if (plan_from_json(plan, json, a, err) < 0)
		return err_wrap(err, "plan.json");
	return 0;
}

static int load_events(int scenario_fd, const struct plan *plan, struct observations *obs,
		       struct err *err)
{
	size_t len;
	char *text = io_read_file_at(scenario_fd, "events.jsonl", &len, obs->arena, err);
	int line_number = 0;

	if (!text)
		return -1;
	for (char *line = text, *end; line < text + len; line = end + 1) {
		line_number++;
		end = memchr(line, '\n', (size_t)(text + len - line));
		if (!end)
			return err_set(err, "events.jsonl:%d: the line is cut short", line_number);
		struct observation *o = vec_push(obs->arena, &obs->list);
		if (observation_from_line(o, line, (size_t)(end - line), plan, obs->arena, err) < 0)
			return err_wrap(err, "events.jsonl:%d", line_number);
	}
	return 0;
}

int results_judge(int scenario_fd, struct arena *a, struct scenario_result *ret,
		  struct plan **ret_plan, struct observations *ret_obs, struct err *err)
{
	struct plan *plan = arena_new(a, struct plan);

	*ret_obs = (struct observations){.arena = a};
	if (load_plan(scenario_fd, plan, a, err) < 0)
		return -1;
	*ret_plan = plan;
	if (load_events(scenario_fd, plan, ret_obs, err) < 0)
		return -1;
	judge(plan, ret_obs, a, ret);
	return lacked_read(scenario_fd, ret_obs, a, ret, err);
}
