/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, app_server, app_other, again;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	world_host(&w, "client");
	app_server = world_app(&w, "server", server);
	app_other = world_app(&w, "other", server);
	again = world_step(&w, STEP_RESTART, app_server, SEC(5));
	see_step(&w, again);
	see_start(&w, -SEC(1), app_server);
	see_polled(&w, -SEC(1), server);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_it(nsec_t within)
{
	struct plan_expect *e = world_expect(&w, "listens");

	e->spec.app = "server";
	e->spec.port = 8000;
	e->spec.within = within;
	world_list(&w, &e->apps, app_server);
	return e;
}

static void after_restart(struct plan_expect *e)
{
	e->spec.after = "restart";
	e->step = again;
}

static void see_listener(nsec_t t, uint64_t cookie, uint16_t port, int app)
{
	struct tuple any = {0, 1, port, 0, 1, false};

	see_socket(&w, t, EV_STATE, &any, 0, cookie, STATE_LISTEN, app)->socket.peer =
		(struct endpoint){.family = AF_INET};
}

START_TEST(from_the_beginning)
{
	expect_it(SEC(1));
	see_listener(_i ? SEC(2) : -SEC(1), 1, 8000, app_server);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "2.000 s" : "0.000 s");
}
END_TEST

/* The first poll behind the bound shows it: it may have listened in time. */
START_TEST(between_two_polls)
{
	expect_it(SEC(1));
	see_listener(SEC(1) + MS(20 + _i), 1, 8000, app_server);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_INCONCLUSIVE,
			     _i ? "1.021 s" : "between 1.000 s and 1.020 s, as polls show");
}
END_TEST

START_TEST(never)
{
	expect_it(SEC(1));
	world_expect_verdict(&w, VERDICT_FAIL, "did not listen until the end");
}
END_TEST

/* The old socket goes 1 s after the restart, the new one comes in time or too late. */
START_TEST(again_after_a_restart)
{
	after_restart(expect_it(SEC(3)));
	see_listener(-SEC(1), 1, 8000, app_server);
	see_destroyed(&w, SEC(6), server, 1);
	see_listener(_i ? SEC(9) : SEC(7), 2, 8000, app_server);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "4.000 s" : "2.000 s");
}
END_TEST

/* The socket of before the restart proves nothing when none follows it. */
START_TEST(gone_after_a_restart)
{
	after_restart(expect_it(SEC(3)));
	see_listener(-SEC(1), 1, 8000, app_server);
	see_destroyed(&w, SEC(6), server, 1);
	world_expect_verdict(&w, VERDICT_FAIL, "did not listen until the end");
}
END_TEST

/* Handed over without a break: it has listened all the time. */
START_TEST(handed_over)
{
	after_restart(expect_it(SEC(3)));
	see_listener(-SEC(1), 1, 8000, app_server);
	see_listener(SEC(6), 2, 8000, app_server);
	see_destroyed(&w, SEC(7), server, 1);
	world_expect_verdict(&w, VERDICT_PASS, "0.000 s");
}
END_TEST

START_TEST(another_port_or_app)
{
	expect_it(SEC(1));
	see_listener(0, 1, _i ? 8000 : 8001, _i ? app_other : app_server);
	world_expect_verdict(&w, VERDICT_FAIL, "did not listen");
}
END_TEST

START_TEST(anybody_on_the_host)
{
	struct plan_expect *e = expect_it(SEC(1));

	e->spec.app = NULL;
	e->spec.host = "server";
	e->apps.n = 0;
	world_list(&w, &e->hosts, server);
	if (_i)
		see_listener(0, 1, 8000, app_other);
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL, _i ? "0.000 s" : "not listen");
}
END_TEST

START_TEST(an_app_that_never_ran)
{
	struct plan_expect *e = expect_it(SEC(1));

	e->apps.v[0] = app_other;
	world_expect_verdict(&w, VERDICT_VOID, "never ran");
}
END_TEST

START_TEST(cut_off_by_the_end)
{
	expect_it(SEC(40));
	world_expect_verdict(&w, VERDICT_VOID, "make it longer");
}
END_TEST

START_TEST(keys_that_contradict)
{
	struct plan_expect *e = expect_it(SEC(1));
	struct flaw flaw;

	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	e->spec.host = "server";
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.host = e->spec.app = NULL;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	after_restart(e);
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), SEC(6));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("listens");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, from_the_beginning, 0, 2);
	tcase_add_loop_test(c, between_two_polls, 0, 2);
	tcase_add_test(c, never);
	tcase_add_loop_test(c, again_after_a_restart, 0, 2);
	tcase_add_test(c, gone_after_a_restart);
	tcase_add_test(c, handed_over);
	tcase_add_loop_test(c, another_port_or_app, 0, 2);
	tcase_add_loop_test(c, anybody_on_the_host, 0, 2);
	tcase_add_test(c, an_app_that_never_ran);
	tcase_add_test(c, cut_off_by_the_end);
	tcase_add_test(c, keys_that_contradict);
	return run_tests("listens", c);
}
