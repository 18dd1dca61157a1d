/* SPDX-License-Identifier: MIT */
/* The live line on a clock of the test's own. What it looks like on a terminal: test_reports.c. */
#include <check.h>
#include <stdlib.h>

#include "harness/report/progress.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct arena a;
static struct progress p;
static FILE *out;
static char *text;
static size_t len, seen; /* seen: what written() has given already */
static struct plan plans[2] = {
	{.slug = (char *)"one", .duration = SEC(5), .timeout = SEC(45)},
	{.slug = (char *)"two", .duration = SEC(6), .timeout = SEC(46)},
};

#define START SEC(100)

static void setup(void)
{
	seen = 0;
	out = open_memstream(&text, &len);
	progress_begin(&p, out, 2, START, &a);
}

static void teardown(void)
{
	fclose(out);
	free(text);
	arena_free(&a);
}

/* What was written since the last call. */
static const char *written(void)
{
	fflush(out);
	const char *fresh = text + seen;
	seen = len;
	return fresh;
}

static void see_end(int i, enum verdict verdict)
{
	struct scenario_result r = {.plan = &plans[i], .verdict = verdict};

	progress_ended(&p, &r);
}

START_TEST(the_line)
{
	progress_started(&p, &plans[0], START);
	progress_started(&p, &plans[1], START);
	progress_draw(&p, START + SEC(1));
	ck_assert_ptr_nonnull(
		strstr(written(), "\r\033[K\033[?7l2 running, 0 of 2 done, 0 not passed, 1 s"));
	see_end(0, VERDICT_FAIL);
	progress_draw(&p, START + SEC(2));
	ck_assert_ptr_nonnull(strstr(written(), "1 running, 1 of 2 done, 1 not passed, 2 s"));
	see_end(1, VERDICT_PASS);
	progress_draw(&p, START + SEC(3));
	ck_assert_ptr_nonnull(strstr(written(), "0 running, 2 of 2 done, 1 not passed, 3 s"));
}
END_TEST

/* Changes within 200 ms are one drawing; without a change there is one a second. */
START_TEST(at_most_five_times_a_second)
{
	int drawings = 0;

	progress_started(&p, &plans[0], START);
	for (nsec_t t = START; t < START + SEC(1); t += MS(1)) {
		bool due = t >= progress_next(&p);

		progress_draw(&p, t);
		ck_assert_int_eq(due, *written() != '\0');
		drawings += due;
		p.stale = true; /* as if something changed each millisecond */
	}
	ck_assert_int_eq(drawings, 5);
	progress_draw(&p, START + SEC(1));
	ck_assert(*written());
	ck_assert_int_eq(progress_next(&p), START + SEC(2));
	progress_draw(&p, START + SEC(2) - 1);
	ck_assert_str_eq(written(), "");
}
END_TEST

START_TEST(erased_once_and_back_soon)
{
	progress_erase(&p);
	ck_assert_str_eq(written(), ""); /* there is nothing to erase yet */
	progress_draw(&p, START);
	written();
	progress_erase(&p);
	ck_assert_str_eq(written(), "\r\033[K");
	progress_erase(&p);
	ck_assert_str_eq(written(), "");
	ck_assert_int_eq(progress_next(&p), START + MS(200));
}
END_TEST

START_TEST(no_line_without_a_terminal)
{
	progress_begin(&p, NULL, 2, START, &a);
	progress_started(&p, &plans[0], START);
	ck_assert_int_eq(progress_next(&p), NSEC_NEVER);
	progress_draw(&p, START + SEC(1));
	progress_erase(&p);
	ck_assert_str_eq(written(), "");
}
END_TEST

/* The list on demand is there on a terminal or not. */
START_TEST(the_list)
{
	progress_begin(&p, NULL, 3, START, &a);
	progress_started(&p, &plans[0], START);
	progress_started(&p, &plans[1], START + MS(500));
	progress_list(&p, out, START + SEC(2));
	ck_assert_str_eq(written(), "2 running, 0 of 3 done, 0 not passed, 2 s\n"
				    "  one: for 2.0 s (it lasts 5.0 s, its timeout is 45.0 s)\n"
				    "  two: for 1.5 s (it lasts 6.0 s, its timeout is 46.0 s)\n");
	see_end(0, VERDICT_PASS);
	progress_list(&p, out, START + SEC(3));
	ck_assert_ptr_null(strstr(written(), "one:"));
}
END_TEST

/* On the virtual clock a run is where its own clock is. */
START_TEST(the_list_on_the_virtual_clock)
{
	struct plan guest = {.slug = (char *)"guest", .duration = SEC(900), .clock = CLOCK_VIRTUAL};

	progress_started(&p, &guest, START);
	progress_started(&p, &plans[0], START);
	progress_list(&p, out, START + SEC(1));
	ck_assert_ptr_nonnull(strstr(
		written(), "  guest: for 1.0 s (it lasts 900.0 s, its clock is at 0.0 s)\n"));
	progress_at(&p, &guest, SEC(5));
	progress_at(&p, &guest, SEC(614.2));
	progress_list(&p, out, START + SEC(2));
	ck_assert_ptr_nonnull(
		strstr(written(), "  guest: for 2.0 s (it lasts 900.0 s, its clock is at 614.2 s)\n"
				  "  one: for 2.0 s (it lasts 5.0 s, its timeout is 45.0 s)\n"));
	/* Of one that has ended a late word changes nothing. */
	progress_stopped(&p, &guest);
	progress_at(&p, &guest, SEC(700));
	progress_list(&p, out, START + SEC(3));
	ck_assert_ptr_null(strstr(written(), "guest"));
}
END_TEST

/* What is run again is not done; and of rounds without end nobody knows how many there are. */
START_TEST(again_and_without_end)
{
	progress_begin(&p, NULL, SIZE_MAX, START, &a);
	progress_started(&p, &plans[0], START);
	progress_stopped(&p, &plans[0]);
	progress_list(&p, out, START + SEC(2));
	ck_assert_str_eq(written(), "0 running, 0 done, 0 not passed, 2 s\n");
}
END_TEST

START_TEST(a_skip_is_done_and_not_bad)
{
	see_end(0, VERDICT_SKIP);
	ck_assert_uint_eq(p.done, 1);
	ck_assert_uint_eq(p.bad, 0);
	see_end(1, VERDICT_INCONCLUSIVE);
	ck_assert_uint_eq(p.bad, 1);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("progress");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, the_line);
	tcase_add_test(tests, at_most_five_times_a_second);
	tcase_add_test(tests, erased_once_and_back_soon);
	tcase_add_test(tests, no_line_without_a_terminal);
	tcase_add_test(tests, the_list);
	tcase_add_test(tests, the_list_on_the_virtual_clock);
	tcase_add_test(tests, again_and_without_end);
	tcase_add_test(tests, a_skip_is_done_and_not_bad);
	return run_tests("progress", tests);
}
