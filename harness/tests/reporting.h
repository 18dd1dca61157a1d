/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_REPORTING_H
#define WIRECUT_TESTS_REPORTING_H

#include "harness/report/reporter.h"
#include "harness/tests/cli.h"

/*
 * Reports made of results written down by hand, in a folder of the test's own: set the options, see
 * what has ended, end, and look at what was written.
 */
struct reporting {
	struct cli files; /* its folder; reports go there */
	struct report_options options;
	struct suite_info info;
	struct suite_summary summary;
	struct reporters reporters;
	json_t *verdicts;
	int run_fd;
	FILE *terminal;
	char *terminal_text; /* what was written to the terminal, after reporting_end() */
	size_t terminal_len;
	bool begun;
};

/* One result; what is not given is NULL. With a subject it has one expectation, at test.yaml:7. */
struct seen {
	const char *slug;
	enum verdict verdict, expect_verdict;
	const char *name, *practice, *control, *reason, *subject, *observed;
	int attempts;
	const char *guest_kernel; /* that it ran on: then on the virtual clock */
};

void reporting_start(struct reporting *r);
void reporting_see(struct reporting *r, const struct seen *seen);
/* Asserts that all is written. */
void reporting_end(struct reporting *r);
void reporting_finish(struct reporting *r);

/* A path in the folder, and the text of the file there (asserts that it is there). */
char *reporting_path(struct reporting *r, const char *name);
char *reporting_text(struct reporting *r, const char *name);

/* One of each kind of verdict, and a control that was killed, one that survived, one in error. */
void reporting_see_all_kinds(struct reporting *r);
#define ALL_KINDS        9
#define ALL_KINDS_PASSED 2

#endif
