/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client;
static struct tuple c;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	c = (struct tuple){.from = client, .to = server, .from_port = 40000, .to_port = 8000};
}

static void teardown(void)
{
	world_free(&w);
}

/* The n-th expectation counts a FIN of one end of the connection. */
static void see_counted(nsec_t t, int host, int16_t expect)
{
	struct observation *o =
		see_packet(&w, t, EV_COUNTED, &c, host == server, TCP_FLAG_FIN | TCP_FLAG_ACK);

	o->packet.expect = expect;
	o->packet.arrived = NSEC_UNSET;
}

/* At 5 s the third, at 8 s the seventh; and one that came before t = 0. */
static void see_seven(void)
{
	see_counted(-SEC(1), server, 0);
	for (int i = 0; i < 7; i++)
		see_counted(i < 3 ? SEC(3 + i) : SEC(8), server, 0);
}

static struct plan_expect *expect_most(int64_t at_most)
{
	struct plan_expect *e = world_expect(&w, "packets");

	e->spec.host = "server";
	e->spec.at_most = at_most;
	world_list(&w, &e->hosts, server);
	return e;
}

static struct plan_expect *by(struct plan_expect *e, nsec_t t)
{
	e->spec.by = t == NSEC_NEVER ? "end" : "a time";
	e->spec.by_time = t;
	return e;
}

START_TEST(at_most)
{
	see_seven();
	by(expect_most(7 - _i), NSEC_NEVER);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "7 packets");
}
END_TEST

START_TEST(at_least)
{
	see_seven();
	by(expect_most(COUNT_UNSET), NSEC_NEVER)->spec.at_least = 7 + _i;
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "7 packets");
}
END_TEST

/* From then on: seven are there from 8 s on, and no sooner. */
START_TEST(from_a_time_on)
{
	see_seven();
	by(expect_most(COUNT_UNSET), _i ? SEC(8) - 1 : SEC(8))->spec.at_least = 7;
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "3 packets" : "7 packets");
}
END_TEST

START_TEST(at_a_time)
{
	static const nsec_t times[] = {SEC(4), SEC(5), SEC(8) - 1, SEC(8)};
	static const char *const observed[] = {"2 packets", "3 packets", "3 packets", "7 packets"};

	see_seven();
	struct plan_expect *e = expect_most(2);
	e->spec.at = "a time";
	e->spec.at_time = times[_i];
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, observed[_i]);
}
END_TEST

/* In a window are those that came in it: four from 6 s to 9 s. */
START_TEST(during_a_window)
{
	static char *words[] = {"from", "to"};

	see_seven();
	struct plan_expect *e = expect_most(4 - _i);
	e->spec.during = (struct strings){words, 2};
	e->spec.during_from = SEC(6);
	e->spec.during_to = SEC(9);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "4 packets");
}
END_TEST

/* That there was none was observed: the engine sees all. */
START_TEST(none_is_an_observation)
{
	by(expect_most(0), NSEC_NEVER)->spec.at_least = _i;
	w.plan.expects.v[0].spec.at_most = _i;
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "0 packets");
}
END_TEST

/* But where the engine lost some nobody knows. */
START_TEST(some_were_lost_by_the_harness)
{
	by(expect_most(0), NSEC_NEVER);
	see_lag(&w, SEC(1), EV_RING_DROP, 0, 1);
	struct scenario_result r;
	world_judge(&w, &r);
	ck_assert_int_eq(r.verdict, VERDICT_INCONCLUSIVE);
}
END_TEST

START_TEST(each_expectation_counts_its_own)
{
	by(expect_most(1), NSEC_NEVER)->label = "first";
	by(expect_most(1), NSEC_NEVER)->label = "second";
	see_counted(SEC(1), server, 0);
	see_counted(SEC(2), server, 1);
	see_counted(SEC(3), server, 1);
	struct scenario_result r;
	world_judge(&w, &r);
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_PASS);
	ck_assert_int_eq(r.expects.v[1].verdict, VERDICT_FAIL);
	ck_assert_str_eq(r.expects.v[1].observed, "2 packets");
}
END_TEST

START_TEST(the_worst_host)
{
	see_seven();
	world_list(&w, &by(expect_most(7), NSEC_NEVER)->hosts, client);
	for (int i = 0; i < 8; i++)
		see_counted(SEC(1), client, 0);
	world_expect_verdict(&w, VERDICT_FAIL, "8 packets");
}
END_TEST

/* The same packet has a record of its own where it means something to a connection. */
START_TEST(what_is_counted_opens_no_connection)
{
	expect_most(9);
	struct observation *o = see_packet(&w, SEC(1), EV_COUNTED, &c, 0, TCP_FLAG_SYN);
	o->packet.expect = 0;
	struct model *m = model_build(&w.plan, &w.obs, &w.arena);
	ck_assert_uint_eq(m->connections.n, 0);
	ck_assert_uint_eq(m->hosts[client].packets.n, 1);
}
END_TEST

START_TEST(the_bound_says_which_are_meant)
{
	static char *kinds[] = {"fin", "rst"}, *peers[] = {"client"};
	struct expect_spec *spec = &by(expect_most(3), NSEC_NEVER)->spec;

	spec->packets.kind = (struct strings){kinds, 2};
	spec->packets.peer = (struct strings){peers, 1};
	spec->packets.protocol = MATCH_TCP;
	spec->packets.port = 8000;
	spec->direction = DIRECTION_FROM_HOST;
	spec->where = PACKETS_DELIVERED;
	world_list(&w, &w.plan.expects.v[0].match_peers, client);
	world_expect_bound(&w, "at most 3 fin/rst tcp packets of port 8000 with client from-host "
			       "delivered at the end");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("packets");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, at_most, 0, 2);
	tcase_add_loop_test(t, at_least, 0, 2);
	tcase_add_loop_test(t, from_a_time_on, 0, 2);
	tcase_add_loop_test(t, at_a_time, 0, 4);
	tcase_add_loop_test(t, during_a_window, 0, 2);
	tcase_add_loop_test(t, none_is_an_observation, 0, 2);
	tcase_add_test(t, some_were_lost_by_the_harness);
	tcase_add_test(t, each_expectation_counts_its_own);
	tcase_add_test(t, the_worst_host);
	tcase_add_test(t, what_is_counted_opens_no_connection);
	tcase_add_test(t, the_bound_says_which_are_meant);
	return run_tests("packets", t);
}
