/* SPDX-License-Identifier: MIT */
/* What is said of a program, or of a file of its, that is not there: the cause, and nothing else. */
#include <check.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

#define TEST_TIMEOUT_S 300 /* a guard: each run takes a second */

static struct cli c;

static void setup(void)
{
	cli_start(&c);
}

static void teardown(void)
{
	cli_finish(&c);
}

static struct cli_result run_app(const char *app)
{
	cli_write(
		&c, "a.yaml",
		arena_printf(&c.arena,
			     "version: 1\nname: one app\nhosts: {a: {}}\napps:\n  a: %s\n"
			     "expect:\n  - sockets: {host: a, state: LISTEN, at-most: 9, by: end}\n"
			     "duration: 500ms\n",
			     app));
	return CLI(&c, "run", "a.yaml");
}

START_TEST(test_missing_program)
{
	struct cli_result r = run_app("{host: a, run: \"no-such-program --x\"}");

	ck_assert_int_eq(r.code, 3);
	contains(r.out, "app a on host a: start a: no-such-program: No such file or directory "
			"(looked for it in PATH=");
}
END_TEST

/* What is said of a program that is not there is said only where it is the cause. */
START_TEST(test_missing_program_by_its_path)
{
	static const char own_tmp[] = "each host has a /tmp, a /var/tmp and a /run of its own";
	char *elsewhere = arena_printf(&c.arena, "%s-elsewhere", c.dir);
	char *app = arena_printf(&c.arena, "{host: a, run: %s}", elsewhere);

	struct cli_result r = run_app(app);
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "No such file or directory");
	ck_assert_msg(strstr(r.out, own_tmp) == NULL, "%s", r.out); /* it is nowhere */
	r = run_app("{host: a, run: ./misspelt}");
	ck_assert_msg(r.code == 3 && strstr(r.out, own_tmp) == NULL, "%s", r.out);
	ck_assert_int_eq(symlink("/bin/true", elsewhere), 0);
	r = run_app(app);
	ck_assert_int_eq(unlink(elsewhere), 0);
	ck_assert_int_eq(r.code, 3);
	contains(r.out, own_tmp);
	cli_write(&c, "script", "#!/no/such/interpreter\n");
	ck_assert_int_eq(chmod(arena_printf(&c.arena, "%s/script", c.dir), 0755), 0);
	r = run_app("{host: a, run: ./script}");
	ck_assert_int_eq(r.code, 3);
	contains(r.out, "it is there, but the interpreter that its first line names is not");
}
END_TEST

/* The working folder is not the scenario's: nothing says that a file is to be had, but for this. */
START_TEST(test_file_beside_the_scenario)
{
	cli_write(&c, "s.sh", "exec sleep 100\n");
	struct cli_result r = run_app("{host: a, run: \"sh s.sh\", ready: {listening: 80}}");

	ck_assert_int_eq(r.code, 3);
	contains(r.out, "s.sh is beside the scenario, and the working folder is /tmp of the host");
	contains(r.out, "files: {/tmp/s.sh: {host: a, from: s.sh}}");
	contains(r.out, "    | ");
	r = run_app("{host: a, run: \"sh other.sh\", ready: {listening: 80}}");
	ck_assert_msg(r.code == 3 && strstr(r.out, "beside the scenario") == NULL, "%s", r.out);
	r = run_app(arena_printf(&c.arena, "{host: a, run: \"sh s.sh\", cwd: %s}", c.dir));
	ck_assert_msg(r.code == 0, "%s", r.out);
	r = run_app("{host: a, run: \"sh s.sh\"}\nfiles: {/tmp/s.sh: {host: a, from: s.sh}}");
	ck_assert_msg(r.code == 0, "%s", r.out);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("missing");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, TEST_TIMEOUT_S);
	tcase_add_test(t, test_missing_program);
	tcase_add_test(t, test_missing_program_by_its_path);
	tcase_add_test(t, test_file_beside_the_scenario);
	return run_tests("missing", t);
}
