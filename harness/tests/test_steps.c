/* SPDX-License-Identifier: MIT */
/* The steps of a timeline that act on programs, and what is said of one that cannot be done. */
#include <check.h>

#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

#define TEST_TIMEOUT_S 120 /* a guard: each run takes some seconds */

static struct cli c;

static void setup(void)
{
	cli_start(&c);
}

static void teardown(void)
{
	cli_finish(&c);
}

/* Every step does what it says, seen by a program that only counts. */
START_TEST(test_steps)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: steps\nhosts: {a: {}}\n"
		  "apps:\n"
		  "  server: {host: a, run: \"ref-server --listen :8000\", ready: {listening: "
		  "8000}}\n"
		  "  late: {host: a, shell: \"echo late; exec sleep 100\", start: manual}\n"
		  "timeline:\n"
		  "  - {at: 100ms, start: late}\n"
		  "  - {at: 300ms, exec: {host: a, run: \"touch /tmp/was-here\"}}\n"
		  "  - {at: 500ms, exec: {host: a, run: \"test -e /tmp/was-here\"}}\n"
		  "  - {at: 600ms, pause: late}\n"
		  "  - {at: 700ms, resume: late}\n"
		  "  - {at: 800ms, restart: server}\n"
		  "  - {at: 1500ms, stop: late}\n"
		  "expect:\n"
		  "  - sockets: {host: a, state: LISTEN, at-least: 1, by: end}\n"
		  "duration: 4s\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
}
END_TEST

/* With the place of the step, and with what the program said. */
START_TEST(test_an_exec_that_fails)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: steps\nhosts: {a: {}}\n"
		  "apps: {s: {host: a, run: \"sleep 100\"}}\n"
		  "timeline:\n"
		  "  - {at: 50ms, exec: {host: a, run: \"true\"}}\n"
		  "  - {at: 100ms, exec: {host: a, run: \"ls /not-there\"}}\n"
		  "expect:\n  - sockets: {host: a, state: LISTEN, at-most: 0, by: end}\n"
		  "duration: 1s\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "a.yaml:7: exec ls: it ended with status 2\n");
	contains(r.out, "    | ls: ");
	contains(r.out, "/not-there");
}
END_TEST

/*
 * The step is about the old program, which will not go in time; the new one runs by itself. Until then
 * that was not to be known: nothing is said of it before the run.
 */
START_TEST(test_a_resume_of_what_is_not_paused)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: steps\nhosts: {a: {}}\n"
		  "apps: {a: {host: a, shell: \"trap '' TERM; echo on; while :; do sleep 0.02; "
		  "done\", ready: {log: on}, stop: {grace: 300ms}}}\n"
		  "timeline:\n"
		  "  - {at: 100ms, restart: a}\n"
		  "  - {at: 200ms, pause: a}\n"
		  "  - {at: 1500ms, resume: a}\n"
		  "expect:\n  - sockets: {host: a, state: LISTEN, at-most: 0, by: end}\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "a.yaml:8: resume a: it is not paused");
}
END_TEST

/* What is started while it goes is the new program only when the old one has gone. */
START_TEST(test_a_pause_of_what_is_paused)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: steps\nhosts: {a: {}}\n"
		  "apps: {a: {host: a, shell: \"trap '' TERM; echo on; while :; do sleep 0.02; "
		  "done\", ready: {log: on}, stop: {grace: 5s}}}\n"
		  "timeline:\n"
		  "  - {at: 100ms, stop: a}\n"
		  "  - {at: 200ms, pause: a}\n"
		  "  - {at: 300ms, start: a}\n"
		  "  - {at: 400ms, pause: a}\n"
		  "expect:\n  - sockets: {host: a, state: LISTEN, at-most: 0, by: end}\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "a.yaml:9: pause a: it is paused already");
}
END_TEST

/* The first takes its time to go; the second begins when it has gone. */
START_TEST(test_a_start_waits_for_the_end)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: again\nduration: 2s\nhosts: {a: {}}\n"
		  "apps: {a: {host: a, shell: \"trap 'sleep 0.3; exit' TERM; echo on; "
		  "while :; do sleep 0.02; done\"}}\n"
		  "timeline:\n  - {at: 200ms, stop: a}\n  - {at: 250ms, start: a}\n"
		  "expect:\n  - log: {app: a, match: \"^on$\", at-least: 2}\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("steps");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_test(t, test_steps);
	tcase_add_test(t, test_a_resume_of_what_is_not_paused);
	tcase_add_test(t, test_a_pause_of_what_is_paused);
	tcase_add_test(t, test_an_exec_that_fails);
	tcase_add_test(t, test_a_start_waits_for_the_end);
	return run_tests("steps", t);
}
