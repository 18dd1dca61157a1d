/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int app, app_two;

static void setup(void)
{
	world_init(&w, SEC(30));
	int host = world_host(&w, "client");
	app = world_app(&w, "client.1", host);
	app_two = world_app(&w, "client.2", host);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_it(void)
{
	struct plan_expect *e = world_expect(&w, "requests");

	e->spec.app = "client";
	world_list(&w, &e->apps, app);
	world_list(&w, &e->apps, app_two);
	return e;
}

/* Requests of 1, 2, ... n ms, one each 10 ms. */
static void see_requests(int n)
{
	for (int i = 1; i <= n; i++)
		see_line(
			&w, MS(10) * i, i & 1 ? app : app_two,
			arena_printf(&w.arena, "{\"event\":\"request\",\"ok\":true,\"ms\":%d}", i));
}

static void see_failure(nsec_t t)
{
	see_line(&w, t, app, "{\"event\":\"request\",\"ok\":false}");
}

/* 198 of 200 are 99 %, exactly; 197 of 199 are not. */
START_TEST(the_share_is_exact)
{
	expect_it()->spec.success_at_least = 0.99;
	see_requests(198 - _i);
	see_failure(SEC(10));
	see_failure(SEC(11));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS,
			     _i ? "197 of 199 requests succeeded" : "198 of 200");
}
END_TEST

/* Nearest rank: of 1 to 100 ms the median is 50 ms, p99 99 ms, the longest 100 ms. */
START_TEST(percentiles)
{
	struct plan_expect *e = expect_it();
	nsec_t *const bounds[] = {&e->spec.p50, &e->spec.p99, &e->spec.max};
	static const int ms[] = {50, 99, 100};

	*bounds[_i / 2] = MS(ms[_i / 2]) - _i % 2;
	see_requests(100);
	world_expect_verdict(&w, _i % 2 ? VERDICT_FAIL : VERDICT_PASS,
			     "p50 50ms, p99 99ms, max 100ms");
}
END_TEST

START_TEST(at_least_so_many)
{
	expect_it()->spec.at_least = 10 + _i;
	see_requests(9);
	see_failure(SEC(1));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "9 of 10 requests");
}
END_TEST

/* It prints its requests, so that there were none in the window is known. */
START_TEST(none_in_the_window)
{
	static char *words[] = {"from", "to"};
	struct plan_expect *e = expect_it();

	if (_i == 0)
		e->spec.at_least = 1;
	else
		e->spec.success_at_least = 0.5;
	e->spec.during = (struct strings){words, 2};
	e->spec.during_from = SEC(6);
	e->spec.during_to = SEC(8);
	see_requests(3);
	world_expect_verdict(&w, _i ? VERDICT_VOID : VERDICT_FAIL,
			     _i ? "no request ended in that time" : "0 of 0 requests");
}
END_TEST

START_TEST(only_in_the_window)
{
	static char *words[] = {"from", "to"};
	struct plan_expect *e = expect_it();

	e->spec.success_at_least = 1;
	e->spec.during = (struct strings){words, 2};
	e->spec.during_from = 0;
	e->spec.during_to = SEC(5);
	see_requests(10);
	see_failure(_i ? SEC(5) : SEC(6));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "10 of 11" : "10 of 10");
}
END_TEST

/* The reference client prints its responses, and what a lost connection took with it. */
START_TEST(of_the_reference_client)
{
	expect_it()->spec.success_at_least = 0.5;
	see_line(&w, SEC(1), app, "{\"event\":\"response\",\"id\":1,\"rtt_ms\":2.5}");
	see_line(&w, SEC(2), app,
		 _i ? "{\"event\":\"lost\",\"why\":\"x\",\"requests\":3,\"responses\":1}"
		    : "{\"event\":\"lost\",\"why\":\"x\",\"requests\":2,\"responses\":1}");
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS,
			     _i ? "1 of 3 requests" : "1 of 2 requests");
}
END_TEST

/* Without --verbose it says that there were responses, but not when nor how long they took. */
START_TEST(of_a_silent_reference_client)
{
	expect_it()->spec.success_at_least = 0.5;
	see_line(&w, SEC(2), app, "{\"event\":\"lost\",\"requests\":3,\"responses\":1}");
	world_expect_verdict(&w, VERDICT_VOID, "--verbose");
}
END_TEST

/* One of two processes failed; what the harness ended, and what still runs, does not count. */
START_TEST(by_processes)
{
	struct plan_expect *e = expect_it();

	e->spec.success_at_least = _i ? 0.51 : 0.5;
	e->spec.max = SEC(1);
	see_start(&w, SEC(1), app);
	see_exit(&w, SEC(2), app, 0, 0, false);
	see_start(&w, SEC(3), app);
	see_exit(&w, SEC(9), app, 28, 0, false);
	see_start(&w, SEC(1), app_two);
	see_exit(&w, SEC(2), app_two, -1, 9, true);
	see_start(&w, SEC(3), app_two);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "1 of 2 processes succeeded");
}
END_TEST

/* An app that prints requests is not judged by how its processes end. */
START_TEST(lines_before_processes)
{
	expect_it()->spec.success_at_least = 1;
	see_start(&w, 0, app);
	see_requests(2);
	see_exit(&w, SEC(9), app, 1, 0, false);
	world_expect_verdict(&w, VERDICT_PASS, "2 of 2 requests");
}
END_TEST

START_TEST(nothing_seen)
{
	expect_it()->spec.success_at_least = 0;
	see_line(&w, SEC(1), app, "{\"event\":\"request\"}");
	see_line(&w, SEC(1), app, "{\"event\":\"connected\"}");
	world_expect_verdict(&w, VERDICT_VOID, "no request ended");
}
END_TEST

/* A bound on times that no request has is kept by nothing. */
START_TEST(none_succeeded)
{
	struct plan_expect *e = expect_it();

	e->spec.p99 = SEC(1);
	if (_i)
		e->spec.success_at_least = 0.5;
	see_failure(SEC(1));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_VOID,
			     _i ? "0 of 1 request succeeded"
				: "0 of 1 request succeeded: there is no time to judge");
}
END_TEST

START_TEST(no_times_seen)
{
	struct plan_expect *e = expect_it();

	if (_i)
		e->spec.p99 = SEC(1);
	else
		e->spec.success_at_least = 1;
	see_line(&w, SEC(1), app, "{\"event\":\"request\",\"ok\":true}");
	world_expect_verdict(&w, _i ? VERDICT_VOID : VERDICT_PASS,
			     _i ? "\"ms\"" : "1 of 1 request");
}
END_TEST

START_TEST(nothing_asked)
{
	struct plan_expect *e = expect_it();
	struct flaw flaw;

	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.p50 = SEC(1);
	ck_assert(e->spec.ops->check(&e->spec, &flaw));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("requests");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, the_share_is_exact, 0, 2);
	tcase_add_loop_test(c, percentiles, 0, 6);
	tcase_add_loop_test(c, at_least_so_many, 0, 2);
	tcase_add_loop_test(c, only_in_the_window, 0, 2);
	tcase_add_loop_test(c, none_in_the_window, 0, 2);
	tcase_add_loop_test(c, of_the_reference_client, 0, 2);
	tcase_add_test(c, of_a_silent_reference_client);
	tcase_add_loop_test(c, by_processes, 0, 2);
	tcase_add_test(c, lines_before_processes);
	tcase_add_test(c, nothing_seen);
	tcase_add_loop_test(c, none_succeeded, 0, 2);
	tcase_add_loop_test(c, no_times_seen, 0, 2);
	tcase_add_test(c, nothing_asked);
	return run_tests("requests", c);
}
