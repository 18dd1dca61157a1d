/* SPDX-License-Identifier: MIT */
/*
 * The same scenario, seed, kernel and programs give the same bytes on the virtual clock: by itself,
 * while every processor of the machine is kept busy, with another scenario beside it, and in whichever way
 * it is asked for. repeat-virtual.sh does it a hundred times.
 */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/guests.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* A guard; a boot of a guest is among what a test may wait for. */
#define TEST_TIMEOUT_S 240
#define HOGS_MAX       64
#define N_SEEDS        3
#define FIRST_SEED     11

static struct cli c;
static bool can_run;

static void setup(void)
{
	can_run = guests_start(&c);
	guests_write_scenario(&c, "a.yaml");
	guests_write_scenario(&c, "b.yaml");
}

static void teardown(void)
{
	guests_finish(&c, can_run);
}

static bool can_be_exact(void)
{
	if (!can_run)
		return false;
	if (geteuid() == 0)
		return true;
	skip("only root may make a guest's processor a real-time one");
	return false;
}

/* Runs the files with all seeds; the folder of the run. */
static const char *run(const char *jobs, const char *file, const char *beside)
{
	const char *seed = arena_printf(&c.arena, "%d", FIRST_SEED);
	const char *seeds = arena_printf(&c.arena, "%d", N_SEEDS);
	struct cli_result r = CLI(&c, "run", "--clock", "virtual", "--controls", "none", "--seed",
				  seed, "--seeds", seeds, "-j", jobs, file, beside);

	ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
	return guests_run_folder(&c);
}

static char *folder_of_seed(const char *run_folder, int seed)
{
	return arena_printf(&c.arena, "%s/a+seed%d", run_folder, seed);
}

static void expect_same_runs(const char *one, const char *other)
{
	for (int seed = FIRST_SEED; seed < FIRST_SEED + N_SEEDS; seed++)
		guests_assert_same(&c, folder_of_seed(one, seed), folder_of_seed(other, seed));
}

/* One process for each processor that only computes; they end with this one. */
static size_t keep_busy(pid_t *pids)
{
	long n = sysconf(_SC_NPROCESSORS_ONLN);
	size_t started = 0;

	for (; started < HOGS_MAX && (long)started < n; started++) {
		pids[started] = fork();
		ck_assert_int_ge(pids[started], 0);
		if (pids[started] == 0) {
			prctl(PR_SET_PDEATHSIG, SIGKILL);
			for (volatile unsigned long i = 0;; i++)
				;
		}
	}
	return started;
}

START_TEST(test_twice_by_itself)
{
	if (can_be_exact())
		expect_same_runs(run("1", "a.yaml", NULL), run("1", "a.yaml", NULL));
}
END_TEST

START_TEST(test_on_a_busy_machine)
{
	pid_t hogs[HOGS_MAX];

	if (!can_be_exact())
		return;
	const char *alone = run("1", "a.yaml", NULL);
	size_t n = keep_busy(hogs);
	const char *among = run("1", "a.yaml", NULL);
	for (size_t i = 0; i < n; i++) {
		kill(hogs[i], SIGKILL);
		waitpid(hogs[i], NULL, 0);
	}
	expect_same_runs(alone, among);
}
END_TEST

START_TEST(test_beside_another_scenario)
{
	if (can_be_exact())
		expect_same_runs(run("1", "a.yaml", NULL), run("2", "a.yaml", "b.yaml"));
}
END_TEST

/* --- asked for in another way --- */

/* Of a.yaml, by itself; the scenario's folder. */
static const char *run_by_itself(const char *file, const char *more, const char *value)
{
	struct cli_result r = CLI(&c, "run", "--clock", "virtual", "--controls", "none", "--seed",
				  "11", file, more, value);

	ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
	return guests_run_folder(&c);
}

/* Carries out what verdict.json says; the folder of the run that it makes. */
static const char *replay(const char *scenario_folder)
{
	_cleanup_json_ json_t *verdict =
		cli_json(&c, arena_printf(&c.arena, "%s/verdict.json", scenario_folder));
	const char *command = json_string_value(json_object_get(verdict, "replay"));

	ck_assert_int_eq(guests_replay(&c, command), 0);
	return guests_run_folder(&c);
}

START_TEST(test_a_replay_of_one_of_many_seeds)
{
	if (!can_be_exact())
		return;
	const char *seeds = run("1", "a.yaml", NULL);
	for (int seed = FIRST_SEED; seed < FIRST_SEED + N_SEEDS; seed++) {
		const char *one = folder_of_seed(seeds, seed);
		const char *again = arena_printf(&c.arena, "%s/a", replay(one));

		guests_assert_same_run(&c, one, again);
	}
}
END_TEST

START_TEST(test_a_repetition)
{
	if (!can_be_exact())
		return;
	const char *twice = run_by_itself("a.yaml", "--repeat", "2");
	const char *first = arena_printf(&c.arena, "%s/a", twice);
	const char *second = arena_printf(&c.arena, "%s/a+2", twice);

	guests_assert_same_run(&c, first, second);
	guests_assert_same_run(&c, second, arena_printf(&c.arena, "%s/a", replay(second)));
}
END_TEST

/* Each kernel of several gives what it gives alone. */
START_TEST(test_one_kernel_of_two)
{
	if (!can_be_exact())
		return;
	struct strings kernels = guests_kernels(&c.arena);
	if (kernels.n < 2) {
		skip("there is no second kernel: make guest-kernel");
		return;
	}
	struct cli_result r = CLI(&c, "run", "--clock", "virtual", "--controls", "none", "--kernel",
				  kernels.v[0], "--kernel", kernels.v[1], "a.yaml");
	ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
	_cleanup_json_ json_t *both = cli_json(&c, "results/latest/run.json");
	const char *folder = guests_run_folder(&c);
	size_t i;
	json_t *s;
	json_array_foreach(json_object_get(both, "scenarios"), i, s)
	{
		const char *slug = json_string_value(json_object_get(s, "slug"));
		const char *one = arena_printf(&c.arena, "%s/%s", folder, slug);

		guests_assert_same_run(&c, one, arena_printf(&c.arena, "%s/a", replay(one)));
	}
}
END_TEST

START_TEST(test_however_the_path_is_typed)
{
	if (!can_be_exact())
		return;
	const char *dir = strrchr(c.dir, '/') + 1;
	const char *const spellings[] = {
		"./a.yaml",
		arena_printf(&c.arena, "../%s/a.yaml", dir),
		arena_printf(&c.arena, "%s/a.yaml", c.dir),
	};
	const char *plain = arena_printf(&c.arena, "%s/a", run_by_itself("a.yaml", NULL, NULL));
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		_cleanup_json_ json_t *run = NULL;
		const char *folder = run_by_itself(spellings[i], NULL, NULL);

		run = cli_json(&c, "results/latest/run.json");
		const json_t *s = json_array_get(json_object_get(run, "scenarios"), 0);
		const char *slug = json_string_value(json_object_get(s, "slug"));
		guests_assert_same_run(&c, plain, arena_printf(&c.arena, "%s/%s", folder, slug));
	}
}
END_TEST

/* A program beside the scenario sees where it lies, and never how that was typed. */
START_TEST(test_a_program_beside_the_scenario)
{
	if (!can_be_exact())
		return;
	cli_write(&c, "talker", "#!/bin/sh\necho \"{\\\"path\\\": \\\"$0\\\"}\"\n");
	ck_assert_int_eq(chmod(arena_printf(&c.arena, "%s/talker", c.dir), 0755), 0);
	cli_write(&c, "a.yaml",
		  "version: 1\nname: one\nhosts: {h: {}}\napps: {app: {host: h, run: ./talker}}\n"
		  "expect:\n  - exits: {app: app, status: 0, within: 1s}\n");
	const char *plain = arena_printf(&c.arena, "%s/a", run_by_itself("a.yaml", NULL, NULL));
	const char *dotted = arena_printf(&c.arena, "%s/a", run_by_itself("./a.yaml", NULL, NULL));

	guests_assert_same_run(&c, plain, dotted);
	contains(guests_read(&c, dotted, "events.jsonl", NULL),
		 arena_printf(&c.arena, "\"path\":\"%s/talker\"", c.dir));
}
END_TEST

/* An error inside the guest names the file as it was typed. */
START_TEST(test_an_error_names_the_file)
{
	if (!can_run)
		return;
	cli_write(&c, "e.yaml",
		  "version: 1\nname: one\nhosts: {h: {}}\napps: {app: {host: h, run: \"true\"}}\n"
		  "timeline:\n  - {at: 500ms, kill: app}\n"
		  "expect:\n  - exits: {app: app, status: 0, within: 1s}\n");
	struct cli_result r = CLI(&c, "run", "--clock", "virtual", "./e.yaml");
	ck_assert_msg(r.code == 3, "exit code %d\n%s%s", r.code, r.out, r.err);
	contains(r.out, "./e.yaml:6: kill app: it is not running");
	const char *folder = guests_run_folder(&c);
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	const json_t *s = json_array_get(json_object_get(run, "scenarios"), 0);
	const char *slug = json_string_value(json_object_get(s, "slug"));
	const char *events = guests_read(&c, arena_printf(&c.arena, "%s/%s", folder, slug),
					 "events.jsonl", NULL);
	contains(events, "./e.yaml:6: kill");
	ck_assert_ptr_null(strstr(events, "scenario-file-"));
}
END_TEST

/* It would be seen: two seeds give other events and other packets, and the place is told. */
START_TEST(test_other_bytes_are_noticed)
{
	char *why = NULL;

	if (!can_run)
		return;
	const char *folder = run("1", "a.yaml", NULL);
	const char *one = folder_of_seed(folder, FIRST_SEED);
	const char *other = folder_of_seed(folder, FIRST_SEED + 1);
	ck_assert(guests_is_same(&c, one, one, "events.jsonl", &why));
	ck_assert(!guests_is_same(&c, one, other, "packets.pcapng", &why));
	ck_assert(!guests_is_same(&c, one, other, "events.jsonl", &why));
	ck_assert_msg(strstr(why, "events.jsonl of ") && strstr(why, "differ at byte") &&
			      strstr(why, ":\n{\"t\":"),
		      "%s", why);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("determinism");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TEST_TIMEOUT_S);
	tcase_add_test(tests, test_twice_by_itself);
	tcase_add_test(tests, test_on_a_busy_machine);
	tcase_add_test(tests, test_beside_another_scenario);
	tcase_add_test(tests, test_a_replay_of_one_of_many_seeds);
	tcase_add_test(tests, test_a_repetition);
	tcase_add_test(tests, test_one_kernel_of_two);
	tcase_add_test(tests, test_however_the_path_is_typed);
	tcase_add_test(tests, test_a_program_beside_the_scenario);
	tcase_add_test(tests, test_an_error_names_the_file);
	tcase_add_test(tests, test_other_bytes_are_noticed);
	return run_tests("determinism", tests);
}
