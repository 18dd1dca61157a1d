/* SPDX-License-Identifier: MIT */
/*
 * GitHub Actions: an annotation at the line of each expectation that did not hold, written among the
 * lines for people, where the runner finds it; and the step summary.
 */
#include "harness/report/github.h"

#include <fcntl.h>
#include <sys/stat.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/report/clean.h"
#include "harness/report/slug.h"

enum level { LEVEL_ERROR, LEVEL_WARNING, LEVEL_N };

struct github {
	size_t made[LEVEL_N]; /* those over GITHUB_ANNOTATIONS_MAX are counted, not written */
	struct markdown summary;
};

/* --- what GitHub wants escaped (actions/toolkit, packages/core/src/command.ts) --- */

static char *escape(const char *s, const char *which, struct arena *a)
{
	char *clean = clean_text(s, a);
	char *escaped = arena_alloc(a, 3 * strlen(clean) + 1), *to = escaped;

	for (const char *c = clean; *c; c++)
		if (strchr(which, *c))
			to += sprintf(to, "%%%02X", (unsigned char)*c);
		else
			*to++ = *c;
	return escaped;
}

char *github_escape_data(const char *s, struct arena *a)
{
	return escape(s, "%\r\n", a);
}

char *github_escape_property(const char *s, struct arena *a)
{
	return escape(s, "%\r\n:,", a);
}

/* What of `path` lies below `folder`; NULL: it does not lie there. "" is the folder itself. */
static const char *below(const char *path, const char *folder)
{
	size_t len = strlen(folder);

	while (len && folder[len - 1] == '/')
		len--;
	if (strncmp(path, folder, len) != 0 || (path[len] && path[len] != '/'))
		return NULL;
	path += len;
	return path + strspn(path, "/");
}

char *github_path(const char *path, const char *workspace, const char *cwd, struct arena *a)
{
	while (!strncmp(path, "./", 2))
		path += 2;
	if (!workspace || !cwd)
		return arena_strdup(a, path);
	if (*path == '/') {
		const char *relative = below(path, workspace);

		return arena_strdup(a, relative ? relative : path);
	}
	const char *prefix = below(cwd, workspace);
	if (!prefix || !*prefix)
		return arena_strdup(a, path);
	return arena_printf(a, "%s/%s", prefix, path);
}

/* --- annotations --- */

static void annotate(struct reporter *r, enum level level, struct pos pos, const char *title,
		     const char *message)
{
	static const char *const commands[] = {"error", "warning"};
	const struct report_options *o = r->options;
	_cleanup_arena_ struct arena a = {0};
	struct github *g = r->state;

	if (++g->made[level] > GITHUB_ANNOTATIONS_MAX)
		return;
	char *path = github_path(pos.file, o->github_workspace, o->cwd, &a);
	fprintf(o->terminal, "::%s file=%s,line=%d,title=%s::%s\n", commands[level],
		github_escape_property(path, &a), pos.line, github_escape_property(title, &a),
		github_escape_data(message, &a));
}

/* One for each expectation of a scenario that did not hold; else one for the whole. */
static void annotate_result(struct reporter *r, const struct scenario_result *s, enum level level)
{
	_cleanup_arena_ struct arena a = {0};
	char *title = arena_printf(&a, "%s: %s", slug_without_attempt(s->plan->slug, &a),
				   verdict_names[s->verdict]);
	bool located = false;

	vec_foreach (e, &s->expects) {
		const struct pos *pos = &e->expect->spec.pos;

		if (s->plan->control || e->verdict == VERDICT_PASS || !pos->file || !pos->line)
			continue;
		located = true;
		annotate(r, level, *pos, title, explain_expect(e, &a));
	}
	if (!located)
		annotate(r, level, result_pos(s), title, explain_reason(s, &a));
}

/* It passed, but only when it was run again: somebody may want to know. */
static void annotate_flaky(struct reporter *r, const struct scenario_result *s)
{
	_cleanup_arena_ struct arena a = {0};

	annotate(r, LEVEL_WARNING, result_pos(s),
		 arena_printf(&a, "%s: FLAKY", slug_without_attempt(s->plan->slug, &a)),
		 arena_printf(&a, "passed at attempt %d, inconclusive before", s->attempts));
}

/* --- the reporter --- */

static bool github_wants(const struct report_options *options, const char **ret_path)
{
	(void)ret_path;
	return options->github;
}

static int github_begin(struct reporter *r, struct err *err)
{
	struct github *g = arena_new(r->arena, struct github);

	(void)err;
	g->summary.arena = r->arena;
	r->state = g;
	return 0;
}

static void github_result(struct reporter *r, const struct report_result *result)
{
	struct github *g = r->state;

	switch (result_outcome(result->result)) {
	case OUTCOME_PASSED:
		if (result->result->attempts > 1)
			annotate_flaky(r, result->result);
		break;
	case OUTCOME_SKIPPED:
		annotate_result(r, result->result, LEVEL_WARNING);
		break;
	default:
		annotate_result(r, result->result, LEVEL_ERROR);
		break;
	}
	fflush(r->options->terminal);
	markdown_add(&g->summary, result);
}

/* Says that there were more than GitHub shows; a notice is a kind of its own. */
static void say_what_is_left_out(const struct github *g, FILE *out)
{
	size_t left_out = 0;

	for (size_t i = 0; i < LEVEL_N; i++)
		if (g->made[i] > GITHUB_ANNOTATIONS_MAX)
			left_out += g->made[i] - GITHUB_ANNOTATIONS_MAX;
	if (left_out)
		fprintf(out,
			"::notice title=wirecut::%zu more in the step summary and in the log\n",
			left_out);
}

/* Appends, for the step may have written there itself; all of it or nothing. */
static int append_summary(const struct reporter *r, const struct report_end *end, struct err *err)
{
	const char *path = r->options->github_summary;
	const struct github *g = r->state;
	struct stat st;
	size_t len;
	_cleanup_close_ int fd = open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0644);

	if (fd < 0 || fstat(fd, &st) < 0)
		return err_errno(err, "write the step summary %s", path);
	size_t used = (size_t)st.st_size;
	size_t limit = used < GITHUB_SUMMARY_BYTES_MAX ? GITHUB_SUMMARY_BYTES_MAX - used : 0;
	_cleanup_free_ char *text = markdown_text(&g->summary, r->info, end, limit, &len);
	if (!text || io_write_all(fd, text, len) == 0)
		return 0; /* full by what the step wrote itself: nothing more can be shown */
	err_errno(err, "write the step summary %s", path);
	if (ftruncate(fd, st.st_size) < 0)
		err_wrap(err, "it is cut short");
	return -1;
}

static int github_end(struct reporter *r, const struct report_end *end, struct err *err)
{
	say_what_is_left_out(r->state, r->options->terminal);
	return r->options->github_summary ? append_summary(r, end, err) : 0;
}

const struct reporter_ops github_ops = {
	.name = "github",
	.wants = github_wants,
	.begin = github_begin,
	.result = github_result,
	.end = github_end,
};
