/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_ALIKE_H
#define WIRECUT_REPORT_ALIKE_H

#include "harness/report/report.h"

/*
 * Failures of one scenario with several seeds: one is shown in full, and of those that are the same it is
 * said with which seeds they came. Two are the same if the same expectations did not pass, each with the same
 * text but for the figures in it; of what has no expectations, if the reason is.
 */
struct failure {
	char *signature;
	char *slug; /* of the one that came first */
	uint64_t seed;
	VEC(uint64_t) others; /* the seeds of the rest */
};

struct alike {
	struct arena *arena;
	int64_t seeds; /* with how many each scenario is run: with one, each result is shown in full */
	VEC(struct failure *) list;
};

/* Shows a result: in full, or only its line, if the same was shown of another seed. */
void alike_show(struct alike *alike, const struct terminal *t, const struct scenario_result *r,
		const struct observations *obs, const char *folder);

/* A line for each failure that came more than once: "SLUG: the same with seeds 3, 5, 9". */
void alike_print(const struct alike *alike, FILE *out);

#endif
