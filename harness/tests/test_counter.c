/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

#define NAME "TcpRetransSegs"

static struct world w;
static int server, client;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	see_count(&w, 0, server, NAME, 0);
	see_count(&w, 0, server, "TcpExtListenDrops", 0);
	see_count(&w, SEC(5), server, NAME, 3);
	see_count(&w, SEC(6), server, "TcpExtListenDrops", 99);
	see_count(&w, SEC(8), server, NAME, 7);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_most(int64_t at_most)
{
	struct plan_expect *e = world_expect(&w, "counter");

	e->spec.host = "server";
	e->spec.counter = NAME;
	e->spec.at_most = at_most;
	world_list(&w, &e->hosts, server);
	return e;
}

static struct plan_expect *by_end(struct plan_expect *e)
{
	e->spec.by = "end";
	e->spec.by_time = NSEC_NEVER;
	return e;
}

START_TEST(by_the_end)
{
	by_end(expect_most(7 - _i));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "7");
}
END_TEST

START_TEST(at_a_time)
{
	static const nsec_t times[] = {SEC(4), SEC(5), SEC(7), SEC(8)};
	struct plan_expect *e = expect_most(2);

	e->spec.at = "a time";
	e->spec.at_time = times[_i];
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS,
			     _i == 0  ? "0"
			     : _i < 3 ? "3"
				      : "7");
}
END_TEST

/* In a window it is what was added there: 4 from 6 s to 9 s. */
START_TEST(during_a_window)
{
	static char *words[] = {"from", "to"};
	struct plan_expect *e = expect_most(4 - _i);

	e->spec.during = (struct strings){words, 2};
	e->spec.during_from = SEC(6);
	e->spec.during_to = SEC(9);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "4");
}
END_TEST

START_TEST(at_least)
{
	by_end(expect_most(COUNT_UNSET))->spec.at_least = 7 + _i;
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "7");
}
END_TEST

/* 0 on a counter that was read is an observation; on one that was not, it is none. */
START_TEST(never_read)
{
	struct plan_expect *e = by_end(expect_most(0));

	e->hosts.v[0] = client;
	if (_i)
		see_count(&w, 0, client, NAME, 0);
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_VOID, _i ? "0" : "was not read");
}
END_TEST

START_TEST(the_worst_host)
{
	struct plan_expect *e = by_end(expect_most(7));

	world_list(&w, &e->hosts, client);
	see_count(&w, 0, client, NAME, 0);
	see_count(&w, SEC(1), client, NAME, 8);
	world_expect_verdict(&w, VERDICT_FAIL, "8");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("counter");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, by_the_end, 0, 2);
	tcase_add_loop_test(c, at_a_time, 0, 4);
	tcase_add_loop_test(c, during_a_window, 0, 2);
	tcase_add_loop_test(c, at_least, 0, 2);
	tcase_add_loop_test(c, never_read, 0, 2);
	tcase_add_test(c, the_worst_host);
	return run_tests("counter", c);
}
