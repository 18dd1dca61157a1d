/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int app, cut;

static void setup(void)
{
	world_init(&w, SEC(30));
	int host = world_host(&w, "client");
	app = world_app(&w, "client", host);
	cut = world_fault(&w, "cut", "blackhole", host, SEC(5), SEC(10));
	world_edge(&w, cut, SEC(15), SEC(20));
	see_step(&w, cut);
	see_start(&w, -SEC(1), app);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_lines(const char *match)
{
	struct plan_expect *e = world_expect(&w, "log");

	e->spec.app = "client";
	e->spec.match = (char *)match;
	world_list(&w, &e->apps, app);
	return e;
}

/* By default one line must match; a line that another pattern asked for does not. */
START_TEST(one_by_default)
{
	expect_lines("dead|lost");
	see_log(&w, SEC(1), app, _i ? "it is dead, Jim" : "alive");
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL, _i ? "1 line" : "0 lines");
}
END_TEST

START_TEST(at_most)
{
	expect_lines("oops")->spec.at_most = _i;
	see_log(&w, SEC(1), app, "oops");
	see_log(&w, SEC(2), app, "oops");
	world_expect_verdict(&w, _i < 2 ? VERDICT_FAIL : VERDICT_PASS, "2 lines");
}
END_TEST

START_TEST(at_least)
{
	expect_lines("^ok$")->spec.at_least = 2 + _i;
	see_log(&w, SEC(1), app, "ok");
	see_log(&w, SEC(2), app, "ok");
	see_log(&w, SEC(2), app, "not ok");
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "2 lines");
}
END_TEST

/* What was printed before t = 0 belongs to the start. */
START_TEST(before_the_beginning)
{
	expect_lines("ready");
	see_log(&w, -MS(1), app, "ready");
	world_expect_verdict(&w, VERDICT_FAIL, "0 lines");
}
END_TEST

/* Within 2 s of each of the two on-edges; the second time it is late, or not. */
START_TEST(within_a_time_of_each_edge)
{
	struct plan_expect *e = expect_lines("dead");

	e->spec.fault = "cut";
	e->spec.within = SEC(2);
	e->step = cut;
	see_log(&w, SEC(6), app, "dead");
	see_log(&w, _i ? SEC(18) : SEC(17), app, "dead");
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "0 lines" : "1 line");
}
END_TEST

START_TEST(after_counts_from_the_off_edge)
{
	struct plan_expect *e = expect_lines("back");

	e->spec.after = "cut";
	e->spec.within = SEC(2);
	e->step = cut;
	see_log(&w, SEC(11), app, "back");
	see_log(&w, _i ? SEC(19) : SEC(21), app, "back");
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "0 lines" : "1 line");
}
END_TEST

START_TEST(during_two_times)
{
	static char *words[] = {"from", "to"};
	struct plan_expect *e = expect_lines("x");

	e->spec.during = (struct strings){words, 2};
	e->spec.during_from = SEC(2);
	e->spec.during_to = SEC(4);
	see_log(&w, _i ? SEC(3) : SEC(5), app, "x");
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL, _i ? "1 line" : "0 lines");
}
END_TEST

/* No line of an app that runs is an observation; of one that does not, it is none. */
START_TEST(not_running_then)
{
	struct plan_expect *e = expect_lines("x");

	e->spec.at_most = 0;
	e->spec.fault = "cut";
	e->step = cut;
	if (_i)
		see_exit(&w, SEC(3), app, 0, 0, true);
	world_expect_verdict(&w, _i ? VERDICT_VOID : VERDICT_PASS, _i ? "did not run" : "0 lines");
}
END_TEST

/* More could have come: an upper bound is not shown to hold, one that is broken is. */
START_TEST(cut_off_by_the_end)
{
	struct plan_expect *e = expect_lines("x");

	e->spec.within = SEC(60);
	e->spec.at_most = 1 - _i;
	see_log(&w, SEC(3), app, "x");
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_VOID, "1 line");
}
END_TEST

START_TEST(keys_that_contradict)
{
	struct plan_expect *e = expect_lines("a(");
	struct flaw flaw;

	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.match = "a\\(";
	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	e->spec.fault = e->spec.after = "cut";
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.fault = NULL;
	e->spec.at_least = 2;
	e->spec.at_most = 1;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.within = SEC(2);
	e->step = cut;
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), SEC(22));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("log");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, one_by_default, 0, 2);
	tcase_add_loop_test(c, at_most, 0, 4);
	tcase_add_loop_test(c, at_least, 0, 2);
	tcase_add_test(c, before_the_beginning);
	tcase_add_loop_test(c, within_a_time_of_each_edge, 0, 2);
	tcase_add_loop_test(c, after_counts_from_the_off_edge, 0, 2);
	tcase_add_loop_test(c, during_two_times, 0, 2);
	tcase_add_loop_test(c, not_running_then, 0, 2);
	tcase_add_loop_test(c, cut_off_by_the_end, 0, 2);
	tcase_add_test(c, keys_that_contradict);
	return run_tests("log", c);
}
