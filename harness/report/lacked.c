/* SPDX-License-Identifier: MIT */
/*
 * What a guest lacked, and when it makes a verdict an error.
 *
 * A program that does not find a file may do without it, and mostly does: that it looked proves
 * nothing. But a program that ended otherwise than it should may have ended for the lack, and then the
 * scenario says nothing about the network. So the list is part of the reason
 *
 *   of an error      whatever it was: an app did not start, did not become ready, or ended
 *   of a failure     only of `exits`, where a process ended by itself with another status or signal
 *                    than was asked (not merely too late), and something was looked for by a process
 *                    that is not of another app, as its name tells; it is then an error
 *
 * All other failures stand: a heartbeat that came too late was not read from a file. What every
 * program of the C library looks for is not in the list (virtual/lookups.c), so that one that opens
 * nothing by itself gets its own verdict. Nor is a control's verdict touched: it is there to fail.
 */
#include "harness/report/lacked.h"

#include <errno.h>
#include <fcntl.h>
#include <libgen.h>
#include <sys/stat.h>

#include "harness/base/io.h"
#include "harness/judge/expect.h"
#include "harness/judge/say.h"

/* As many files as a reason names; the rest is in the file. */
#define FILES_SHOWN 3
/* Of a process's name the kernel keeps this much (TASK_COMM_LEN, without the NUL). */
#define NAME_BYTES 15

/* --- who looked --- */

static const char *name_of(const struct plan_app *app)
{
	const char *slash = strrchr(app->argv.v[0], '/');

	return slash ? slash + 1 : app->argv.v[0];
}

/* True if a process of this name is one of that app; children of it may have any name. */
static bool may_be_of(const struct plan *plan, const char *group, const char *program)
{
	bool of_another = false;

	vec_foreach (app, &plan->apps) {
		if (strncmp(name_of(app), program, NAME_BYTES) != 0)
			continue;
		if (!strcmp(app->group, group))
			return true;
		of_another = true;
	}
	return !of_another;
}

static void add_file(struct not_packed *to, const struct not_packed_file *file, struct arena *a)
{
	VEC(struct not_packed_file) files = {to->v, to->n};

	for (size_t i = 0; i < files.n; i++)
		if (!strcmp(files.v[i].path, file->path))
			return;
	*vec_push(a, &files) = *file;
	*to = (struct not_packed){files.v, files.n};
}

/* What processes of this app looked for; of any app, if it is NULL. */
static struct not_packed files_of(const struct scenario_result *r, const char *group,
				  struct arena *a)
{
	struct not_packed files = {0};

	for (size_t i = 0; i < r->not_packed.n; i++)
		if (!group || may_be_of(r->plan, group, r->not_packed.v[i].program))
			add_file(&files, &r->not_packed.v[i], a);
	return files;
}

/* --- who failed --- */

/* The app, if this is an `exits` that failed for how one of its processes ended by itself. */
static const char *ended_otherwise(const struct scenario_result *r, const struct expect_result *e,
				   const struct observations *obs)
{
	const struct expect_spec *spec = &e->expect->spec;
	int64_t status = spec->status == COUNT_UNSET ? 0 : spec->status;
	int signal = spec->signal ? signal_number(spec->signal) : 0;

	if (e->verdict != VERDICT_FAIL || spec->ops != expect_find("exits"))
		return NULL;
	vec_foreach (o, &obs->list) {
		if (o->source != OBS_PROCESS || o->event != EV_EXIT || o->process.by_harness)
			continue;
		for (size_t i = 0; i < e->expect->apps.n; i++) {
			bool as_asked = o->process.signal == signal &&
					(signal || o->process.status == status);

			if (e->expect->apps.v[i] == o->app && !as_asked)
				return r->plan->apps.v[o->app].group;
		}
	}
	return NULL;
}

/* --- the reason --- */

static char *say_files(const struct not_packed *files, struct arena *a)
{
	char *text = arena_strdup(a, "");

	for (size_t i = 0; i < files->n && i < FILES_SHOWN; i++)
		text = arena_printf(a, "%s%s%s (by %s)", text, i ? ", " : "", files->v[i].path,
				    files->v[i].program);
	if (files->n > FILES_SHOWN)
		text = arena_printf(a, "%s and %zu more (" NOT_PACKED_FILE ")", text,
				    files->n - FILES_SHOWN);
	return text;
}

static void explain(struct scenario_result *r, const struct not_packed *files, struct arena *a)
{
	r->verdict = VERDICT_ERROR;
	r->reason = arena_printf(a,
				 "%s; the guest lacks what was looked for: %s; if it is needed "
				 "name it in the scenario: guest: {files: [%s]}",
				 r->reason, say_files(files, a), files->v[0].path);
}

void lacked_weigh(struct scenario_result *r, const struct observations *obs, struct arena *a)
{
	struct not_packed files;

	if (r->verdict == VERDICT_ERROR && (files = files_of(r, NULL, a)).n > 0) {
		explain(r, &files, a);
		return;
	}
	if (r->verdict != VERDICT_FAIL || r->plan->control)
		return;
	vec_foreach (e, &r->expects) {
		const char *group = ended_otherwise(r, e, obs);

		if (group && (files = files_of(r, group, a)).n > 0) {
			explain(r, &files, a);
			return;
		}
	}
}

int lacked_read(int scenario_fd, const struct observations *obs, struct arena *a,
		struct scenario_result *r, struct err *err)
{
	struct stat st;

	if (fstatat(scenario_fd, NOT_PACKED_FILE, &st, 0) < 0)
		return errno == ENOENT ? 0 : err_errno(err, "read " NOT_PACKED_FILE);
	const char *text = io_read_file_at(scenario_fd, NOT_PACKED_FILE, NULL, a, err);
	if (!text)
		return -1;
	not_packed_read(text, a, &r->not_packed);
	lacked_weigh(r, obs, a);
	return 0;
}
