/* SPDX-License-Identifier: MIT */
#include "harness/cli/reports.h"

#include <limits.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

bool reports_on_github(void)
{
	const char *value = getenv("GITHUB_ACTIONS");

	return value && !strcmp(value, "true");
}

static const char *environment(const char *name)
{
	const char *value = getenv(name);

	return value && *value ? value : NULL;
}

void reports_from_environment(struct options *opt)
{
	char cwd[PATH_MAX];

	opt->reports = (struct report_options){
		.github = reports_on_github(),
		.github_summary = environment("GITHUB_STEP_SUMMARY"),
		.github_workspace = environment("GITHUB_WORKSPACE"),
		.cwd = getcwd(cwd, sizeof(cwd)) ? arena_strdup(opt->arena, cwd) : NULL,
		.terminal = stdout,
	};
}

int reports_choose_terminal(struct report_options *reports, struct err *err)
{
	const char *const paths[] = {reports->junit, reports->tap, reports->json};
	size_t n = 0;

	for (size_t i = 0; i < ARRAY_SIZE(paths); i++)
		n += paths[i] && !strcmp(paths[i], OUTPUT_STDOUT);
	if (n > 1)
		return err_set(err, "--junit, --tap, --json: only one of them can have standard "
				    "output (-): give the others a file");
	reports->terminal = n ? stderr : stdout;
	return 0;
}

FILE *reports_progress_line(const struct options *opt)
{
	const char *term = environment("TERM");
	bool can_erase = term && strcmp(term, "dumb") != 0;

	return opt->verbosity > REPORT_QUIET && can_erase && isatty(STDERR_FILENO) ? stderr : NULL;
}
