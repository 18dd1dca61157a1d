/* SPDX-License-Identifier: MIT */
#include "harness/cli/commands.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/build/build.h"
#include "harness/cli/load.h"
#include "harness/cli/queue.h"
#include "harness/cli/suite.h"
#include "harness/report/slug.h"

/* Loads, and says so if nothing is left to work on. */
static int load(struct options *opt, struct loaded *l)
{
	int code = load_scenarios(opt, l);

	if (code)
		return code;
	if (l->items.n)
		return 0;
	fprintf(stderr, "wirecut: no scenario selected (wirecut list shows what there is)\n");
	return EXIT_NOTHING;
}

int command_run(struct options *opt)
{
	struct loaded l = {0};
	int code = load(opt, &l);

	return code ? code : suite_run(opt, &l);
}

int command_check(struct options *opt)
{
	struct loaded l = {0};
	int code = load(opt, &l);
	size_t controls = 0;

	if (code)
		return code;
	vec_foreach (s, &l.scenarios)
		controls += (*s)->controls.n;
	printf("%zu scenario%s and %zu control%s are well-formed\n", l.scenarios.n,
	       l.scenarios.n == 1 ? "" : "s", controls, controls == 1 ? "" : "s");
	return 0;
}

int command_list(struct options *opt)
{
	struct loaded l = {0};
	int code = load(opt, &l);

	if (code)
		return code;
	vec_foreach (item, &l.items) {
		const struct plan *p = item->plan;

		printf("%-48s %7.1f s  %s%s", p->slug, (double)p->duration / 1e9,
		       p->control ? "control of: " : "", p->name);
		for (size_t i = 0; !p->control && i < p->tags.n; i++)
			printf("%s%s%s", i ? ", " : "  [", p->tags.v[i],
			       i + 1 == p->tags.n ? "]" : "");
		putchar('\n');
	}
	return 0;
}

int command_plan(struct options *opt)
{
	struct loaded l = {0};
	int code = load(opt, &l);

	if (code)
		return code;
	vec_foreach (item, &l.items) {
		if (item != l.items.v)
			putchar('\n');
		plan_print(stdout, item->plan);
	}
	return 0;
}

/* Judges the folder of one scenario again and prints the verdict. */
static void judge_folder(const struct options *opt, int run_fd, const char *slug,
			 const char *folder, struct suite_summary *summary)
{
	_cleanup_arena_ struct arena a = {0};
	struct terminal terminal = {stdout, opt->color, opt->verbosity};
	struct scenario_result result = {0};
	struct observations obs;
	struct plan *plan = NULL;
	struct err err = {0};
	_cleanup_close_ int fd = openat(run_fd, slug, O_RDONLY | O_DIRECTORY | O_CLOEXEC);

	if (fd < 0 || results_judge(fd, &a, &result, &plan, &obs, &err) < 0) {
		fprintf(stderr, "wirecut: %s/%s: %s\n", folder, slug,
			err.msg[0] ? err.msg : strerror(errno));
		summary->scenarios++;
		summary->errors++;
		return;
	}
	result.judged_again = true;
	result.attempts = slug_attempt(plan->slug);
	summary_add(summary, &result);
	terminal_result(&terminal, &result, &obs, folder);
}

static int is_scenario_folder(const struct dirent *e)
{
	return e->d_name[0] != '.' && (e->d_type == DT_DIR || e->d_type == DT_UNKNOWN);
}

/* An inconclusive attempt that was followed by another (queue_again()): the last one counts. */
static bool was_run_again(int run_fd, const char *slug)
{
	const char *again = strstr(slug, SLUG_AGAIN);
	int len = again ? (int)(again - slug) : (int)strlen(slug);
	char next[NAME_MAX + 1];

	snprintf(next, sizeof(next), "%.*s" SLUG_AGAIN "%d", len, slug, slug_attempt(slug));
	return faccessat(run_fd, next, F_OK, 0) == 0;
}

/* Judges every scenario of a run; returns how many there are, or -1 with errno. */
static int judge_run(const struct options *opt, int run_fd, const char *folder,
		     struct suite_summary *summary)
{
	struct dirent **entries;
	int n = scandirat(run_fd, ".", &entries, is_scenario_folder, alphasort);

	if (n < 0)
		return -1;
	for (int i = 0; i < n; i++) {
		if (!was_run_again(run_fd, entries[i]->d_name))
			judge_folder(opt, run_fd, entries[i]->d_name, folder, summary);
		free(entries[i]);
	}
	free(entries);
	return n;
}

/* How many scenarios run.json says were skipped: they left no files to judge. */
static json_int_t count_skipped(int run_fd)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};
	size_t len;
	json_int_t n = 0;
	char *text = io_read_file_at(run_fd, "run.json", &len, &a, &err);
	_cleanup_json_ json_t *run = text ? json_loadb(text, len, 0, NULL) : NULL;

	json_unpack(run, "{s:{s:I}}", "summary", "skipped", &n);
	return n;
}

static int say_nothing_to_judge(int run_fd, const char *folder)
{
	json_int_t skipped = count_skipped(run_fd);

	if (!skipped) {
		fprintf(stderr, "wirecut: %s holds no scenario\n", folder);
		return EXIT_NOTHING;
	}
	fprintf(stderr,
		"wirecut: %s: nothing to judge: all that was to be run was skipped (%lld "
		"scenario%s; the "
		"reasons are in %s/run.json)\n",
		folder, (long long)skipped, skipped == 1 ? "" : "s", folder);
	return EXIT_SKIPPED;
}

int command_judge(struct options *opt)
{
	const char *folder = opt->paths.n ? opt->paths.v[0] : "results/latest";
	struct terminal terminal = {stdout, opt->color, opt->verbosity};
	struct suite_summary summary = {.arena = opt->arena};
	struct suite_info info = {0};
	int n = 1;

	if (opt->paths.n > 1) {
		fprintf(stderr, "wirecut: judge takes one run at a time\n");
		return EXIT_USAGE;
	}
	_cleanup_close_ int run_fd = open(folder, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	if (run_fd >= 0 && faccessat(run_fd, "plan.json", F_OK, 0) == 0)
		judge_folder(opt, run_fd, ".", folder, &summary); /* one scenario's own folder */
	else
		n = run_fd < 0 ? -1 : judge_run(opt, run_fd, folder, &summary);
	if (n < 0) {
		fprintf(stderr,
			"wirecut: %s: %s (a run's folder under results/ is needed: `wirecut run` "
			"makes one)\n",
			folder, strerror(errno));
		return EXIT_ERROR;
	}
	if (!n)
		return say_nothing_to_judge(run_fd, folder);
	terminal_summary(&terminal, &summary, &info, folder);
	return summary_exit_code(&summary, false);
}

int command_version(struct options *opt)
{
	if (opt->paths.n) {
		fprintf(stderr, "wirecut: version takes no arguments, not '%s'\n", opt->paths.v[0]);
		return EXIT_USAGE;
	}
	puts("wirecut " WIRECUT_VERSION);
	return 0;
}
