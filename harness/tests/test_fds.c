/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int app, app_two;

static void setup(void)
{
	world_init(&w, SEC(30));
	int host = world_host(&w, "server");
	app = world_app(&w, "server.1", host);
	app_two = world_app(&w, "server.2", host);
	see_start(&w, -SEC(1), app);
	see_sample(&w, 0, app, 10, 0);
	see_sample(&w, SEC(5), app, 20, 0);
	see_sample(&w, SEC(8), app, 12, 0);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_most(int64_t at_most)
{
	struct plan_expect *e = world_expect(&w, "fds");

	e->spec.app = "server";
	e->spec.at_most = at_most;
	world_list(&w, &e->apps, app);
	return e;
}

static void at(struct plan_expect *e, nsec_t t)
{
	e->spec.at = "a time";
	e->spec.at_time = t;
}

START_TEST(at_a_time)
{
	static const nsec_t times[] = {SEC(4), SEC(5), SEC(7), SEC(8)};
	static const char *const says[] = {"10 d", "20 d", "20 d", "12 d"};

	at(expect_most(15), times[_i]);
	world_expect_verdict(&w, _i == 1 || _i == 2 ? VERDICT_FAIL : VERDICT_PASS, says[_i]);
}
END_TEST

START_TEST(from_a_time_on)
{
	struct plan_expect *e = expect_most(15);

	e->spec.by = "a time";
	e->spec.by_time = _i ? SEC(8) : SEC(7);
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL, _i ? "12" : "20");
}
END_TEST

START_TEST(at_least)
{
	struct plan_expect *e = expect_most(COUNT_UNSET);

	e->spec.at_least = 10 + _i;
	e->spec.by = "0s";
	e->spec.by_time = 0;
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "10 descriptors");
}
END_TEST

/* What does not run has no number: neither 0 nor the last. */
START_TEST(after_its_end)
{
	at(expect_most(15), SEC(12));
	see_exit(&w, SEC(10), app, 0, 0, true);
	if (_i)
		see_sample(&w, SEC(11), app, 16, 0);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_VOID, _i ? "16" : "not sampled then");
}
END_TEST

START_TEST(each_instance_by_itself)
{
	struct plan_expect *e = expect_most(20);

	at(e, SEC(5));
	world_list(&w, &e->apps, app_two);
	if (_i)
		see_sample(&w, SEC(1), app_two, 21, 0);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_VOID, _i ? "21" : "not sampled");
}
END_TEST

START_TEST(keys_that_contradict)
{
	struct plan_expect *e = expect_most(20);
	struct flaw flaw;

	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	at(e, SEC(5));
	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), SEC(5));
	e->spec.at_most = COUNT_UNSET;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("fds");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, at_a_time, 0, 4);
	tcase_add_loop_test(c, from_a_time_on, 0, 2);
	tcase_add_loop_test(c, at_least, 0, 2);
	tcase_add_loop_test(c, after_its_end, 0, 2);
	tcase_add_loop_test(c, each_instance_by_itself, 0, 2);
	tcase_add_test(c, keys_that_contradict);
	return run_tests("fds", c);
}
