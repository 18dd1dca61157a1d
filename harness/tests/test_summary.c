/* SPDX-License-Identifier: MIT */
/* What a run comes to: its counts, the worth of a control, and the end of who reads the lines. */
#include <check.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/report/report.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

#define TEST_TIMEOUT_S 300 /* a guard: each run takes a second or two */

static struct cli c;

static void setup(void)
{
	cli_start(&c);
}

static void teardown(void)
{
	cli_finish(&c);
}

/* --- counts --- */

static void add_after(struct suite_summary *s, const char *slug, const char *control,
		      enum verdict verdict, int attempts)
{
	struct plan *plan = arena_new(&c.arena, struct plan);

	plan->slug = arena_strdup(&c.arena, slug);
	plan->control = arena_strdup(&c.arena, control);
	summary_add(s, &(struct scenario_result){
			       .plan = plan, .verdict = verdict, .attempts = attempts});
}

static void add(struct suite_summary *s, const char *slug, const char *control,
		enum verdict verdict)
{
	add_after(s, slug, control, verdict, 1);
}

START_TEST(a_control_beside_a_scenario_that_did_not_pass_proves_nothing)
{
	struct suite_summary s = {.arena = &c.arena};

	ck_assert_ptr_null(summary_controls(&s, &c.arena));
	add(&s, "a--off+seed1", "off", VERDICT_PASS); /* a control may end first */
	add(&s, "a+seed1", NULL, VERDICT_FAIL);
	add(&s, "a--off+seed2+again1", "off", VERDICT_PASS);
	add(&s, "a+seed2", NULL, VERDICT_PASS);
	add(&s, "b--off", "off", VERDICT_PASS);
	add(&s, "b+again1", NULL, VERDICT_VOID);
	add(&s, "c--off", "off", VERDICT_PASS); /* its scenario was not run */
	ck_assert_uint_eq(summary_unproven(&s), 2);
	ck_assert_str_eq(
		summary_controls(&s, &c.arena),
		"4 of 4 controls killed (2 beside a scenario that did not pass: no proof)");
}
END_TEST

START_TEST(what_became_of_controls_is_said_of_controls)
{
	struct suite_summary s = {.arena = &c.arena};

	add(&s, "a", NULL, VERDICT_PASS);
	add(&s, "a--x", "x", VERDICT_FAIL);
	add(&s, "a--y", "y", VERDICT_INCONCLUSIVE);
	add(&s, "a--z", "z", VERDICT_VOID);
	add(&s, "a--skipped", "skipped", VERDICT_SKIP);
	ck_assert_str_eq(summary_controls(&s, &c.arena),
			 "0 of 3 controls killed, 1 survived, 1 inconclusive, 1 in error");
	/* The exit code and run.json count them all the same. */
	ck_assert_int_eq(summary_exit_code(&s, false), 3);
	ck_assert_uint_eq(s.failed, 1);
}
END_TEST

/* What was run again counts as flaky only if that decided it, scenarios and controls each for themselves. */
START_TEST(flaky_ones)
{
	struct suite_summary s = {.arena = &c.arena};

	add_after(&s, "a", NULL, VERDICT_PASS, 2);
	add_after(&s, "b", NULL, VERDICT_FAIL, 2);
	add_after(&s, "a--x", "x", VERDICT_PASS, 3);
	add_after(&s, "a--y", "y", VERDICT_INCONCLUSIVE, 3);
	add_after(&s, "a--z", "z", VERDICT_PASS, 1);
	ck_assert_uint_eq(s.flaky, 1);
	ck_assert_str_eq(summary_controls(&s, &c.arena),
			 "2 of 3 controls killed, 1 flaky, 1 inconclusive");
}
END_TEST

/* --- whole runs --- */

/* `bound` decides whether it passes; the control is the same scenario again. */
static void write_scenario(const char *name, const char *more, const char *bound)
{
	cli_write(&c, name,
		  arena_printf(&c.arena,
			       "version: 1\nname: x\nduration: 500ms\n%shosts: {a: {}}\n"
			       "apps: {a: {host: a, run: \"sleep 100\"}}\nexpect:\n"
			       "  - sockets: {host: a, state: LISTEN, %s, by: end}\ncontrols:\n"
			       "  same: {replace: {apps.a.run: \"sleep 99\"}, fails: [sockets]}\n",
			       more, bound));
}

START_TEST(counts_say_what_they_count)
{
	write_scenario("fails.yaml", "", "at-least: 1");
	write_scenario("passes.yaml", "", "at-most: 9");
	struct cli_result r = CLI(&c, "run", "fails.yaml", "passes.yaml");

	ck_assert_msg(r.code == 1, "%d: %s%s", r.code, r.out, r.err);
	contains(r.out, "not passed: 1 of 2 scenarios passed, 1 failed; 1 of 2 controls killed (1 "
			"beside a scenario that did not pass: no proof), 1 survived;");
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	json_t *summary = json_object_get(run, "summary");
	ck_assert_int_eq(json_integer_value(json_object_get(summary, "controls_killed")), 1);
	ck_assert_int_eq(json_integer_value(json_object_get(summary, "controls_unproven")), 1);
}
END_TEST

START_TEST(a_run_that_was_skipped_cannot_be_judged)
{
	write_scenario("skipped.yaml", "needs: kernel >= 99\n", "at-most: 9");
	ck_assert_int_eq(CLI(&c, "run", "skipped.yaml").code, 5);
	struct cli_result r = CLI(&c, "judge");
	ck_assert_msg(r.code == 5, "%d: %s", r.code, r.err);
	contains(r.err, "nothing to judge: all that was to be run was skipped (1 scenario;");
}
END_TEST

/* As under `| head -1`: the reader takes a line, and goes. */
START_TEST(a_run_ends_with_its_reader)
{
	int ends[2];
	char byte = 0;

	write_scenario("a.yaml", "", "at-most: 9");
	ck_assert_int_eq(pipe2(ends, O_CLOEXEC), 0);
	const char *const argv[] = {"run", "-j1", "--repeat", "50", "a.yaml", NULL};
	pid_t pid = cli_spawn_on(&c, argv, ends[1]);
	close(ends[1]);
	while (byte != '\n')
		ck_assert_int_eq(read(ends[0], &byte, 1), 1);
	close(ends[0]);
	struct cli_result r = cli_wait(&c, pid);
	ck_assert_int_eq(r.code, 128 + SIGPIPE);
	/* What had been run by then is there. */
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	ck_assert(json_is_true(json_object_get(run, "interrupted")));
	size_t n = json_array_size(json_object_get(run, "scenarios"));
	ck_assert_msg(n >= 1 && n < 100, "%zu", n);
}
END_TEST

START_TEST(a_disk_that_is_full_is_told)
{
	int full = open("/dev/full", O_WRONLY | O_CLOEXEC);

	ck_assert_int_ge(full, 0);
	const char *const argv[] = {"version", NULL};
	ck_assert_int_eq(cli_wait(&c, cli_spawn_on(&c, argv, full)).code, 3);
	close(full);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("summary");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_test(t, a_control_beside_a_scenario_that_did_not_pass_proves_nothing);
	tcase_add_test(t, what_became_of_controls_is_said_of_controls);
	tcase_add_test(t, flaky_ones);
	tcase_add_test(t, counts_say_what_they_count);
	tcase_add_test(t, a_run_that_was_skipped_cannot_be_judged);
	tcase_add_test(t, a_run_ends_with_its_reader);
	tcase_add_test(t, a_disk_that_is_full_is_told);
	return run_tests("summary", t);
}
