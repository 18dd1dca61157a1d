/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/report/github.h"
#include "harness/tests/reporting.h"
#include "harness/tests/suite.h"

static struct reporting r;

static void setup(void)
{
	reporting_start(&r);
	r.options.github = true;
	r.options.github_summary = reporting_path(&r, "summary.md");
}

static void teardown(void)
{
	reporting_finish(&r);
}

static size_t count(const char *text, const char *part)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, part)); at += strlen(part))
		n++;
	return n;
}

START_TEST(escapes)
{
	struct arena *a = &r.files.arena;

	ck_assert_str_eq(github_escape_data("50%: a,b\nc\r\nd", a), "50%25: a,b%0Ac%0Ad");
	ck_assert_str_eq(github_escape_data("::error::x%0A", a), "::error::x%250A");
	ck_assert_str_eq(github_escape_property("50%: a,b\nc", a), "50%25%3A a%2Cb%0Ac");
	/* A carriage return alone and other control characters are no text. */
	ck_assert_str_eq(github_escape_data("a\rb\x1b", a), "a\xef\xbf\xbd"
							    "b\xef\xbf\xbd");
}
END_TEST

START_TEST(paths_from_the_root_of_the_repository)
{
	static const struct {
		const char *path, *workspace, *cwd, *expected;
	} cases[] = {
		{"a/b.yaml", "/w", "/w", "a/b.yaml"},
		{"./a/b.yaml", "/w", "/w", "a/b.yaml"},
		{"b.yaml", "/w", "/w/sub/dir", "sub/dir/b.yaml"},
		{"b.yaml", "/w/", "/w/sub", "sub/b.yaml"},
		{"/w/a/b.yaml", "/w", "/", "a/b.yaml"},
		{"/wide/b.yaml", "/w", "/", "/wide/b.yaml"},
		{"b.yaml", "/w", "/wide", "b.yaml"},
		{"b.yaml", NULL, "/w", "b.yaml"},
		{"b.yaml", "/w", NULL, "b.yaml"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_str_eq(github_path(cases[i].path, cases[i].workspace, cases[i].cwd,
					     &r.files.arena),
				 cases[i].expected);
}
END_TEST

START_TEST(annotations)
{
	reporting_see_all_kinds(&r);
	reporting_end(&r);
	contains(r.terminal_text, "::error file=test.yaml,line=7,title=fails%3A fail::detects "
				  "client: expected within 1s of cut, observed 3 s\n");
	contains(r.terminal_text, "::error file=test.yaml,line=1,title=errs%3A error::the sandbox "
				  "ended unexpectedly\n");
	contains(r.terminal_text,
		 "::error file=test.yaml,line=7,title=a--survived%3A fail::control "
		 "survived: detects passed\n");
	contains(r.terminal_text,
		 "::warning file=test.yaml,line=1,title=is-skipped%3A skip::needs netem\n");
	ck_assert_uint_eq(count(r.terminal_text, "::error "), 6);
	ck_assert_uint_eq(count(r.terminal_text, "::warning "), 1);
	ck_assert_uint_eq(count(r.terminal_text, "::notice "), 0);
}
END_TEST

START_TEST(what_was_run_again_is_flaky)
{
	reporting_see(
		&r, &(struct seen){.slug = "shaky+again1", .verdict = VERDICT_PASS, .attempts = 2});
	reporting_see(&r, &(struct seen){.slug = "steady", .verdict = VERDICT_PASS, .attempts = 1});
	reporting_end(&r);
	contains(r.terminal_text, "::warning file=test.yaml,line=1,title=shaky%3A FLAKY::passed at "
				  "attempt 2, inconclusive before\n");
	ck_assert_uint_eq(count(r.terminal_text, "::warning "), 1);
	contains(reporting_text(&r, "summary.md"), "| pass | shaky | 2.5 s |");
}
END_TEST

START_TEST(at_most_ten_of_a_kind)
{
	for (int i = 0; i < GITHUB_ANNOTATIONS_MAX + 3; i++)
		reporting_see(&r, &(struct seen){"fails", VERDICT_FAIL, .reason = "too slow"});
	reporting_see(&r, &(struct seen){"is-skipped", VERDICT_SKIP, .reason = "needs netem"});
	reporting_end(&r);
	ck_assert_uint_eq(count(r.terminal_text, "::error "), GITHUB_ANNOTATIONS_MAX);
	ck_assert_uint_eq(count(r.terminal_text, "::warning "), 1);
	contains(r.terminal_text, "::notice title=wirecut::3 more in the step summary");
	ck_assert_uint_eq(count(reporting_text(&r, "summary.md"), "| fail | fails |"),
			  GITHUB_ANNOTATIONS_MAX + 3);
}
END_TEST

START_TEST(the_summary)
{
	reporting_see_all_kinds(&r);
	reporting_end(&r);
	const char *text = reporting_text(&r, "summary.md");
	contains(text, "## wirecut: 1 of 6 scenarios passed\n");
	contains(text, "| fail | fails | 2.5 s | too slow |\n");
	contains(text, "<details><summary>fails</summary>\n\n<pre>\n");
	contains(text, "expected  within 1s of cut");
	ck_assert_uint_eq(count(text, "<details>"), count(text, "</details>"));
	ck_assert_uint_eq(count(text, "<pre>"), ALL_KINDS - ALL_KINDS_PASSED - 1);
}
END_TEST

START_TEST(the_summary_names_the_kernels)
{
	reporting_see(&r, &(struct seen){"a", VERDICT_PASS, .guest_kernel = "6.12.9-guest"});
	reporting_see(&r, &(struct seen){.slug = "b", .verdict = VERDICT_PASS});
	reporting_end(&r);
	contains(reporting_text(&r, "summary.md"), "clock real, kernel 6.1.0-test, 6.12.9-guest\n");
}
END_TEST

/* A step may write to its summary itself. */
START_TEST(the_summary_is_appended)
{
	cli_write(&r.files, "summary.md", "# mine\n");
	reporting_see(&r, &(struct seen){.slug = "passes", .verdict = VERDICT_PASS});
	reporting_end(&r);
	contains(reporting_text(&r, "summary.md"), "# mine\n## wirecut: 1 of 1");
}
END_TEST

START_TEST(the_summary_holds_no_markup_of_others)
{
	reporting_see(&r, &(struct seen){"bad", VERDICT_FAIL, .name = "</pre><img src=x>",
					 .reason = "a | b\n\n# head [x](y) `c`",
					 .subject = "</details>", .observed = "*",
					 .expect_verdict = VERDICT_FAIL});
	reporting_end(&r);
	const char *text = reporting_text(&r, "summary.md");
	contains(text, "a &#124; b  # head &#91;x&#93;(y) &#96;c&#96; |\n");
	ck_assert_uint_eq(count(text, "</pre>"), 1);
	ck_assert_uint_eq(count(text, "</details>"), 1);
	ck_assert_uint_eq(count(text, "<img"), 0);
}
END_TEST

/* Over the limit GitHub would show nothing at all. */
START_TEST(the_summary_fits)
{
	static const size_t room = 40000, each = 6000;
	struct arena *a = &r.files.arena;
	char *mine = arena_alloc(a, GITHUB_SUMMARY_BYTES_MAX);
	char *long_text = arena_alloc(a, each + 1);

	memset(mine, 'm', GITHUB_SUMMARY_BYTES_MAX - room);
	memset(long_text, 'x', each);
	cli_write(&r.files, "summary.md", mine);
	for (int i = 0; i < 20; i++)
		reporting_see(&r, &(struct seen){"fails", VERDICT_FAIL, .reason = "too slow",
						 .subject = long_text, .observed = "3 s",
						 .expect_verdict = VERDICT_FAIL});
	reporting_see(&r, &(struct seen){.slug = "passes", .verdict = VERDICT_PASS});
	reporting_end(&r);
	const char *text = reporting_text(&r, "summary.md");
	ck_assert_uint_le(strlen(text), GITHUB_SUMMARY_BYTES_MAX);
	ck_assert_uint_eq(count(text, "| fail | fails |"), 20);
	ck_assert_uint_eq(count(text, "<pre>"), 6); /* of 6 kB each, in 40 kB */
	ck_assert_uint_eq(count(text, "<details>"), count(text, "</details>"));
	contains(text, "\n14 entries did not fit");
}
END_TEST

START_TEST(a_summary_that_is_full)
{
	char *full = arena_alloc(&r.files.arena, GITHUB_SUMMARY_BYTES_MAX + 1);

	memset(full, 'x', GITHUB_SUMMARY_BYTES_MAX);
	cli_write(&r.files, "summary.md", full);
	reporting_see(&r, &(struct seen){.slug = "passes", .verdict = VERDICT_PASS});
	reporting_end(&r);
	ck_assert_uint_eq(strlen(reporting_text(&r, "summary.md")), GITHUB_SUMMARY_BYTES_MAX);
}
END_TEST

START_TEST(nothing_unless_asked_for)
{
	r.options.github = false;
	reporting_see_all_kinds(&r);
	reporting_end(&r);
	ck_assert_str_eq(r.terminal_text, "");
	ck_assert_int_ne(access(r.options.github_summary, F_OK), 0);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("github");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, escapes);
	tcase_add_test(tests, paths_from_the_root_of_the_repository);
	tcase_add_test(tests, annotations);
	tcase_add_test(tests, what_was_run_again_is_flaky);
	tcase_add_test(tests, at_most_ten_of_a_kind);
	tcase_add_test(tests, the_summary);
	tcase_add_test(tests, the_summary_names_the_kernels);
	tcase_add_test(tests, the_summary_is_appended);
	tcase_add_test(tests, the_summary_holds_no_markup_of_others);
	tcase_add_test(tests, the_summary_fits);
	tcase_add_test(tests, a_summary_that_is_full);
	tcase_add_test(tests, nothing_unless_asked_for);
	return run_tests("github", tests);
}
