/* SPDX-License-Identifier: MIT */
/* Reports and the live line of the program from outside: where they go, and where they do not. */
#include <check.h>
#include <fcntl.h>
#include <poll.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/base/nsec.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

#define CUT     "  - {at: 200ms, id: cut, blackhole: {cable: server}, for: 1s}"
#define DETECTS "  - detects: {app: client, fault: cut, within: 1ms}"
#define SKIPPED DETECTS "\nneeds: kernel < 3.0\n"

#define ERASE "\r\033[K"
/* Guards only. */
#define TEXT_WAIT_NS  (20 * NSEC_PER_SEC)
#define TEXT_RETRY_MS 5
#define TIMEOUT_S     120
#define EXIT_BY_INT   130

static struct cli c;

static void setup(void)
{
	cli_start(&c);
	/* Skipped: the quickest scenario there is, for what is the same whatever ran. */
	cli_write_pair(&c, "skipped.yaml", CUT, SKIPPED);
}

static void teardown(void)
{
	cli_finish(&c);
}

static void lacks(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) == NULL, "'%s' is in:\n%s", part, text);
}

static char *path_of(const char *name)
{
	return arena_printf(&c.arena, "%s/%s", c.dir, name);
}

static char *text_of(const char *name)
{
	struct err err = {0};
	char *text = io_read_file(path_of(name), NULL, &c.arena, &err);

	ck_assert_msg(text != NULL, "%s", err.msg);
	return text;
}

START_TEST(files_of_a_real_run)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	struct cli_result r = CLI(&c, "run", "--junit", "j.xml", "--tap", "t.tap", "--json",
				  "r.json", "a.yaml", "skipped.yaml");
	ck_assert_msg(r.code == 1, "%d: %s%s", r.code, r.out, r.err);
	ck_assert_str_eq(text_of("r.json"), text_of("results/latest/run.json"));
	ck_assert_str_eq(text_of("j.xml"), text_of("results/latest/junit.xml"));
	contains(text_of("j.xml"), "<failure type=\"fail\" message=\"a.yaml:10: detects: client");
	contains(text_of("j.xml"), "around it");
	contains(text_of("j.xml"), "<skipped type=\"skip\"");
	contains(text_of("t.tap"), "\n1..2\n");
	contains(r.out, "a.yaml:10: fail detects client");
}
END_TEST

START_TEST(standard_output_is_the_reports_alone)
{
	struct cli_result r = CLI(&c, "run", "--json", "-", "skipped.yaml");
	ck_assert_int_eq(r.code, 5);
	ck_assert_str_eq(r.out, text_of("results/latest/run.json"));
	contains(r.err, "0 of 1 scenarios passed");

	r = CLI(&c, "run", "--tap", "-", "--json", "r.json", "skipped.yaml");
	ck_assert_msg(!strncmp(r.out, "TAP version 14\n", 15), "%s", r.out);
	lacks(r.out, "scenarios passed");
	contains(r.err, "0 of 1 scenarios passed");

	r = CLI(&c, "run", "--junit", "-", "skipped.yaml");
	ck_assert_str_eq(r.out, text_of("results/latest/junit.xml"));

	r = CLI(&c, "run", "skipped.yaml");
	contains(r.out, "0 of 1 scenarios passed");
	ck_assert_str_eq(r.err, "");
}
END_TEST

START_TEST(wrong_paths_are_told_before_anything_runs)
{
	struct cli_result r = CLI(&c, "run", "--json", "-", "--tap", "-", "skipped.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "only one of them can have standard output");
	r = CLI(&c, "run", "--junit", "", "skipped.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "--junit: the name of a file is needed");
	r = CLI(&c, "run", "--github", "maybe", "skipped.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "--github: 'maybe' is none of: auto on off");
	r = CLI(&c, "run", "--tap", "none/t.tap", "skipped.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.err, "--tap none/t.tap: there is no folder none/: make it first");
	r = CLI(&c, "run", "--tap", ".", "skipped.yaml");
	ck_assert_int_eq(r.code, 3);
	contains(r.err, "--tap .: it is a folder: give the name of a file");
	ck_assert_int_ne(access(path_of("results"), F_OK), 0);
}
END_TEST

/* A device is written to, not replaced; a report that cannot be written spoils no other. */
START_TEST(a_report_that_cannot_be_written)
{
	struct cli_result r =
		CLI(&c, "run", "--tap", "/dev/full", "--json", "r.json", "skipped.yaml");
	struct stat st;

	ck_assert_int_eq(r.code, 3);
	contains(r.err, "write /dev/full: No space left on device");
	contains(r.out, "0 of 1 scenarios passed, 1 in error");
	ck_assert_str_eq(text_of("r.json"), text_of("results/latest/run.json"));
	ck_assert_int_eq(stat("/dev/full", &st), 0);
	ck_assert(S_ISCHR(st.st_mode));
	r = CLI(&c, "run", "--tap", "/dev/null", "skipped.yaml");
	ck_assert_int_eq(r.code, 5);
}
END_TEST

START_TEST(github_when_it_is_there)
{
	static const char warning[] = "::warning file=skipped.yaml,line=1,title=";

	lacks(CLI(&c, "run", "skipped.yaml").out, "::");
	contains(CLI(&c, "run", "--github", "on", "skipped.yaml").out, warning);
	setenv("GITHUB_ACTIONS", "true", 1);
	setenv("GITHUB_WORKSPACE", c.dir, 1);
	setenv("GITHUB_STEP_SUMMARY", path_of("summary.md"), 1);
	contains(CLI(&c, "run", "skipped.yaml").out, warning);
	contains(text_of("summary.md"), "## wirecut: 0 of 1 scenarios passed");
	contains(CLI(&c, "run", "--github", "auto", path_of("skipped.yaml")).out, warning);
	lacks(CLI(&c, "run", "--github", "off", "skipped.yaml").out, "::");
	/* With a report on standard output it goes where the lines for people go. */
	struct cli_result r = CLI(&c, "run", "--json", "-", "skipped.yaml");
	lacks(r.out, "::warning");
	contains(r.err, warning);
}
END_TEST

/* --- the live line --- */

/* Everything that the program writes to a terminal of its own. */
static char *on_a_terminal(const char *const argv[])
{
	int master, slave;
	char buf[4096];
	ssize_t n;
	char *all = arena_strdup(&c.arena, "");

	ck_assert_int_eq(openpty(&master, &slave, NULL, NULL, NULL), 0);
	fcntl(master, F_SETFD, FD_CLOEXEC);
	pid_t pid = cli_spawn_on(&c, argv, slave);
	close(slave);
	while ((n = read(master, buf, sizeof(buf) - 1)) > 0) {
		buf[n] = '\0';
		all = arena_printf(&c.arena, "%s%s", all, buf);
	}
	close(master);
	ck_assert_int_eq(cli_wait(&c, pid).code, 1);
	return all;
}

#define ON_A_TERMINAL(...) on_a_terminal((const char *const[]){__VA_ARGS__, NULL})

START_TEST(the_line_on_a_terminal)
{
	setenv("TERM", "xterm", 1);
	setenv("NO_COLOR", "1", 1);
	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	char *all = ON_A_TERMINAL("run", "a.yaml");
	contains(all, "1 running, 0 of 1 done, 0 not passed, ");
	/* The result stands where the line was. */
	contains(all, ERASE "fail ");
	const char *result = strstr(all, ERASE "fail ");
	lacks(result, "0 of 1 done");
	contains(result, "not passed: 0 of 1 scenarios passed");
}
END_TEST

START_TEST(no_line_elsewhere)
{
	cli_write_pair(&c, "a.yaml", CUT, DETECTS);
	setenv("TERM", "xterm", 1);
	lacks(ON_A_TERMINAL("run", "-q", "a.yaml"), " running, ");
	ck_assert_str_eq(CLI(&c, "run", "a.yaml").err, "");
	setenv("TERM", "dumb", 1);
	lacks(ON_A_TERMINAL("run", "a.yaml"), " running, ");
}
END_TEST

static void wait_for_text(const char *name, const char *part)
{
	nsec_t deadline = nsec_monotonic() + TEXT_WAIT_NS;

	while (!strstr(text_of(name), part)) {
		ck_assert_msg(nsec_monotonic() < deadline, "'%s' never came", part);
		poll(NULL, 0, TEXT_RETRY_MS);
	}
}

START_TEST(what_is_running_on_sigusr1)
{
	cli_write_pair(&c, "a.yaml", "  - {at: 30s, id: cut, blackhole: {cable: server}, for: 1s}",
		       DETECTS);
	pid_t pid = cli_spawn(&c, (const char *const[]){"run", "-q", "a.yaml", NULL});
	cli_wait_for_file(&c, "results");
	ck_assert_int_eq(kill(pid, SIGUSR1), 0);
	wait_for_text("err", "its timeout is");
	contains(text_of("err"), "1 running, 0 of 1 done, 0 not passed, ");
	contains(text_of("err"), "\n  a: for ");
	ck_assert_int_eq(kill(pid, SIGINT), 0);
	struct cli_result r = cli_wait(&c, pid);
	ck_assert_int_eq(r.code, EXIT_BY_INT);
	contains(text_of("results/latest/junit.xml"), "name=\"interrupted\" value=\"true\"");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("reports");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_set_timeout(tests, TIMEOUT_S);
	tcase_add_test(tests, files_of_a_real_run);
	tcase_add_test(tests, standard_output_is_the_reports_alone);
	tcase_add_test(tests, wrong_paths_are_told_before_anything_runs);
	tcase_add_test(tests, a_report_that_cannot_be_written);
	tcase_add_test(tests, github_when_it_is_there);
	tcase_add_test(tests, the_line_on_a_terminal);
	tcase_add_test(tests, no_line_elsewhere);
	tcase_add_test(tests, what_is_running_on_sigusr1);
	return run_tests("reports", tests);
}
