/* SPDX-License-Identifier: MIT */
/* Programs that are run to their end, and what they have printed. */
#include <check.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/wait.h>

#include "harness/base/capture.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

#define TEST_TIMEOUT_S 60
#define LONG           (60 * NSEC_PER_SEC)

static const char *const env[] = {"A=b", NULL};

static struct arena arena;
static struct captured said;
static struct err err;

static void setup(void)
{
	said = (struct captured){0};
	err = (struct err){0};
}

static void teardown(void)
{
	arena_free(&arena);
}

static int run_shell(const char *text, nsec_t limit)
{
	const char *const argv[] = {"/bin/sh", "-c", text, NULL};

	return capture_run(argv, env, limit, &arena, &said, &err);
}

START_TEST(test_what_it_prints)
{
	ck_assert_int_eq(run_shell("echo out$A$HOME; echo err >&2; cat; exit 3", LONG), 0);
	ck_assert_str_eq(said.out, "outb\n");
	ck_assert_str_eq(said.err, "err\n");
	ck_assert(!captured_success(&said));
	ck_assert_int_eq(WEXITSTATUS(said.status), 3);
	/* More than a pipe would hold. */
	ck_assert_int_eq(run_shell("for i in 1 2 3 4 5 6 7 8; do printf %131072s; done", LONG), 0);
	ck_assert_uint_eq(strlen(said.out), (size_t)8 * 131072);
	ck_assert(captured_success(&said));
}
END_TEST

START_TEST(test_what_cannot_be_run)
{
	static const char *const none[] = {"/none", NULL};

	ck_assert_int_eq(capture_run(none, env, LONG, &arena, &said, &err), -1);
	ck_assert_str_eq(err.msg, "run /none: No such file or directory");
}
END_TEST

START_TEST(test_what_does_not_end)
{
	ck_assert_int_eq(run_shell("exec sleep 600", 10 * NSEC_PER_MSEC), -1);
	ck_assert_str_eq(err.msg, "/bin/sh did not end within 0.01 s");
	/* It is gone. */
	ck_assert_int_eq(waitpid(-1, NULL, WNOHANG), -1);
}
END_TEST

START_TEST(test_what_is_killed)
{
	ck_assert_int_eq(run_shell("kill -TERM $$", LONG), 0);
	ck_assert(!captured_success(&said));
	ck_assert_int_eq(WTERMSIG(said.status), SIGTERM);
}
END_TEST

/* The harness blocks signals, and ignores SIGPIPE: the program does not inherit that. */
START_TEST(test_signals)
{
	sigset_t all;

	sigfillset(&all);
	ck_assert_int_eq(sigprocmask(SIG_BLOCK, &all, NULL), 0);
	signal(SIGPIPE, SIG_IGN);
	ck_assert_int_eq(run_shell("kill -PIPE $$; exit 0", LONG), 0);
	ck_assert(WIFSIGNALED(said.status));
	ck_assert_int_eq(WTERMSIG(said.status), SIGPIPE);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("capture");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_what_it_prints);
	tcase_add_test(t, test_what_cannot_be_run);
	tcase_add_test(t, test_what_does_not_end);
	tcase_add_test(t, test_what_is_killed);
	tcase_add_test(t, test_signals);
	return run_tests("capture", t);
}
