/* SPDX-License-Identifier: MIT */
/* A run whose init is stopped for four seconds, as a machine that stalls would stop it. */
#include <check.h>
#include <fcntl.h>
#include <glob.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/nsec.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

static struct cli c;

static void setup(void)
{
	cli_start(&c);
}

static void teardown(void)
{
	cli_finish(&c);
}

/* A child of the program that runs: the init of its only sandbox. */
static pid_t sandbox_of(pid_t pid)
{
	char *path = arena_printf(&c.arena, "/proc/%d/task/%d/children", pid, pid);
	_cleanup_close_ int fd = open(path, O_RDONLY | O_CLOEXEC);
	char text[64] = "";

	ck_assert_int_ge(fd, 0);
	ck_assert_int_gt(read(fd, text, sizeof(text) - 1), 0);
	return (pid_t)strtol(text, NULL, 10);
}

/* Is there a file of that pattern with something in it? */
static bool has_text(const char *pattern)
{
	glob_t found;
	struct stat st;
	bool any = glob(pattern, 0, NULL, &found) == 0 && stat(found.gl_pathv[0], &st) == 0 &&
		   st.st_size > 0;

	globfree(&found);
	return any;
}

/* Stops init for 4 s once the app has printed something; the run's end. */
static struct cli_result run_stalled(const char *const *argv)
{
	char *log = arena_printf(&c.arena, "%s/results/*/a/logs/a.log", c.dir);
	pid_t pid = cli_spawn(&c, argv);
	nsec_t deadline = nsec_monotonic() + 20 * NSEC_PER_SEC;

	while (!has_text(log)) {
		ck_assert(nsec_monotonic() < deadline);
		poll(NULL, 0, 5);
	}
	pid_t init = sandbox_of(pid);
	ck_assert_int_eq(kill(init, SIGSTOP), 0);
	poll(NULL, 0, 4000); /* the stall itself */
	ck_assert_int_eq(kill(init, SIGCONT), 0);
	return cli_wait(&c, pid);
}

/*
 * The harness itself is stopped for longer than the scenario's margin: no verdict, but another run,
 * which passes. Without retries it stays inconclusive.
 */
START_TEST(inconclusive_is_run_again)
{
	const char *const argv[] = {"run", "--retries", _i ? "2" : "0", "a.yaml", NULL};

	cli_write(&c, "a.yaml",
		  "version: 1\nname: two seconds\nduration: 8s\nhosts: {a: {}}\n"
		  "apps: {a: {host: a, shell: \"echo on; sleep 2\"}}\n"
		  "expect:\n  - exits: {app: a, within: 2200ms}\n");
	struct cli_result r = run_stalled(argv);
	contains(r.out, "inconclusive");
	contains(r.out, "but the machine stalled by up to");
	ck_assert_msg(r.code == (_i ? 0 : 3), "%d: %s%s", r.code, r.out, r.err);
	if (_i) {
		contains(r.out, "FLAKY");
		contains(r.out, "1 of 1 scenarios passed, 1 flaky");
	}
}
END_TEST

/* It prints what it must not, and nobody looks: that is no pass. */
START_TEST(nobody_saw_the_end)
{
	const char *const argv[] = {"run", "--retries", "0", "a.yaml", NULL};

	cli_write(&c, "a.yaml",
		  "version: 1\nname: late words\nduration: 3s\nhosts: {a: {}}\n"
		  "apps: {a: {host: a, shell: \"echo on; sleep 2.9; echo bad; sleep 9\"}}\n"
		  "expect:\n  - log: {app: a, match: bad, at-most: 0}\n");
	struct cli_result r = run_stalled(argv);
	contains(r.out, "over the end of the run");
	ck_assert_msg(r.code == 3, "%d: %s%s", r.code, r.out, r.err);
}
END_TEST

/* What it had open a second and a half after t = 0 was looked at late: less by then, or more. */
START_TEST(nobody_saw_the_moment)
{
	const char *const argv[] = {"run", "--retries", "0", "a.yaml", NULL};

	cli_write(&c, "a.yaml",
		  _i ? "version: 1\nname: fewer\nduration: 6s\nhosts: {a: {}}\n"
		       "apps: {a: {host: a, shell: \"exec 3<. 4<. 5<. 6<. 7<.; echo on; sleep 2; "
		       "exec 3<&- 4<&- 5<&- 6<&- 7<&-; sleep 9\"}}\n"
		       "expect:\n  - fds: {app: a, at-most: 10, at: 1500ms}\n"
		     : "version: 1\nname: more\nduration: 6s\nhosts: {a: {}}\n"
		       "apps: {a: {host: a, shell: \"echo on; sleep 2; "
		       "exec 3<. 4<. 5<. 6<. 7<.; sleep 9\"}}\n"
		       "expect:\n  - fds: {app: a, at-most: 10, at: 1500ms}\n");
	struct cli_result r = run_stalled(argv);
	contains(r.out, "the machine stalled");
	ck_assert_msg(r.code == 3, "%d: %s%s", r.code, r.out, r.err);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("stalled_run");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_loop_test(t, inconclusive_is_run_again, 0, 2);
	tcase_add_test(t, nobody_saw_the_end);
	tcase_add_loop_test(t, nobody_saw_the_moment, 0, 2);
	return run_tests("stalled_run", t);
}
