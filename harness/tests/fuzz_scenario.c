/* SPDX-License-Identifier: MIT */
/* libFuzzer target: the parser and the planner of scenario files. `make fuzz` builds and runs it. */
#include "harness/build/build.h"
#include "harness/parse/parse.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static char *no_files(const char *path, struct arena *a, struct err *err)
{
	(void)a;
	err_set(err, "%s: no file here", path);
	return NULL;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct arena a = {0};
	struct diags diags = {.arena = &a};
	struct build_options options = {.seed = 1, .read_file = no_files};
	char *text = arena_strndup(&a, (const char *)data, size);
	struct scenario *s = parse_scenario("fuzz.yaml", text, size, &a, &diags);

	if (s) {
		build_plan(s, NULL, &options, &a, &diags);
		vec_foreach (c, &s->controls)
			build_plan(s, c, &options, &a, &diags);
	}
	arena_free(&a);
	return 0;
}
