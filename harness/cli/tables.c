/* SPDX-License-Identifier: MIT */
/* The commands that print a table of a run. */
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/cli/commands.h"
#include "harness/report/claims.h"
#include "harness/report/matrix.h"

/* run.json of a run's folder. NULL with *err. */
static json_t *load_run(const char *folder, struct arena *a, struct err *err)
{
	json_error_t where;
	size_t len;
	char *path = arena_printf(a, "%s/run.json", folder);
	char *text = io_read_file(path, &len, a, err);

	if (!text)
		return NULL;
	json_t *run = json_loadb(text, len, JSON_REJECT_DUPLICATES, &where);
	if (!run)
		err_set(err, "%s:%d:%d: %s", path, where.line, where.column, where.text);
	return run;
}

static const char *folder_of(const struct options *opt)
{
	return opt->paths.n > 0 ? opt->paths.v[0] : "results/latest";
}

/* The run that the options name. 0, or an exit code: it was said what is wrong. */
static int open_run(const struct options *opt, const char *command, json_t **ret)
{
	struct err err = {0};

	if (opt->paths.n > 1) {
		fprintf(stderr, "wirecut: %s takes one run at a time\n", command);
		return EXIT_USAGE;
	}
	*ret = load_run(folder_of(opt), opt->arena, &err);
	if (*ret)
		return 0;
	fprintf(stderr,
		"wirecut: %s (a run's folder under results/ is needed: `wirecut run` makes one)\n",
		err.msg);
	return EXIT_ERROR;
}

static enum table_format format_of(const struct options *opt)
{
	if (opt->format_given)
		return opt->format;
	return isatty(STDOUT_FILENO) ? TABLE_TEXT : TABLE_MARKDOWN;
}

int command_claims(struct options *opt)
{
	_cleanup_json_ json_t *run = NULL;
	int code = open_run(opt, "claims", &run);

	if (code)
		return code;
	if (claims_print(stdout, run, format_of(opt)) > 0)
		return 0;
	fprintf(stderr, "wirecut: %s: no scenario of this run has a claim\n", folder_of(opt));
	return EXIT_NOTHING;
}

int command_matrix(struct options *opt)
{
	_cleanup_json_ json_t *run = NULL;
	int code = open_run(opt, "matrix", &run);

	if (code)
		return code;
	struct matrix_counts counts = matrix_print(stdout, run, format_of(opt));
	if (counts.expectations)
		return counts.unkilled ? EXIT_UNKILLED : 0;
	fprintf(stderr, "wirecut: %s: no expectation was judged in this run\n", folder_of(opt));
	return EXIT_NOTHING;
}
