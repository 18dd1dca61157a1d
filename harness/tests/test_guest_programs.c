/* SPDX-License-Identifier: MIT */
/*
 * Programs of all kinds in a guest: interpreted, in Go, linked statically; and what is told when one
 * looks for a file that the guest has not. Each is a scenario of its own, in a folder of its own, with
 * what it takes beside it: what a guest has must come from packing alone.
 *
 * The program is that of the plain build: the sanitizers' would be unpacked and run in the guest.
 */
#include <check.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/tests/cli.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"
#include "harness/virtual/program.h"

#define PLAIN_BUILD "build"
#define PROGRAMS    "harness/tests/guest-programs/"
/* A run may have to boot first: on a busy machine that takes its time. */
#define TEST_TIMEOUT_S 120

static struct cli c;

static void setup(void)
{
	ck_assert_int_eq(setenv("BUILD", PLAIN_BUILD, 1), 0);
	cli_start(&c);
}

/* run.json of the last run; what run() gives is a part of it. */
static json_t *last_run;

static void teardown(void)
{
	json_decref(last_run);
	last_run = NULL;
	cli_finish(&c);
}

/* --- what there is on this machine --- */

static bool is_here(const char *program)
{
	const char *path = getenv("PATH");

	return program_find(program, "/", path ? path : "", &c.arena) != NULL;
}

/* Into the folder, under the same name. */
static void copy(const char *name)
{
	struct err err;
	size_t len;
	const char *text =
		io_read_file(arena_printf(&c.arena, PROGRAMS "%s", name), &len, &c.arena, &err);

	ck_assert_msg(text != NULL, "%s", err.msg);
	cli_write(&c, name, text);
	ck_assert_int_eq(chmod(arena_printf(&c.arena, "%s/%s", c.dir, name), 0755), 0);
}

/* --- running one --- */

static json_t *run(const char *scenario)
{
	struct cli_result r = CLI(&c, "run", "--clock", "virtual", scenario);

	ck_assert_msg(r.code == 0 || r.code == 1 || r.code == 3 || r.code == 5, "exit code %d: %s",
		      r.code, r.err);
	json_decref(last_run);
	last_run = cli_json(&c, "results/latest/run.json");
	return json_array_get(json_object_get(last_run, "scenarios"), 0);
}

static const char *text_of(json_t *scenario, const char *key)
{
	const char *text = json_string_value(json_object_get(scenario, key));

	return text ? text : "";
}

/* False: there are no guests here, and the test is skipped with the reason. */
static bool has_verdict(json_t *scenario, const char *verdict)
{
	const char *got = text_of(scenario, "verdict");

	if (!strcmp(got, "skip")) {
		skip(text_of(scenario, "reason"));
		return false;
	}
	ck_assert_msg(!strcmp(got, verdict), "%s, not %s: %s", got, verdict,
		      text_of(scenario, "reason"));
	return true;
}

static bool is_there(const char *path)
{
	return access(arena_printf(&c.arena, "%s/%s", c.dir, path), F_OK) == 0;
}

/* --- programs --- */

#define COMPILE_WORDS 5

static const struct {
	const char *scenario, *programs[2]; /* in PROGRAMS */
	const char *needs[2];               /* programs of this machine */
	const char *compile[COMPILE_WORDS]; /* the one that makes the program here; or none */
} kinds[] = {
	{"python.yaml", {"echo.py"}, {"python3"}, {NULL}},
	{"node.yaml", {"echo.js"}, {"node"}, {NULL}},
	{"shell.yaml", {"echo.pl", "ask.sh"}, {"perl", "bash"}, {NULL}},
	{"static.yaml", {NULL}, {"gcc"}, {"gcc", "-static", "-o", "echo-static", "echo-static.c"}},
	{"go.yaml", {NULL}, {"go"}, {"go", "build", "-o", "echo-go", "echo.go"}},
};

/* The word behind -o goes into the folder, the last one, the source, comes from PROGRAMS. */
static void compile(const char *const words[COMPILE_WORDS])
{
	const char *argv[COMPILE_WORDS + 1] = {NULL};

	for (size_t i = 0; i < COMPILE_WORDS && words[i]; i++) {
		bool is_output = i > 0 && !strcmp(words[i - 1], "-o");
		bool is_source = i + 1 == COMPILE_WORDS || !words[i + 1];

		argv[i] = is_output   ? arena_printf(&c.arena, "%s/%s", c.dir, words[i])
			  : is_source ? arena_printf(&c.arena, PROGRAMS "%s", words[i])
				      : words[i];
	}
	if (argv[0])
		output_of(&c.arena, argv);
}

START_TEST(test_programs_of_this_kind)
{
	for (size_t i = 0; i < 2 && kinds[_i].needs[i]; i++) {
		if (is_here(kinds[_i].needs[i]))
			continue;
		/* Not by skip(): no test is to depend on all of them being installed. */
		printf("skipped: %s: no %s here\n", kinds[_i].scenario, kinds[_i].needs[i]);
		return;
	}
	compile(kinds[_i].compile);
	for (size_t i = 0; i < 2 && kinds[_i].programs[i]; i++)
		copy(kinds[_i].programs[i]);
	copy(kinds[_i].scenario);
	has_verdict(run(kinds[_i].scenario), "pass");
}
END_TEST

/* --- what was not packed --- */

/* `guest`: a line of the scenario, or nothing; `shell`: what the app runs, told the folder by $D. */
static void write_reader(const char *guest, const char *shell)
{
	ck_assert_int_eq(mkdir(arena_printf(&c.arena, "%s/data", c.dir), 0755), 0);
	cli_write(&c, "data/a.conf", "");
	cli_write(&c, "a.yaml",
		  arena_printf(&c.arena,
			       "version: 1\n"
			       "name: a program reads a file\n"
			       "duration: 1s\n"
			       "hosts: {only: {}}\n"
			       "%s"
			       "apps:\n"
			       "  reader: {host: only, shell: '%s', env: {D: %s/data}, exit: 1,"
			       " start: manual}\n"
			       "timeline: [{at: 100ms, start: reader}]\n"
			       "expect: [{exits: {app: reader, status: 0}}]\n",
			       guest, shell, c.dir));
}

static const char reads[] = "cat $D/a.conf || exit 1";

START_TEST(test_a_file_that_was_not_packed)
{
	write_reader("", reads);
	json_t *scenario = run("a.yaml");
	if (!has_verdict(scenario, "error"))
		return;
	const char *reason = text_of(scenario, "reason");
	ck_assert_msg(strstr(reason, arena_printf(&c.arena, "%s/data/a.conf (by cat)", c.dir)) &&
			      strstr(reason, "guest: {files: ["),
		      "%s", reason);
	ck_assert(is_there(arena_printf(&c.arena, "results/latest/%s/not-packed.txt",
					text_of(scenario, "slug"))));
}
END_TEST

START_TEST(test_a_file_that_the_scenario_names)
{
	write_reader("guest: {files: data}\n", reads);
	json_t *scenario = run("a.yaml");
	if (!has_verdict(scenario, "pass"))
		return;
	ck_assert(!is_there(arena_printf(&c.arena, "results/latest/%s/not-packed.txt",
					 text_of(scenario, "slug"))));
}
END_TEST

/* A program that fails by itself gets its own verdict: nothing that it looked for was lacking. */
START_TEST(test_a_failure_that_is_the_programs_own)
{
	write_reader("", "cat /none/of/that/name; exit 1");
	has_verdict(run("a.yaml"), "fail");
}
END_TEST

START_TEST(test_a_file_of_the_scenario_that_is_not_there)
{
	write_reader("guest: {files: [data, none]}\n", reads);
	json_t *scenario = run("a.yaml");
	if (!has_verdict(scenario, "error"))
		return;
	ck_assert_msg(strstr(text_of(scenario, "reason"), "guest") != NULL, "%s",
		      text_of(scenario, "reason"));
}
END_TEST

/* --- memory --- */

START_TEST(test_more_memory_than_a_guest_has)
{
	/* It waits for a line's end, and keeps all until then. */
	write_reader("", "tail /dev/zero");
	json_t *scenario = run("a.yaml");
	if (!has_verdict(scenario, "error"))
		return;
	ck_assert_msg(strstr(text_of(scenario, "reason"), "the guest ran out of memory") != NULL,
		      "%s", text_of(scenario, "reason"));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("guest programs");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, test_programs_of_this_kind, 0, (int)ARRAY_SIZE(kinds));
	tcase_add_test(t, test_a_file_that_was_not_packed);
	tcase_add_test(t, test_a_file_that_the_scenario_names);
	tcase_add_test(t, test_a_failure_that_is_the_programs_own);
	tcase_add_test(t, test_a_file_of_the_scenario_that_is_not_there);
	tcase_add_test(t, test_more_memory_than_a_guest_has);
	return run_tests("guest programs", t);
}
