/* SPDX-License-Identifier: MIT */
/* The very bytes of run.json, where somebody wants them. */
#include "harness/report/reporter.h"

#include "harness/base/cleanup.h"

static bool json_wants(const struct report_options *options, const char **ret_path)
{
	*ret_path = options->json;
	return options->json != NULL;
}

static int json_end(struct reporter *r, const struct report_end *end, struct err *err)
{
	size_t len;
	_cleanup_free_ char *text = results_json_text(end->run, &len);

	if (!text)
		return err_set(err, "--json: out of memory");
	return output_write(&r->out, text, len, err);
}

const struct reporter_ops json_ops = {.name = "json", .wants = json_wants, .end = json_end};
