/* SPDX-License-Identifier: MIT */
#include <signal.h>

#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int probe;

static void setup(void)
{
	world_init(&w, SEC(30));
	probe = world_app(&w, "probe", world_host(&w, "client"));
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_probe(void)
{
	struct plan_expect *e = world_expect(&w, "exits");

	e->spec.app = "probe";
	world_list(&w, &e->apps, probe);
	return e;
}

START_TEST(with_status)
{
	struct plan_expect *e = expect_probe();

	e->spec.status = 28;
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(6), probe, _i, 0, false);
	if (_i == 28)
		world_expect_verdict(&w, VERDICT_PASS, "status 28 after 3.000 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "status 0 after 3.000 s");
}
END_TEST

START_TEST(the_wrong_status_is_told_with_the_right_one)
{
	struct scenario_result r;

	expect_probe()->spec.status = 28;
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(6), probe, 7, 0, false);
	world_judge(&w, &r);
	ck_assert_str_eq(r.expects.v[0].evidence, "ended with status 7, not status 28, at 6.000 s");
	ck_assert_int_eq(r.expects.v[0].t, SEC(6));
}
END_TEST

/* 0 is what is asked for if nothing is. */
START_TEST(default_status)
{
	expect_probe();
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(6), probe, _i, 0, false);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "status");
}
END_TEST

START_TEST(by_signal)
{
	expect_probe()->spec.signal = "PIPE";
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(6), probe, -1, _i ? SIGPIPE : SIGSEGV, false);
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "signal PIPE after");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "signal SEGV after");
}
END_TEST

/* A signal is no status, and a status no signal. */
START_TEST(status_or_signal)
{
	struct plan_expect *e = expect_probe();

	if (_i)
		e->spec.signal = "TERM";
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(6), probe, _i ? 0 : -1, _i ? 0 : SIGTERM, false);
	world_expect_verdict(&w, VERDICT_FAIL, _i ? "status 0" : "signal TERM");
}
END_TEST

START_TEST(in_time)
{
	struct plan_expect *e = expect_probe();

	e->spec.within = SEC(3);
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(6) + MS(_i), probe, 0, 0, false);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "status 0 after 3.0");
}
END_TEST

START_TEST(not_before)
{
	struct plan_expect *e = expect_probe();

	e->spec.not_before = SEC(3);
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(6) - MS(_i), probe, 0, 0, false);
	world_expect_verdict(&w, _i > 1 ? VERDICT_FAIL : VERDICT_PASS, "status 0 after");
}
END_TEST

START_TEST(never_ends)
{
	expect_probe();
	see_start(&w, SEC(3), probe);
	world_expect_verdict(&w, VERDICT_FAIL, "still running at the end");
}
END_TEST

START_TEST(stopped_by_the_harness)
{
	expect_probe();
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(6), probe, 0, 0, true);
	world_expect_verdict(&w, VERDICT_FAIL, "stopped by the harness");
}
END_TEST

START_TEST(never_started)
{
	expect_probe();
	world_expect_verdict(&w, VERDICT_VOID, "never started");
}
END_TEST

/* Restarted after it had ended: each of its own ends is judged. */
START_TEST(each_life)
{
	expect_probe();
	see_start(&w, SEC(3), probe);
	see_exit(&w, SEC(4), probe, _i == 1, 0, false);
	see_start(&w, SEC(5), probe);
	see_exit(&w, SEC(6), probe, _i == 2, 0, false);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "status 1" : "status 0");
}
END_TEST

START_TEST(keys_that_contradict)
{
	struct plan_expect *e = expect_probe();
	struct flaw flaw;

	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	e->spec.status = 256;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.status = 1;
	e->spec.signal = "KILL";
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.status = COUNT_UNSET;
	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	e->spec.signal = "NONSENSE";
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.signal = NULL;
	e->spec.not_before = SEC(2);
	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	e->spec.within = SEC(1);
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), SEC(1));
}
END_TEST

/* Its time is up only behind the end of 30 s. */
START_TEST(the_end_before_the_bound)
{
	struct plan_expect *e = expect_probe();

	e->spec.within = SEC(29) + _i;
	see_start(&w, SEC(1), probe);
	if (_i)
		world_expect_verdict(&w, VERDICT_VOID, "make the scenario longer");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "still running at the end");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("exits");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, with_status, 0, 1);
	tcase_add_loop_test(c, with_status, 28, 29);
	tcase_add_test(c, the_wrong_status_is_told_with_the_right_one);
	tcase_add_loop_test(c, default_status, 0, 2);
	tcase_add_loop_test(c, by_signal, 0, 2);
	tcase_add_loop_test(c, status_or_signal, 0, 2);
	tcase_add_loop_test(c, in_time, 0, 2);
	tcase_add_loop_test(c, not_before, 0, 3);
	tcase_add_test(c, never_ends);
	tcase_add_test(c, stopped_by_the_harness);
	tcase_add_test(c, never_started);
	tcase_add_loop_test(c, each_life, 0, 3);
	tcase_add_test(c, keys_that_contradict);
	tcase_add_loop_test(c, the_end_before_the_bound, 0, 2);
	return run_tests("exits", c);
}
