/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app, app_two;

static const struct tuple conn = {1, 0, 41000, 8000, 1, false};
static const struct tuple other = {1, 0, 41001, 9000, 2, false};

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	app = world_app(&w, "client", client);
	app_two = world_app(&w, "second", client);
	see_polled(&w, -SEC(1), client);
}

static void teardown(void)
{
	world_free(&w);
}

/* At least one socket at this time. */
static struct plan_expect *expect_one(enum tcp_timer kind, nsec_t t)
{
	struct plan_expect *e = world_expect(&w, "timer");

	e->spec.host = "client";
	e->spec.timer = (int)kind - 1;
	e->spec.at_least = 1;
	e->spec.at = "a time";
	e->spec.at_time = t;
	world_list(&w, &e->hosts, client);
	return e;
}

static void see_timer(nsec_t t, const struct tuple *c, uint64_t cookie, int kind, uint8_t retries,
		      nsec_t left)
{
	struct observation *o = see_socket(&w, t, EV_STATE, c, 0, cookie, STATE_ESTABLISHED,
					   cookie == 1 ? app : app_two);

	o->socket.timer = (uint8_t)kind;
	o->socket.retries = retries;
	o->socket.left = left;
}

/* It runs from 5 s to 8 s: then another does, or none, or the socket is gone. */
START_TEST(while_it_runs)
{
	static const nsec_t times[] = {SEC(4), SEC(5), SEC(7), SEC(8)};
	bool runs = _i % 4 == 1 || _i % 4 == 2;

	expect_one(TIMER_ON, times[_i % 4]);
	see_timer(SEC(1), &conn, 1, 0, 0, 0);
	see_timer(SEC(5), &conn, 1, TIMER_ON, 0, MS(200));
	if (_i / 4 == 2)
		see_destroyed(&w, SEC(8), client, 1);
	else
		see_timer(SEC(8), &conn, 1, _i / 4 ? TIMER_KEEPALIVE : 0, 0, SEC(1));
	world_expect_verdict(&w, runs ? VERDICT_PASS : VERDICT_FAIL,
			     runs ? "1 socket" : "0 sockets");
}
END_TEST

START_TEST(of_each_kind)
{
	int seen = _i / 4 + 1, asked = _i % 4 + 1;

	expect_one((enum tcp_timer)asked, SEC(5));
	see_timer(SEC(1), &conn, 1, seen, 0, SEC(60));
	world_expect_verdict(&w, seen == asked ? VERDICT_PASS : VERDICT_FAIL, "socket");
}
END_TEST

START_TEST(at_most)
{
	struct plan_expect *e = expect_one(TIMER_PERSIST, SEC(5));

	e->spec.at_least = COUNT_UNSET;
	e->spec.at_most = 2 - _i;
	see_timer(SEC(1), &conn, 1, TIMER_PERSIST, 0, SEC(1));
	see_timer(SEC(1), &other, 2, TIMER_PERSIST, 0, SEC(1));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "2 sockets");
}
END_TEST

START_TEST(with_retries)
{
	expect_one(TIMER_ON, SEC(5))->spec.retries_at_least = 3 + _i;
	see_timer(SEC(1), &conn, 1, TIMER_ON, 2, SEC(1));
	see_timer(SEC(2), &conn, 1, TIMER_ON, 3, SEC(1));
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "0 sockets" : "1 socket");
}
END_TEST

/* Of 20 s at 1 s no more than 10 s are left from 11 s on, and not before. */
START_TEST(with_time_left)
{
	static const nsec_t times[] = {SEC(11) - 1, SEC(11), SEC(20)};

	expect_one(TIMER_KEEPALIVE, times[_i])->spec.left_at_most = SEC(10);
	see_timer(SEC(1), &conn, 1, TIMER_KEEPALIVE, 0, SEC(20));
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL, _i ? "1 socket" : "0 sockets");
}
END_TEST

/* Set anew at 10 s: the old time no longer counts. */
START_TEST(set_anew)
{
	expect_one(TIMER_KEEPALIVE, SEC(15))->spec.left_at_most = SEC(10);
	see_timer(SEC(1), &conn, 1, TIMER_KEEPALIVE, 0, SEC(20));
	see_timer(SEC(10), &conn, 1, TIMER_KEEPALIVE, 0, SEC(20));
	world_expect_verdict(&w, VERDICT_FAIL, "0 sockets");
}
END_TEST

START_TEST(of_an_app_and_a_peer)
{
	struct plan_expect *e = expect_one(TIMER_ON, SEC(5));

	if (_i & 1) {
		e->spec.app = "client";
		world_list(&w, &e->apps, _i & 2 ? app_two : app);
	} else {
		e->spec.peer = "server:8000";
		world_list(&w, &e->peer_hosts, server);
		e->peer_port = _i & 2 ? 9000 : 8000;
	}
	see_timer(SEC(1), &conn, 1, TIMER_ON, 0, SEC(1));
	world_expect_verdict(&w, _i & 2 ? VERDICT_FAIL : VERDICT_PASS, "socket");
}
END_TEST

START_TEST(never_polled)
{
	expect_one(TIMER_ON, SEC(5))->hosts.v[0] = server;
	world_expect_verdict(&w, VERDICT_VOID, "never dumped");
}
END_TEST

START_TEST(what_it_says)
{
	struct plan_expect *e = expect_one(TIMER_ON, SEC(5));

	e->spec.retries_at_least = 2;
	e->spec.left_at_most = MS(500);
	world_expect_bound(&w, "at least 1 with timer on and 2 retries and 500ms left at 5s");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("timer");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, while_it_runs, 0, 12);
	tcase_add_loop_test(c, of_each_kind, 0, 16);
	tcase_add_loop_test(c, at_most, 0, 2);
	tcase_add_loop_test(c, with_retries, 0, 2);
	tcase_add_loop_test(c, with_time_left, 0, 3);
	tcase_add_test(c, set_anew);
	tcase_add_loop_test(c, of_an_app_and_a_peer, 0, 4);
	tcase_add_test(c, never_polled);
	tcase_add_test(c, what_it_says);
	return run_tests("timer", c);
}
