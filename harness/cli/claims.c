/* SPDX-License-Identifier: MIT */
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/cli/commands.h"
#include "harness/report/claims.h"

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

int command_claims(struct options *opt)
{
	const char *folder = opt->paths.n > 0 ? opt->paths.v[0] : "results/latest";
	struct err err = {0};

	if (opt->paths.n > 1) {
		fprintf(stderr, "wirecut: claims takes one run at a time\n");
		return EXIT_USAGE;
	}
	_cleanup_json_ json_t *run = load_run(folder, opt->arena, &err);
	if (!run) {
		fprintf(stderr, "wirecut: %s (a run's folder under results/ is needed)\n", err.msg);
		return EXIT_ERROR;
	}
	bool text = opt->claims_format == CLAIMS_TEXT;
	if (!opt->claims_format_given)
		text = isatty(STDOUT_FILENO) != 0;
	if (claims_print(stdout, run, text ? CLAIMS_TEXT : CLAIMS_MARKDOWN) > 0)
		return 0;
	fprintf(stderr, "wirecut: %s: no scenario of this run has a claim\n", folder);
	return EXIT_NOTHING;
}
