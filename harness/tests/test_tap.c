/* SPDX-License-Identifier: MIT */
/* The TAP report, read back by a small reader of TAP 14, and by Perl's prove where it is there. */
#include <check.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/tests/reporting.h"
#include "harness/tests/suite.h"

#define POINTS_MAX 16
/* What env and a shell give for a program that is not there. */
#define NOT_FOUND 127

static struct reporting r;

static void setup(void)
{
	reporting_start(&r);
	r.options.tap = reporting_path(&r, "out.tap");
}

static void teardown(void)
{
	reporting_finish(&r);
}

/* --- the reader --- */

struct point {
	bool ok, skip;
	char *description, *directive, *block;
};

struct tap {
	struct point points[POINTS_MAX];
	size_t n, planned;
	bool bail_out;
};

/* Splits at the first '#' that no backslash escapes, and takes the escapes away. */
static void read_description(struct point *p, const char *text)
{
	char *to = p->description = arena_alloc(&r.files.arena, strlen(text) + 1);

	for (; *text && *text != '#'; text++) {
		if (*text == '\\' && text[1])
			text++;
		*to++ = *text;
	}
	p->directive = arena_strdup(&r.files.arena, *text ? text + 1 : "");
	p->skip = strncmp(p->directive, " SKIP", strlen(" SKIP")) == 0;
}

static void read_point(struct tap *tap, const char *line)
{
	struct point *p = &tap->points[tap->n++];
	int number = 0, used = 0;

	ck_assert_uint_le(tap->n, POINTS_MAX);
	*p = (struct point){.ok = line[0] == 'o', .block = arena_strdup(&r.files.arena, "")};
	sscanf(line, p->ok ? "ok %d - %n" : "not ok %d - %n", &number, &used);
	ck_assert_msg(number == (int)tap->n && used > 0, "not test point %zu: %s", tap->n, line);
	read_description(p, line + used);
}

static void read_line(struct tap *tap, const char *line, bool *in_block)
{
	struct point *last = tap->n ? &tap->points[tap->n - 1] : NULL;

	if (*in_block) {
		*in_block = strcmp(line, "  ...") != 0;
		ck_assert_msg(!strncmp(line, "  ", 2), "not indented: %s", line);
		last->block = arena_printf(&r.files.arena, "%s%s\n", last->block, line + 2);
	} else if (!strcmp(line, "  ---")) {
		ck_assert_msg(last && !*last->block, "a block of no test point");
		*in_block = true;
	} else if (!strncmp(line, "ok ", 3) || !strncmp(line, "not ok ", 7)) {
		read_point(tap, line);
	} else if (!strncmp(line, "Bail out!", 9)) {
		tap->bail_out = true;
	} else if (sscanf(line, "1..%zu", &tap->planned) != 1) {
		ck_assert_msg(line[0] == '#' || !line[0], "what is this: %s", line);
	}
}

static struct tap read_tap(void)
{
	struct tap tap = {0};
	bool in_block = false;
	char *text, *line;

	reporting_end(&r);
	text = reporting_text(&r, "out.tap");
	ck_assert_msg(strsep(&text, "\n") && text, "it is empty");
	while ((line = strsep(&text, "\n")))
		read_line(&tap, line, &in_block);
	ck_assert(!in_block);
	ck_assert_uint_eq(tap.n, tap.planned);
	return tap;
}

/* --- tests --- */

START_TEST(each_verdict)
{
	static const bool ok[ALL_KINDS] = {
		true, false, false, false, false, true, true, false, false,
	};

	reporting_see_all_kinds(&r);
	struct tap tap = read_tap();
	ck_assert(!strncmp(reporting_text(&r, "out.tap"), "TAP version 14\n", 15));
	ck_assert_uint_eq(tap.n, ALL_KINDS);
	for (size_t i = 0; i < ALL_KINDS; i++) {
		ck_assert_msg(tap.points[i].ok == ok[i], "%s", tap.points[i].description);
		ck_assert_int_eq(tap.points[i].skip, i == 5);
	}
	ck_assert_str_eq(tap.points[5].directive, " SKIP needs netem");
	ck_assert(!tap.bail_out);
}
END_TEST

START_TEST(the_block_says_why)
{
	reporting_see_all_kinds(&r);
	struct tap tap = read_tap();
	const char *block = tap.points[1].block;

	ck_assert_ptr_nonnull(strstr(block, "verdict: \"fail\"\n"));
	ck_assert_ptr_nonnull(strstr(block, "duration_ms: 2500.000\n"));
	ck_assert_ptr_nonnull(strstr(block, "message: \"too slow\"\n"));
	ck_assert_ptr_nonnull(strstr(block, "  - label: \"detects\"\n"));
	ck_assert_ptr_nonnull(strstr(block, "    line: 7\n"));
	ck_assert_ptr_nonnull(strstr(block, "    observed: \"3 s\"\n"));
	ck_assert_ptr_null(strstr(tap.points[0].block, "expectations"));
}
END_TEST

/* What would be a directive, a test point, or the end of a block is none of these. */
START_TEST(what_was_run_again_is_flaky)
{
	reporting_see(
		&r, &(struct seen){.slug = "shaky+again1", .verdict = VERDICT_PASS, .attempts = 2});
	reporting_see(&r, &(struct seen){.slug = "steady", .verdict = VERDICT_PASS, .attempts = 1});
	struct tap tap = read_tap();
	ck_assert(tap.points[0].ok);
	ck_assert_str_eq(tap.points[0].description, "shaky: a test");
	ck_assert_ptr_nonnull(strstr(tap.points[0].block, "attempts: 2\n"));
	ck_assert_ptr_nonnull(strstr(tap.points[0].block, "flaky: true\n"));
	ck_assert_ptr_null(strstr(tap.points[1].block, "flaky"));
}
END_TEST

START_TEST(texts_cannot_break_out)
{
	reporting_see(&r, &(struct seen){"slug", VERDICT_FAIL, .name = "a # SKIP \\ b\nok 9",
					 .reason = "x\n  ...\nok 2 - forged\n\xff\x1b",
					 .subject = "\"quoted\": 'x'", .observed = "- a\n- b",
					 .expect_verdict = VERDICT_FAIL});
	struct tap tap = read_tap();
	ck_assert_uint_eq(tap.n, 1);
	ck_assert(!tap.points[0].ok && !tap.points[0].skip);
	ck_assert_str_eq(tap.points[0].description, "slug: a # SKIP \\ b ok 9");
	ck_assert_ptr_nonnull(
		strstr(tap.points[0].block, "message: \"x\\n  ...\\nok 2 - forged\\n\xef\xbf\xbd"));
	ck_assert_ptr_nonnull(strstr(tap.points[0].block, "\\\"quoted\\\": 'x'"));
}
END_TEST

START_TEST(interrupted)
{
	r.info.interrupted = true;
	reporting_see(&r, &(struct seen){.slug = "slug", .verdict = VERDICT_PASS});
	ck_assert(read_tap().bail_out);
}
END_TEST

/*
 * What prove says of the report; NULL: there is no prove. It is told version 13, the last it knows:
 * to such a reader version 14 differs in nothing that is written here.
 */
static const char *prove(int *ret_code)
{
	pid_t pid = fork();
	int status;

	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		if (!freopen(reporting_path(&r, "said"), "w", stdout) ||
		    dup2(STDOUT_FILENO, STDERR_FILENO) < 0)
			_exit(1);
		execlp("prove", "prove", "-e", "sed 1s/14/13/", r.options.tap, (char *)NULL);
		_exit(NOT_FOUND);
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	*ret_code = WEXITSTATUS(status);
	if (*ret_code != NOT_FOUND)
		return reporting_text(&r, "said");
	puts("skipped: there is no prove (Perl)");
	ck_assert_msg(!getenv("CI"), "prove (Perl) is needed");
	return NULL;
}

START_TEST(prove_agrees)
{
	int code;

	reporting_see(&r, &(struct seen){"good", VERDICT_PASS, .name = "\\ # a"});
	reporting_see(&r, &(struct seen){"not-here", VERDICT_SKIP, .reason = "needs netem"});
	read_tap();
	const char *said = prove(&code);
	if (said)
		ck_assert_msg(code == 0 && strstr(said, "Result: PASS"), "%d: %s", code, said);
}
END_TEST

START_TEST(prove_agrees_that_it_failed)
{
	int code;

	reporting_see_all_kinds(&r);
	read_tap();
	const char *said = prove(&code);
	if (said)
		ck_assert_msg(code == 1 && strstr(said, "Tests: 9 Failed: 6)"), "%d: %s", code,
			      said);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("tap");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, each_verdict);
	tcase_add_test(tests, the_block_says_why);
	tcase_add_test(tests, what_was_run_again_is_flaky);
	tcase_add_test(tests, texts_cannot_break_out);
	tcase_add_test(tests, interrupted);
	tcase_add_test(tests, prove_agrees);
	tcase_add_test(tests, prove_agrees_that_it_failed);
	return run_tests("tap", tests);
}
