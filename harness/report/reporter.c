/* SPDX-License-Identifier: MIT */
#include "harness/report/reporter.h"

#include <assert.h>

#include "harness/base/cleanup.h"
#include "harness/report/clean.h"

const struct reporter_ops *const reporter_registry[] = {
	&junit_ops, &tap_ops, &json_ops, &github_ops, NULL,
};
static_assert(ARRAY_SIZE(reporter_registry) - 1 <= REPORTERS_MAX, "room for each");

static int begin(struct reporters *rs, const struct reporter_ops *ops,
		 const struct suite_info *info, struct err *err)
{
	struct reporter *r = &rs->list[rs->n];
	const char *path = NULL;

	*r = (struct reporter){
		.ops = ops,
		.options = &rs->options,
		.info = info,
		.out = {.folder_fd = -1, .fd = -1},
		.arena = &rs->arena,
	};
	if (!ops->wants(&rs->options, &path))
		return 0;
	rs->n++;
	if (path && output_open(&r->out, arena_printf(&rs->arena, "--%s", ops->name), path,
				&rs->arena, err) < 0)
		return -1;
	return ops->begin ? ops->begin(r, err) : 0;
}

int reporters_begin(struct reporters *rs, const struct report_options *options,
		    const struct suite_info *info, struct err *err)
{
	*rs = (struct reporters){.options = *options};
	for (size_t i = 0; reporter_registry[i]; i++)
		if (begin(rs, reporter_registry[i], info, err) < 0)
			return -1;
	return 0;
}

/* What the terminal would show of it. */
static char *explanation(const struct scenario_result *r, const struct observations *obs,
			 const char *folder, struct arena *a)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	struct terminal terminal = {open_memstream(&text, &len), false, REPORT_NORMAL};

	if (!terminal.out)
		return arena_strdup(a, "");
	terminal_result(&terminal, r, obs, folder);
	fclose(terminal.out);
	return clean_text(text, a);
}

void reporters_result(struct reporters *rs, const struct scenario_result *r,
		      const struct observations *obs, const char *folder)
{
	_cleanup_arena_ struct arena a = {0};
	struct report_result result = {
		.result = r,
		.folder = folder ? arena_printf(&a, "%s/%s", folder, r->plan->slug) : NULL,
		.explanation = explanation(r, obs, folder, &a),
	};

	for (size_t i = 0; i < rs->n; i++)
		if (rs->list[i].ops->result)
			rs->list[i].ops->result(&rs->list[i], &result);
}

int reporters_end(struct reporters *rs, const struct report_end *end, struct err *err)
{
	int rc = 0;

	for (size_t i = 0; i < rs->n; i++) {
		struct err one = {0};

		if (!rs->list[i].ops->end || rs->list[i].ops->end(&rs->list[i], end, &one) == 0)
			continue;
		rc = rc < 0 ? err_wrap(err, "%s", one.msg) : err_set(err, "%s", one.msg);
	}
	return rc;
}

void reporters_free(struct reporters *rs)
{
	for (size_t i = 0; i < rs->n; i++)
		output_close(&rs->list[i].out);
	arena_free(&rs->arena);
	rs->n = 0;
}
