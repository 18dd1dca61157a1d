/* SPDX-License-Identifier: MIT */
#include "harness/tests/planrun.h"

#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <ftw.h>
#include <limits.h>
#include <poll.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/build/build.h"
#include "harness/parse/parse.h"
#include "harness/report/report.h"

/* A guard only: what is run takes some seconds. */
#define MESSAGE_WAIT_MS 60000
#define FTW_MAX_FDS     16

static char *read_from(const char *path, struct arena *a, struct err *err)
{
	return io_read_file(path, NULL, a, err);
}

void planrun_init(struct planrun *r, const char *text, enum clock_kind clock)
{
	char dir[] = "/tmp/wirecut-planrun.XXXXXX";
	struct build_options options = {.seed = 1, .read_file = read_from};
	struct diags diags;

	*r = (struct planrun){.results_fd = -1};
	diags = (struct diags){.arena = &r->arena};
	r->text = arena_strdup(&r->arena, text);
	ck_assert_ptr_nonnull(mkdtemp(dir));
	r->dir = arena_strdup(&r->arena, dir);
	r->results_fd = open(r->dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(r->results_fd, 0);
	struct scenario *s = parse_scenario("a.yaml", r->text, strlen(r->text), &r->arena, &diags);
	if (!diags.list.n)
		r->plan = build_plan(s, NULL, &options, &r->arena, &diags);
	ck_assert_msg(!diags.list.n, "%s", diags.list.n ? diags.list.v[0].message : "");
	r->plan->clock = clock;
}

static int remove_one(const char *path, const struct stat *st, int type, struct FTW *ftw)
{
	(void)st;
	(void)type;
	(void)ftw;
	return remove(path);
}

void planrun_free(struct planrun *r)
{
	close(TAKE_FD(r->results_fd));
	nftw(r->dir, remove_one, FTW_MAX_FDS, FTW_DEPTH | FTW_PHYS | FTW_MOUNT);
	arena_free(&r->arena);
}

/* False: it is over, and .end says how it went. */
static bool await(struct planrun *r, enum run_stage stage)
{
	struct run_msg msg;
	struct pollfd p = {.fd = r->run.control_fd, .events = POLLIN};

	for (;;) {
		ck_assert_msg(poll(&p, 1, MESSAGE_WAIT_MS) == 1, "the run says nothing");
		if (!run_read(&r->run, &msg)) {
			ck_assert_msg(!(p.revents & POLLHUP), "init ended without a word");
			continue;
		}
		if (msg.stage == RUN_DONE)
			r->end = msg;
		if (msg.stage == stage || msg.stage == RUN_DONE)
			return msg.stage == stage;
	}
}

static char *build_dir(struct arena *a)
{
	const char *build = getenv("BUILD");
	char real[PATH_MAX];

	ck_assert_msg(realpath(arena_printf(a, "%s/bin", build ? build : "build"), real) != NULL,
		      "the programs are not built (BUILD=...)");
	return arena_strdup(a, real);
}

bool planrun_start(struct planrun *r, const struct statetrace_event *trace, size_t n_trace)
{
	char *bin = build_dir(&r->arena);
	const char *keep[] = {bin, NULL};
	struct run_config config = {
		.plan = r->plan,
		.results_fd = r->results_fd,
		.start_dir = "/",
		.path = arena_printf(&r->arena, "%s:%s", bin, getenv("PATH")),
		.keep_dirs = keep,
		.trace = trace,
		.n_trace = n_trace,
	};
	const struct scenario scenario = {.text = r->text, .text_len = strlen(r->text)};
	struct err err = {0};

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &config.nofile), 0);
	ck_assert_msg(results_write_plan(r->results_fd, r->plan, &scenario, &err) == 0, "%s",
		      err.msg);
	ck_assert_msg(run_start(&config, &r->run, &err) == 0, "%s", err.msg);
	if (await(r, RUN_READY))
		return true;
	run_finish(&r->run);
	return false;
}

void planrun_finish(struct planrun *r)
{
	struct plan *again;
	struct err err = {0};

	await(r, RUN_DONE);
	run_finish(&r->run);
	ck_assert_msg(!r->end.err.msg[0], "%s", r->end.err.msg);
	ck_assert_msg(results_judge(r->results_fd, &r->arena, &r->result, &again, &r->obs, &err) ==
			      0,
		      "%s", err.msg);
}

void planrun_abort(struct planrun *r)
{
	run_abort(&r->run);
	run_finish(&r->run);
}

enum verdict planrun_verdict(const struct planrun *r, const char *label)
{
	vec_foreach (e, &r->result.expects)
		if (!strcmp(e->expect->label, label))
			return e->verdict;
	ck_abort_msg("there is no expectation %s", label);
}
