/* SPDX-License-Identifier: MIT */
/* Which program an app's name means: the suite's own, one unpacked beside them, or the machine's. A
 * copy of wirecut runs in a folder of the test's own, with programs that tell by their exit status
 * which one it was. */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/sendfile.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

#define TEST_TIMEOUT_S  120
#define STATUS_OWN      7
#define STATUS_UNPACKED 8

/* The copy is $BUILD/bin/wirecut to cli.c. Its ../programs is a link to a folder elsewhere in /tmp,
 * which the hosts see only if it is kept for them: their /tmp is private. */
static struct cli c, unpacked;

static char *in(struct cli *dir, const char *name)
{
	return arena_printf(&dir->arena, "%s/%s", dir->dir, name);
}

static void make_dir(struct cli *dir, const char *name)
{
	ck_assert_int_eq(mkdir(in(dir, name), 0755), 0);
}

static void copy_wirecut(void)
{
	const char *build = getenv("BUILD");
	_cleanup_close_ int from =
		open(arena_printf(&c.arena, "%s/bin/wirecut", build ? build : "build"),
		     O_RDONLY | O_CLOEXEC);
	_cleanup_close_ int to = open(in(&c, "bin/wirecut"), O_WRONLY | O_CREAT | O_CLOEXEC, 0755);
	struct stat st;

	ck_assert_int_ge(from, 0);
	ck_assert_int_ge(to, 0);
	ck_assert_int_eq(fstat(from, &st), 0);
	while (lseek(from, 0, SEEK_CUR) < st.st_size)
		ck_assert_int_gt(sendfile(to, from, NULL, (size_t)st.st_size), 0);
}

static void write_program(struct cli *dir, const char *name, int status)
{
	cli_write(dir, name, arena_printf(&dir->arena, "#!/bin/sh\nexit %d\n", status));
	ck_assert_int_eq(chmod(in(dir, name), 0755), 0);
}

static void setup(void)
{
	cli_start(&c);
	cli_start(&unpacked);
	make_dir(&c, "bin");
	make_dir(&unpacked, "usr");
	make_dir(&unpacked, "usr/bin");
	make_dir(&unpacked, "usr/sbin");
	ck_assert_int_eq(symlink(unpacked.dir, in(&c, "programs")), 0);
	copy_wirecut();
	ck_assert_int_eq(setenv("BUILD", c.dir, 1), 0);
}

static void teardown(void)
{
	cli_finish(&c);
	cli_finish(&unpacked);
}

/* Runs `name` as an app, which must end with the status. */
static void expect_status(const char *name, int status)
{
	cli_write(&c, "a.yaml",
		  arena_printf(&c.arena,
			       "version: 1\nname: which program\nhosts: {a: {}}\n"
			       "apps: {a: {host: a, run: %s, start: manual}}\n"
			       "timeline: [{at: 0s, start: a}]\n"
			       "expect: [exits: {app: a, status: %d, within: 5s}]\n",
			       name, status));
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "%d: %s%s", r.code, r.out, r.err);
}

START_TEST(test_unpacked_programs_are_found)
{
	write_program(&unpacked, "usr/bin/some-client", STATUS_UNPACKED);
	write_program(&unpacked, "usr/sbin/some-server", STATUS_UNPACKED);
	expect_status("some-client", STATUS_UNPACKED);
	expect_status("some-server", STATUS_UNPACKED);
}
END_TEST

START_TEST(test_the_suites_own_come_first)
{
	write_program(&unpacked, "usr/bin/ref-client", STATUS_UNPACKED);
	write_program(&c, "bin/ref-client", STATUS_OWN);
	expect_status("ref-client", STATUS_OWN);
}
END_TEST

START_TEST(test_unpacked_ones_come_before_the_machines)
{
	write_program(&unpacked, "usr/bin/true", STATUS_UNPACKED);
	expect_status("true", STATUS_UNPACKED);
}
END_TEST

START_TEST(test_without_unpacked_ones_the_machines_are_found)
{
	ck_assert_int_eq(unlink(in(&c, "programs")), 0);
	expect_status("true", 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("programs");

	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, test_unpacked_programs_are_found);
	tcase_add_test(t, test_the_suites_own_come_first);
	tcase_add_test(t, test_unpacked_ones_come_before_the_machines);
	tcase_add_test(t, test_without_unpacked_ones_the_machines_are_found);
	return run_tests("programs", t);
}
