/* SPDX-License-Identifier: MIT */
/* libFuzzer target: the reader of plan.json and events.jsonl. `make fuzz` builds and runs it. */
#include "harness/data/observation.h"
#include "harness/judge/judge.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The first line is a plan, if it is one; each further line is an event of it. */
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	const char *text = (const char *)data, *end = text + size;
	const char *newline = size ? memchr(text, '\n', size) : NULL;
	struct arena a = {0};
	struct plan plan = {0};
	struct observations obs = {.arena = &a};
	struct scenario_result result;
	struct err err;
	json_t *json = newline ? json_loadb(text, (size_t)(newline - text), 0, NULL) : NULL;

	if (json && plan_from_json(&plan, json, &a, &err) == 0) {
		for (const char *line = newline + 1; line < end; line = newline + 1) {
			struct observation o;

			newline = memchr(line, '\n', (size_t)(end - line));
			if (!newline)
				newline = end;
			if (observation_from_line(&o, line, (size_t)(newline - line), &plan, &a,
						  &err) == 0)
				*vec_push(&a, &obs.list) = o;
		}
		observations_sort(&obs);
		judge(&plan, &obs, &a, &result);
	}
	json_decref(json);
	arena_free(&a);
	return 0;
}
