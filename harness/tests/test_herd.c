/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

#define N_CLIENTS 4

static struct world w;
static int server, client, app_server, app_client, back;

static struct tuple conn(int i)
{
	return (struct tuple){client, server, (uint16_t)(41000 + i), 8000, (uint32_t)i + 1, false};
}

/* The server is killed at 2 s and back at 10 s; four connections were there before. */
static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	app_server = world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	back = world_step(&w, STEP_START, app_server, SEC(10));
	see_step(&w, back);
	for (int i = 0; i < N_CLIENTS; i++) {
		struct tuple c = conn(i);

		see_connect(&w, -SEC(1) + MS(i), &c);
		see_fin(&w, SEC(2), &c, 1);
	}
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_most(int64_t at_most)
{
	struct plan_expect *e = world_expect(&w, "herd");

	e->spec.app = "client";
	e->spec.after = "start";
	e->spec.at_most = at_most;
	e->step = back;
	world_list(&w, &e->apps, app_client);
	return e;
}

/* The clients come back one each `apart`, from 10.1 s on. */
static void see_return(nsec_t apart)
{
	for (int i = 0; i < N_CLIENTS; i++) {
		struct tuple c = conn(100 + i);

		see_connect(&w, SEC(10) + MS(100) + i * apart, &c);
	}
}

/* 0, 20, 40, 60 ms are one bin of 100 ms; 0, 40, 80, 120 ms are three and one. */
START_TEST(so_many_in_a_bin)
{
	expect_most(3);
	see_return(_i ? MS(20) : MS(40));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS,
			     _i ? "4 of 4 attempts" : "3 of 4 attempts");
}
END_TEST

START_TEST(bins_of_another_length)
{
	expect_most(3)->spec.bin = _i ? SEC(1) : MS(50);
	see_return(MS(40));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "4 of 4" : "2 of 4");
}
END_TEST

/* Three that were due within 100 ms, and 1.2 or 0.6 within the 40 or 20 ms for which nobody could run. */
START_TEST(what_a_stall_held_up_comes_at_once)
{
	expect_most(3);
	see_return(MS(20));
	see_lag(&w, SEC(10) + MS(150), EV_STALL, MS(_i ? 40 : 20), 1);
	w.obs.list.v[w.obs.list.n - 1].lag.stage = LAG_CANARY;
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "4 of 4 attempts");
}
END_TEST

/* What came before the step is another story. */
START_TEST(only_after_the_step)
{
	expect_most(1);
	for (int i = 0; i < N_CLIENTS; i++) {
		struct tuple c = conn(200 + i);

		see_syn(&w, SEC(9), &c);
		see_refusal(&w, SEC(9) + MS(1), &c);
	}
	see_return(SEC(1));
	world_expect_verdict(&w, VERDICT_PASS, "1 of 4 attempts");
}
END_TEST

/* Drops of before the step do not count: 5 then, 2 after it. */
START_TEST(drops)
{
	expect_most(4)->spec.drops_at_most = 2 - _i;
	see_return(SEC(1));
	see_count(&w, 0, server, COUNTER_LISTEN_DROPS, 0);
	see_count(&w, 0, server, COUNTER_LISTEN_OVERFLOWS, 0);
	see_count(&w, SEC(3), server, COUNTER_LISTEN_DROPS, 5);
	see_count(&w, SEC(11), server, COUNTER_LISTEN_DROPS, 7);
	see_count(&w, SEC(11), server, COUNTER_LISTEN_OVERFLOWS, 1);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS,
			     "2 drops (1 by a full accept queue)");
}
END_TEST

START_TEST(drops_that_were_not_counted)
{
	expect_most(4)->spec.drops_at_most = 2;
	see_return(SEC(1));
	world_expect_verdict(&w, VERDICT_VOID, "were not counted");
}
END_TEST

/* The last of the four is back 6.102 s after the step. */
START_TEST(all_are_back)
{
	expect_most(4)->spec.within = _i ? SEC(6) : SEC(7);
	see_return(SEC(2));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "back: ");
}
END_TEST

START_TEST(no_attempt)
{
	expect_most(4);
	world_expect_verdict(&w, VERDICT_VOID, "no attempt");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("herd");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, so_many_in_a_bin, 0, 2);
	tcase_add_loop_test(c, bins_of_another_length, 0, 2);
	tcase_add_loop_test(c, what_a_stall_held_up_comes_at_once, 0, 2);
	tcase_add_test(c, only_after_the_step);
	tcase_add_loop_test(c, drops, 0, 2);
	tcase_add_test(c, drops_that_were_not_counted);
	tcase_add_loop_test(c, all_are_back, 0, 2);
	tcase_add_test(c, no_attempt);
	return run_tests("herd", c);
}
