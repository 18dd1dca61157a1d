/* SPDX-License-Identifier: MIT */
#include "harness/tests/reporting.h"

#include <check.h>
#include <fcntl.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/judge/expect.h"

#define EXPECT_LINE 7

void reporting_start(struct reporting *r)
{
	*r = (struct reporting){.run_fd = -1};
	cli_start(&r->files);
	r->run_fd = open(r->files.dir, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	ck_assert_int_ge(r->run_fd, 0);
	r->terminal = open_memstream(&r->terminal_text, &r->terminal_len);
	r->options.terminal = r->terminal;
	r->verdicts = json_array();
	r->summary.arena = &r->files.arena;
	r->info = (struct suite_info){
		.run_id = arena_strdup(&r->files.arena, "20261124T113455Z-3f9a"),
		.started = arena_strdup(&r->files.arena, "2026-11-24T11:34:55Z"),
		.kernel = arena_strdup(&r->files.arena, "6.1.0-test"),
		.clock = "real",
		.seed = 42,
		.wall = 3 * NSEC_PER_SEC / 2,
	};
}

static void begin(struct reporting *r)
{
	struct err err = {0};

	if (r->begun)
		return;
	r->begun = true;
	ck_assert_msg(reporters_begin(&r->reporters, &r->options, &r->info, &err) == 0, "%s",
		      err.msg);
}

static void add_expect(struct arena *a, struct plan *plan, struct scenario_result *result,
		       const struct seen *seen)
{
	struct plan_expect *e = vec_push(a, &plan->expects);

	e->spec.ops = expect_find("detects");
	e->spec.pos = (struct pos){.file = plan->file, .line = EXPECT_LINE};
	e->label = arena_strdup(a, "detects");
	if (seen->control)
		*vec_push(a, &plan->must_fail) = 0;
	*vec_push(a, &result->expects) = (struct expect_result){
		.expect = e,
		.verdict = seen->expect_verdict,
		.subject = arena_strdup(a, seen->subject),
		.bound = arena_strdup(a, "within 1s of cut"),
		.observed = arena_strdup(a, seen->observed),
		.t = NSEC_UNSET,
	};
}

void reporting_see(struct reporting *r, const struct seen *seen)
{
	struct arena *a = &r->files.arena;
	struct plan *plan = arena_new(a, struct plan);
	struct scenario_result result = {
		.plan = plan,
		.verdict = seen->verdict,
		.reason = arena_strdup(a, seen->reason),
		.duration = 5 * NSEC_PER_SEC / 2,
		.attempts = seen->attempts,
		.kernel = seen->guest_kernel,
	};

	begin(r);
	plan->file = arena_strdup(a, "test.yaml");
	plan->name = arena_strdup(a, seen->name ? seen->name : "a test");
	plan->slug = arena_strdup(a, seen->slug);
	plan->practice = arena_strdup(a, seen->practice);
	plan->control = arena_strdup(a, seen->control);
	plan->clock = seen->guest_kernel ? CLOCK_VIRTUAL : CLOCK_REAL;
	if (seen->subject)
		add_expect(a, plan, &result, seen);
	json_array_append_new(r->verdicts, results_verdict(&result, &r->info));
	summary_add(&r->summary, &result);
	reporters_result(&r->reporters, &result, NULL, "results/run");
}

void reporting_end(struct reporting *r)
{
	struct err err = {0};

	begin(r);
	_cleanup_json_ json_t *run = results_run(&r->info, &r->summary, r->verdicts);
	struct report_end end = {.summary = &r->summary, .run = run, .run_fd = r->run_fd};
	ck_assert_int_eq(results_write_json(r->run_fd, "run.json", run, &err), 0);
	ck_assert_msg(reporters_end(&r->reporters, &end, &err) == 0, "%s", err.msg);
	fflush(r->terminal);
}

void reporting_finish(struct reporting *r)
{
	reporters_free(&r->reporters);
	json_decref(r->verdicts);
	fclose(r->terminal);
	free(r->terminal_text);
	close(r->run_fd);
	cli_finish(&r->files);
}

char *reporting_path(struct reporting *r, const char *name)
{
	return arena_printf(&r->files.arena, "%s/%s", r->files.dir, name);
}

char *reporting_text(struct reporting *r, const char *name)
{
	struct err err = {0};
	char *text = io_read_file_at(r->run_fd, name, NULL, &r->files.arena, &err);

	ck_assert_msg(text != NULL, "%s", err.msg);
	return text;
}

void reporting_see_all_kinds(struct reporting *r)
{
	static const struct seen all[ALL_KINDS] = {
		{"passes", VERDICT_PASS, .practice = "heartbeat", .subject = "client",
		 .observed = "0.5 s"},
		{"fails", VERDICT_FAIL, .practice = "heartbeat", .reason = "too slow",
		 .subject = "client", .observed = "3 s", .expect_verdict = VERDICT_FAIL},
		{"is-void", VERDICT_VOID, .reason = "fault 'cut' touched no packet"},
		{"is-inconclusive", VERDICT_INCONCLUSIVE, .reason = "the machine was too busy"},
		{"errs", VERDICT_ERROR, .reason = "the sandbox ended unexpectedly"},
		{"is-skipped", VERDICT_SKIP, .reason = "needs netem"},
		{"a--killed", VERDICT_PASS, .control = "killed", .reason = "killed: detects",
		 .subject = "client", .observed = "never", .expect_verdict = VERDICT_FAIL},
		{"a--survived", VERDICT_FAIL, .control = "survived",
		 .reason = "control survived: detects passed", .subject = "client",
		 .observed = "0.1 s"},
		{"a--errs", VERDICT_ERROR, .control = "errs", .reason = "control proves nothing"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(all); i++)
		reporting_see(r, &all[i]);
}
