/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_server, app_client;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	app_server = world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	see_polled(&w, -SEC(1), server);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_state(const char *state, nsec_t by)
{
	struct plan_expect *e = world_expect(&w, "sockets");

	e->spec.host = "server";
	e->spec.state = (char *)state;
	e->spec.by = by == NSEC_NEVER ? "end" : "10s";
	e->spec.by_time = by;
	world_list(&w, &e->hosts, server);
	return e;
}

static struct tuple tuple(uint16_t port)
{
	return (struct tuple){client, server, port, 8000, port, false};
}

/* A socket of the server at this port's connection. */
static void see_state(nsec_t t, uint16_t port, int state)
{
	struct tuple c = tuple(port);

	see_socket(&w, t, EV_STATE, &c, 1, port, state, app_server);
}

START_TEST(at_most_at_the_end)
{
	expect_state("CLOSE_WAIT", NSEC_NEVER)->spec.at_most = 1 - _i;
	see_state(SEC(1), 41000, STATE_ESTABLISHED);
	see_state(SEC(2), 41000, STATE_CLOSE_WAIT);
	see_state(SEC(2), 41001, STATE_CLOSE_WAIT);
	see_destroyed(&w, SEC(3), server, 41001);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "1 socket");
}
END_TEST

START_TEST(gone_before_the_end)
{
	expect_state("close-wait", NSEC_NEVER)->spec.at_most = 0;
	see_state(SEC(2), 41000, STATE_CLOSE_WAIT);
	if (_i)
		see_destroyed(&w, SEC(20), server, 41000);
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL, _i ? "0 sockets" : "1 socket");
}
END_TEST

START_TEST(found_gone_by_a_poll)
{
	struct tuple c = tuple(41000);

	expect_state("CLOSE_WAIT", NSEC_NEVER)->spec.at_most = 0;
	see_state(SEC(2), 41000, STATE_CLOSE_WAIT);
	see_gone(&w, SEC(19), SEC(20), &c, 1, 41000, app_server);
	world_expect_verdict(&w, VERDICT_PASS, "0 sockets");
}
END_TEST

/* From 10 s on to the end, not only at the end. */
START_TEST(from_a_time_on)
{
	expect_state("CLOSE_WAIT", SEC(10))->spec.at_most = 0;
	see_state(SEC(2), 41000, STATE_CLOSE_WAIT);
	see_destroyed(&w, SEC(9), server, 41000);
	see_state(SEC(_i), 41001, STATE_CLOSE_WAIT);
	see_destroyed(&w, SEC(_i) + MS(500), server, 41001);
	if (_i >= 10)
		world_expect_verdict(&w, VERDICT_FAIL, "1 socket");
	else
		world_expect_verdict(&w, VERDICT_PASS, "0 sockets");
}
END_TEST

/* It is there before, and only goes after that time. */
START_TEST(still_there_at_that_time)
{
	struct scenario_result r;

	expect_state("CLOSE_WAIT", SEC(10))->spec.at_most = 0;
	see_state(SEC(2), 41000, STATE_CLOSE_WAIT);
	see_destroyed(&w, SEC(11), server, 41000);
	world_judge(&w, &r);
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_FAIL);
	ck_assert_int_eq(r.expects.v[0].t, SEC(10));
	ck_assert_str_eq(r.expects.v[0].subject, "server CLOSE_WAIT");
	ck_assert_str_eq(r.expects.v[0].unit, "sockets");
	ck_assert_str_eq(r.expects.v[0].evidence,
			 "at 10.000 s, one of them 10.0.0.1:8000 > 10.0.0.2:41000");
}
END_TEST

START_TEST(at_least)
{
	expect_state("ESTABLISHED", SEC(10))->spec.at_least = 2;
	see_state(SEC(1), 41000, STATE_ESTABLISHED);
	see_state(SEC(1), 41001, STATE_ESTABLISHED);
	if (_i) /* and one of them goes */
		see_destroyed(&w, SEC(20), server, 41001);
	if (_i)
		world_expect_verdict(&w, VERDICT_FAIL, "1 socket");
	else
		world_expect_verdict(&w, VERDICT_PASS, "2 sockets");
}
END_TEST

/* One from 5 s to 8 s: what holds at a time is not what held before or after it. */
START_TEST(at_a_time)
{
	static const nsec_t at[] = {SEC(4), SEC(5), SEC(7), SEC(8)};
	static const bool there[] = {false, true, true, false};
	struct plan_expect *e = world_expect(&w, "sockets");

	e->spec.host = "server";
	e->spec.state = "CLOSE_WAIT";
	e->spec.at = "a time";
	e->spec.at_time = at[_i];
	e->spec.at_most = 0;
	world_list(&w, &e->hosts, server);
	see_state(SEC(5), 41000, STATE_CLOSE_WAIT);
	see_destroyed(&w, SEC(8), server, 41000);
	world_expect_verdict(&w, there[_i] ? VERDICT_FAIL : VERDICT_PASS,
			     there[_i] ? "1 socket" : "0 sockets");
	if (there[_i]) {
		struct scenario_result r;

		world_judge(&w, &r);
		ck_assert_str_eq(r.expects.v[0].evidence,
				 "since 5.000 s, one of them 10.0.0.1:8000 > 10.0.0.2:41000");
	}
}
END_TEST

/* One from 5 s to 8 s, asked for in windows before, across, within and after that. */
START_TEST(during_a_window)
{
	static const struct {
		nsec_t from, to;
		bool there;
	} windows[] = {
		{SEC(1), SEC(4), false}, {SEC(1), SEC(5), true},      {SEC(6), SEC(7), true},
		{SEC(7), SEC(9), true},  {SEC(8), NSEC_NEVER, false}, {SEC(7), NSEC_NEVER, true},
	};
	static char *words[] = {"from", "to"};
	struct plan_expect *e = world_expect(&w, "sockets");

	e->spec.host = "server";
	e->spec.state = "CLOSE_WAIT";
	e->spec.during = (struct strings){words, ARRAY_SIZE(words)};
	e->spec.during_from = windows[_i].from;
	e->spec.during_to = windows[_i].to;
	e->spec.at_most = 0;
	world_list(&w, &e->hosts, server);
	see_state(SEC(5), 41000, STATE_CLOSE_WAIT);
	see_destroyed(&w, SEC(8), server, 41000);
	world_expect_verdict(&w, windows[_i].there ? VERDICT_FAIL : VERDICT_PASS,
			     windows[_i].there ? "1 socket" : "0 sockets");
}
END_TEST

/* One goes as another comes, seen by the same poll: never two of them. */
START_TEST(changes_of_one_moment)
{
	expect_state("ESTABLISHED", SEC(10))->spec.at_most = 1;
	see_state(SEC(1), 41000, STATE_ESTABLISHED);
	see_state(SEC(15), 41001, STATE_ESTABLISHED);
	see_state(SEC(15), 41000, STATE_CLOSE_WAIT);
	world_expect_verdict(&w, VERDICT_PASS, "1 socket");
}
END_TEST

/* TIME_WAIT has no inode; its owner is remembered by the cookie. It outlives the notification. */
START_TEST(time_wait)
{
	struct tuple c = tuple(41000);
	struct plan_expect *e = expect_state("TIME_WAIT", NSEC_NEVER);

	e->spec.at_most = 0;
	e->spec.app = "server";
	world_list(&w, &e->apps, _i == 2 ? app_client : app_server);
	see_state(SEC(1), 41000, STATE_ESTABLISHED);
	if (_i == 1)
		see_destroyed(&w, SEC(2) + MS(1), server, 41000);
	else
		see_destroyed(&w, SEC(2) - MS(1), server, 41000);
	see_socket(&w, SEC(2), EV_STATE, &c, 1, 41000, STATE_TIME_WAIT, -1);
	if (_i == 3)
		see_gone(&w, SEC(25), SEC(25) + MS(20), &c, 1, 41000, -1);
	if (_i == 2) /* no socket of that app was ever there */
		world_expect_verdict(&w, VERDICT_VOID, "no socket of that app");
	else if (_i == 3)
		world_expect_verdict(&w, VERDICT_PASS, "0 sockets");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "1 socket");
}
END_TEST

START_TEST(listeners)
{
	struct observation *o;
	struct tuple c = tuple(0);

	expect_state("LISTEN", NSEC_NEVER)->spec.at_least = 1;
	o = see_socket(&w, SEC(1), EV_STATE, &c, 1, 5, STATE_LISTEN, app_server);
	memset(o->socket.peer.addr, 0, sizeof(o->socket.peer.addr));
	memset(o->socket.local.addr, 0, sizeof(o->socket.local.addr));
	if (_i) /* one on the loopback is nobody's service */
		o->socket.local.addr[0] = 127;
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, _i ? "0 sockets" : "1 socket");
}
END_TEST

/* Of the three only one goes to the service asked for. */
START_TEST(only_of_a_peer)
{
	struct plan_expect *e = expect_state("CLOSE_WAIT", NSEC_NEVER);
	struct tuple out = {server, client, 50000, 9000, 1, false};

	e->spec.at_most = 1;
	world_list(&w, &e->peer_hosts, client);
	e->peer_port = 9000;
	see_state(SEC(1), 41000, STATE_CLOSE_WAIT);
	see_state(SEC(1), 41001, STATE_CLOSE_WAIT);
	see_socket(&w, SEC(1), EV_STATE, &out, 0, 9, STATE_CLOSE_WAIT, app_server);
	world_expect_verdict(&w, VERDICT_PASS, "1 socket");
}
END_TEST

START_TEST(loopback_and_dns_do_not_count)
{
	struct tuple self = {server, server, 50000, 8000, 1, false};
	struct tuple dns = {server, client, 50001, 53, 1, false};

	expect_state("ESTABLISHED", NSEC_NEVER)->spec.at_most = 0;
	see_socket(&w, SEC(1), EV_STATE, &self, 0, 1, STATE_ESTABLISHED, app_server);
	see_socket(&w, SEC(1), EV_STATE, &self, 1, 2, STATE_ESTABLISHED, app_server);
	see_socket(&w, SEC(1), EV_STATE, &dns, 0, 3, STATE_ESTABLISHED, app_server);
	world_expect_verdict(&w, VERDICT_PASS, "0 sockets");
}
END_TEST

/* A socket of an IPv6 listener that serves IPv4 (RFC 4291, 2.5.5.2) is found by its IPv4 address. */
START_TEST(ipv4_mapped)
{
	struct plan_expect *e = expect_state("ESTABLISHED", NSEC_NEVER);
	struct tuple c = {server, client, 50000, 9000, 1, false};
	struct observation *o;

	e->spec.at_least = 1;
	world_list(&w, &e->peer_hosts, client);
	e->peer_port = 9000;
	o = see_socket(&w, SEC(1), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, app_server);
	ck_assert_int_eq(endpoint_parse(&o->socket.local, "[::ffff:10.0.0.1]:50000"), 0);
	ck_assert_int_eq(endpoint_parse(&o->socket.peer, "[::ffff:10.0.0.2]:9000"), 0);
	world_expect_verdict(&w, VERDICT_PASS, "1 socket");
}
END_TEST

START_TEST(never_polled)
{
	struct plan_expect *e = expect_state("CLOSE_WAIT", NSEC_NEVER);

	e->spec.at_most = 0;
	e->hosts.v[0] = client;
	world_expect_verdict(&w, VERDICT_VOID, "never dumped");
}
END_TEST

/* Of a group, each host by itself: the worst is named. */
START_TEST(the_worst_host)
{
	struct plan_expect *e = expect_state("ESTABLISHED", NSEC_NEVER);
	struct tuple c = tuple(41000), d = tuple(41001);
	struct scenario_result r;

	e->spec.at_most = 1;
	world_list(&w, &e->hosts, client);
	see_polled(&w, 0, client);
	see_state(SEC(1), 41000, STATE_ESTABLISHED);
	see_socket(&w, SEC(1), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, app_client);
	see_socket(&w, SEC(1), EV_STATE, &d, 0, 2, STATE_ESTABLISHED, app_client);
	world_judge(&w, &r);
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_FAIL);
	ck_assert_str_eq(r.expects.v[0].subject, "client ESTABLISHED");
}
END_TEST

START_TEST(keys_that_contradict)
{
	struct plan_expect *e = expect_state("NONSENSE", NSEC_NEVER);
	struct flaw flaw;

	e->spec.at_most = 1;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.state = "FIN-WAIT-1";
	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	e->spec.at_least = 2;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.at_least = e->spec.at_most = COUNT_UNSET;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.at_most = 1;
	e->spec.at = "end";
	ck_assert(!e->spec.ops->check(&e->spec, &flaw)); /* beside `by` */
	e->spec.at = e->spec.by = NULL;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), NSEC_UNSET);
	e->spec.by_time = SEC(10);
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), SEC(10));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("sockets");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, at_most_at_the_end, 0, 2);
	tcase_add_loop_test(c, gone_before_the_end, 0, 2);
	tcase_add_test(c, found_gone_by_a_poll);
	tcase_add_loop_test(c, from_a_time_on, 9, 12);
	tcase_add_test(c, still_there_at_that_time);
	tcase_add_loop_test(c, at_least, 0, 2);
	tcase_add_loop_test(c, at_a_time, 0, 4);
	tcase_add_loop_test(c, during_a_window, 0, 6);
	tcase_add_test(c, changes_of_one_moment);
	tcase_add_loop_test(c, time_wait, 0, 4);
	tcase_add_loop_test(c, listeners, 0, 2);
	tcase_add_test(c, only_of_a_peer);
	tcase_add_test(c, loopback_and_dns_do_not_count);
	tcase_add_test(c, ipv4_mapped);
	tcase_add_test(c, never_polled);
	tcase_add_test(c, the_worst_host);
	tcase_add_test(c, keys_that_contradict);
	return run_tests("sockets", c);
}
