/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_GITHUB_H
#define WIRECUT_REPORT_GITHUB_H

#include "harness/report/reporter.h"

/*
 * What the reporter for GitHub Actions is made of.
 *
 * GitHub shows at most so many annotations of each kind a step, and drops the summary of a step that
 * is larger (docs.github.com: "Workflow commands for GitHub Actions").
 */
#define GITHUB_ANNOTATIONS_MAX   10
#define GITHUB_SUMMARY_BYTES_MAX ((size_t)1024 * 1024)

/* The message of a workflow command, and the value of one of its properties. In `a`, clean. */
char *github_escape_data(const char *s, struct arena *a);
char *github_escape_property(const char *s, struct arena *a);

/*
 * A path as the user named it, seen from `workspace` (the root of the repository), in `a`. What does
 * not lie below it, and everything when it is not known, stays as it is.
 */
char *github_path(const char *path, const char *workspace, const char *cwd, struct arena *a);

/* The step summary, in GitHub's Markdown: grown as scenarios end. Lives in `arena`. */
struct markdown {
	struct arena *arena;
	VEC(char *) rows;    /* of the table of what did not pass */
	VEC(char *) details; /* the explanation of each */
	VEC(char *) passed;  /* rows of the table of what did */
};

void markdown_add(struct markdown *m, const struct report_result *result);

/*
 * The whole text, at most `limit` bytes: what does not fit is left out, the least important first,
 * and counted. To be freed. NULL: out of memory, or not even its heading fits.
 */
char *markdown_text(const struct markdown *m, const struct suite_info *info,
		    const struct report_end *end, size_t limit, size_t *ret_len);

#endif
