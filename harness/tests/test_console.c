/* SPDX-License-Identifier: MIT */
/* What an error takes from a guest's console, and what of it is kept as a file. */
#include <check.h>
#include <sys/mman.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/tests/folder.h"
#include "harness/tests/suite.h"
#include "harness/virtual/console.h"

static struct folder f;
static struct err err;
static int console;

static void setup(void)
{
	folder_make(&f);
	err = (struct err){0};
	console = memfd_create("console", MFD_CLOEXEC);
	ck_assert_int_ge(console, 0);
}

static void teardown(void)
{
	close(console);
	folder_remove(&f);
}

static void say(const char *text)
{
	ck_assert_int_eq(io_write_all(console, text, strlen(text)), 0);
}

static void expect_message(const char *text)
{
	console_explain(console, &err);
	ck_assert_str_eq(err.msg, text);
}

START_TEST(test_an_empty_console_adds_nothing)
{
	err_set(&err, "it ended");
	expect_message("it ended");
	say("\r\n \r\n");
	expect_message("it ended");
}
END_TEST

START_TEST(test_the_last_lines)
{
	err_set(&err, "it ended");
	say("one\r\ntwo\r\n\r\n");
	expect_message("it ended; the guest's console ended with:\none\ntwo");
}
END_TEST

START_TEST(test_only_whole_lines_that_fit)
{
	for (int i = 0; i < 1000; i++)
		say(arena_printf(&f.arena, "line %d is one of many\r\n", i));
	err_set(&err, "it ended");
	console_explain(console, &err);
	ck_assert_ptr_nonnull(strstr(err.msg, " ended with:\nline "));
	ck_assert_str_eq(err.msg + strlen(err.msg) - strlen("\nline 999 is one of many"),
			 "\nline 999 is one of many");
	/* What callers put in front does not push it out. */
	err_wrap(&err, "boot Linux 6.1.0-56-cloud-amd64");
	ck_assert_ptr_nonnull(strstr(err.msg, "\nline 999 is one of many"));
}
END_TEST

START_TEST(test_the_end_of_a_line_without_end)
{
	for (int i = 0; i < 4000; i++)
		say("x");
	say("the end");
	err_set(&err, "it ended");
	console_explain(console, &err);
	ck_assert_ptr_nonnull(strstr(err.msg, "xxthe end"));
}
END_TEST

START_TEST(test_a_panic_is_named)
{
	say("[ 0.1] long ago\r\n[ 1.1] a\r\n[ 1.2] b\r\n[ 1.3] wirecut: no module\r\n"
	    "[ 1.6] Kernel panic - not syncing: Attempted to kill init!\r\n");
	for (int i = 0; i < 200; i++)
		say("[ 1.7]  do_exit+0x1/0x2\r\n");
	err_set(&err, "QEMU exited with 0");
	console_explain(console, &err);
	ck_assert_ptr_nonnull(strstr(err.msg, "QEMU exited with 0: its kernel panicked: "
					      "Attempted to kill init!; the guest's console ended "
					      "with:\n[ 1.1] a\n[ 1.2] b\n[ 1.3] wirecut: no"));
	ck_assert_ptr_null(strstr(err.msg, "long ago"));
}
END_TEST

START_TEST(test_a_panic_on_the_first_line)
{
	say("Kernel panic - not syncing: at once");
	err_set(&err, "it ended");
	expect_message("it ended: its kernel panicked: at once; the guest's console ended with:\n"
		       "Kernel panic - not syncing: at once");
}
END_TEST

START_TEST(test_a_full_message_stays_as_it_is)
{
	memset(err.msg, 'x', sizeof(err.msg) - 1);
	say("Kernel panic - not syncing: at once");
	console_explain(console, &err);
	ck_assert_uint_eq(strspn(err.msg, "x"), sizeof(err.msg) - 1);
}
END_TEST

START_TEST(test_what_is_no_text)
{
	ck_assert_int_eq(io_write_all(console, "a\0b\r\n", 5), 0);
	err_set(&err, "it ended");
	expect_message("it ended; the guest's console ended with:\nab");
	/* One that cannot be read says nothing. */
	console_explain(-1, &err);
	ck_assert_ptr_nonnull(strstr(err.msg, "\nab"));
}
END_TEST

START_TEST(test_it_is_kept_as_it_is)
{
	ck_assert_int_eq(console_save(console, f.fd, &err), 0);
	ck_assert_int_lt(access(folder_path(&f, "console.log"), F_OK), 0);
	say("one\r\n");
	ck_assert_int_eq(console_save(console, f.fd, &err), 0);
	ck_assert_str_eq(folder_read(&f, "console.log", NULL), "one\r\n");
	ck_assert_int_eq(console_save(console, -1, &err), -1);
	ck_assert_ptr_nonnull(strstr(err.msg, "console.log"));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("console");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_an_empty_console_adds_nothing);
	tcase_add_test(tests, test_the_last_lines);
	tcase_add_test(tests, test_only_whole_lines_that_fit);
	tcase_add_test(tests, test_the_end_of_a_line_without_end);
	tcase_add_test(tests, test_a_panic_is_named);
	tcase_add_test(tests, test_a_panic_on_the_first_line);
	tcase_add_test(tests, test_a_full_message_stays_as_it_is);
	tcase_add_test(tests, test_what_is_no_text);
	tcase_add_test(tests, test_it_is_kept_as_it_is);
	return run_tests("console", tests);
}
