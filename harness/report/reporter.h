/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_REPORTER_H
#define WIRECUT_REPORT_REPORTER_H

#include "harness/report/output.h"
#include "harness/report/report.h"

/*
 * Reports for machines. Each kind is one file with one table of operations and one line in the
 * registry (reporter.c). The suite tells them of each scenario as it ends, and of the end; what a
 * reporter wants to keep of a result it copies, for the result is gone after the call.
 *
 * A report is written at the end, whole or not at all, also when the run was interrupted; only
 * annotations for GitHub appear as the scenarios end.
 */

/* What the command line and the environment ask for. NULL: not asked for. */
struct report_options {
	const char *junit, *tap, *json; /* a path, or OUTPUT_STDOUT */
	bool github;                    /* annotations, and the step summary if that is given */
	const char *github_summary;     /* the file that GITHUB_STEP_SUMMARY names */
	/* GitHub wants paths from the root of the repository: that root, and the working folder. */
	const char *github_workspace, *cwd;
	FILE *terminal; /* where the lines for people go */
};

/* What a verdict means to those who know no more than four. */
enum outcome {
	OUTCOME_PASSED,
	OUTCOME_FAILED, /* exit code 1: fail, void */
	OUTCOME_ERROR,  /* exit code 3: error, inconclusive, a control that is void */
	OUTCOME_SKIPPED,
};
enum outcome result_outcome(const struct scenario_result *r);

/* One scenario or control that has ended. */
struct report_result {
	const struct scenario_result *result;
	const char *folder;      /* of the scenario's files: results/.../slug; NULL: none */
	const char *explanation; /* what the terminal shows of it, clean, without colours */
};

/* The run, when all have ended. */
struct report_end {
	const struct suite_summary *summary;
	const json_t *run; /* what run.json holds */
	int run_fd;        /* the run's folder */
};

struct reporter {
	const struct reporter_ops *ops;
	const struct report_options *options;
	const struct suite_info *info; /* filled in by the time of the first result */
	struct output out;             /* where `wants` said */
	struct arena *arena;           /* for all that it keeps */
	void *state;                   /* its own */
};

struct reporter_ops {
	const char *name; /* its option, without the dashes */

	/* True if these options ask for it; *ret_path is then where to, or stays NULL. */
	bool (*wants)(const struct report_options *options, const char **ret_path);

	/* Each may be NULL. On failure the others are still told. */
	int (*begin)(struct reporter *r, struct err *err);
	void (*result)(struct reporter *r, const struct report_result *result);
	int (*end)(struct reporter *r, const struct report_end *end, struct err *err);
};

extern const struct reporter_ops *const reporter_registry[]; /* NULL-terminated */
extern const struct reporter_ops junit_ops, tap_ops, json_ops, github_ops;

#define REPORTERS_MAX 8

struct reporters {
	struct arena arena;
	struct report_options options;
	struct reporter list[REPORTERS_MAX];
	size_t n;
};

/*
 * Opens what the options ask for. An error names the option. `info` is kept. Release with
 * reporters_free() in either case.
 */
int reporters_begin(struct reporters *rs, const struct report_options *options,
		    const struct suite_info *info, struct err *err);

/* `obs` may be NULL; `folder` is the run's. */
void reporters_result(struct reporters *rs, const struct scenario_result *r,
		      const struct observations *obs, const char *folder);

/* Writes them all; the error tells of each that could not be written. */
int reporters_end(struct reporters *rs, const struct report_end *end, struct err *err);
void reporters_free(struct reporters *rs);

/* --- what reporters share --- */

/* One expectation in one clean line: what was expected, what was observed. In `a`. */
char *explain_expect(const struct expect_result *e, struct arena *a);

/* Why it did not pass, in one clean line: its reason, or its verdict. In `a`. */
char *explain_reason(const struct scenario_result *r, struct arena *a);

/* Where in the file to look: of a control the first expectation that it should have broken. */
struct pos result_pos(const struct scenario_result *r);

#endif
