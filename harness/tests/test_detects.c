/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_server, app_client, cut;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	app_server = world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	cut = world_fault(&w, "cut", "blackhole", server, SEC(2), SEC(12));
	see_step(&w, cut);
}

static void teardown(void)
{
	world_free(&w);
}

/* Within 4 s of the cut, not before 2 s. */
static struct plan_expect *expect_app(int app)
{
	struct plan_expect *e = world_expect(&w, "detects");

	e->spec.app = w.plan.apps.v[app].name;
	e->spec.fault = "cut";
	e->spec.within = SEC(4);
	e->spec.not_before = SEC(2);
	e->step = cut;
	world_list(&w, &e->apps, app);
	return e;
}

static struct tuple tuple(uint16_t port)
{
	return (struct tuple){client, server, port, 8000, port, false};
}

START_TEST(by_fin)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 0);
	struct scenario_result r;
	world_judge(&w, &r);
	const struct expect_result *e = &r.expects.v[0];
	ck_assert_int_eq(e->verdict, VERDICT_PASS);
	ck_assert_str_eq(e->subject, "client 10.0.0.2:41000 > server:8000");
	ck_assert_str_eq(e->bound, "within 4s of cut, not before 2s");
	ck_assert_str_eq(e->observed, "3.000 s");
	ck_assert_str_eq(e->evidence, "FIN sent at 5.000 s");
	ck_assert_double_eq_tol(e->value, 3.0, 1e-9);
	ck_assert_str_eq(e->unit, "s");
	ck_assert_int_eq(e->t, SEC(5));
}
END_TEST

START_TEST(by_rst)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_packet(&w, SEC(5), EV_RST, &c, 0, TCP_FLAG_RST);
	world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
}
END_TEST

/* Exactly at the bound, and a nanosecond later. */
START_TEST(at_the_bound)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(6) + _i, &c, 0);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS,
			     _i ? "4.000000001 s" : "4.000 s");
}
END_TEST

/* Earlier than not-before by the tolerance, and by more. */
START_TEST(too_early)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(4) - MS(_i), &c, 0);
	if (_i == 1)
		world_expect_verdict(&w, VERDICT_PASS, "1.999 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "1.998 s, too early (tolerance 1ms)");
}
END_TEST

START_TEST(never)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	world_expect_verdict(&w, VERDICT_FAIL, "not detected until the end (28.000 s");
}
END_TEST

/* The other end's FIN is not this app's detection. */
START_TEST(the_peers_fin_does_not_count)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 1);
	world_expect_verdict(&w, VERDICT_FAIL, "not detected");
}
END_TEST

START_TEST(the_server_detects_too)
{
	struct tuple c = tuple(41000);

	expect_app(app_server);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 1);
	struct scenario_result r;
	world_judge(&w, &r);
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_PASS);
	ck_assert_str_eq(r.expects.v[0].subject, "server server:8000 < 10.0.0.2:41000");
}
END_TEST

/* The kernel's own timeout aborts: no packet, a notification with nothing but the cookie. */
START_TEST(by_destroy_notification)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client);
	see_destroyed(&w, SEC(5), client, 77);
	struct scenario_result r;
	world_judge(&w, &r);
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_PASS);
	ck_assert_str_eq(r.expects.v[0].evidence, "socket destroyed at 5.000 s");
}
END_TEST

/* A poll finds it gone since the one before it: a bound lies before both, between them, or behind both. */
START_TEST(by_a_poll)
{
	static const struct {
		nsec_t since, t;
		enum verdict verdict;
		const char *observed;
	} cases[] = {
		{SEC(5) + MS(980), SEC(6), VERDICT_PASS, "4.000 s"},
		{SEC(5) + MS(990), SEC(6) + MS(10), VERDICT_INCONCLUSIVE,
		 "between 3.990 s and 4.010 s, as polls show, and the bound 4s is in there"},
		{SEC(6), SEC(6) + MS(20), VERDICT_INCONCLUSIVE, "between 4.000 s and 4.020 s"},
		{SEC(6) + MS(1), SEC(6) + MS(21), VERDICT_FAIL, "4.021 s"},
		{SEC(4) - MS(1), SEC(4) + MS(19), VERDICT_PASS, "2.019 s"},
		{SEC(4) - MS(2), SEC(4) + MS(18), VERDICT_INCONCLUSIVE, "the bound 2s is in there"},
		{SEC(4) - MS(22), SEC(4) - MS(2), VERDICT_FAIL, "1.998 s, too early"},
	};
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client);
	see_gone(&w, cases[_i].since, cases[_i].t, &c, 0, 77, app_client);
	world_expect_verdict(&w, cases[_i].verdict, cases[_i].observed);
}
END_TEST

/* What surely broke a bound decides beside what may have. */
START_TEST(doubt_beside_a_failure)
{
	struct tuple c = tuple(41000), d = tuple(41001);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_connect(&w, SEC(1), &d);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &d, 0, 78, STATE_ESTABLISHED, app_client);
	see_fin(&w, SEC(6) + MS(5), &d, 0);
	see_gone(&w, SEC(5) + MS(990), SEC(6) + MS(10), &c, 0, 77, app_client);
	world_expect_verdict(&w, VERDICT_FAIL, "4.005 s");
}
END_TEST

/*
 * The app closes, but its FIN waits behind data that nobody acknowledges: a poll shows FIN_WAIT_1, or
 * that no file holds the socket any more. As long as neither is seen, nothing was detected.
 */
START_TEST(by_a_close_that_sends_nothing)
{
	struct tuple c = tuple(41000);
	struct observation *o;

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client)
		->socket.inode = 9;
	o = see_socket(&w, SEC(5), EV_STATE, &c, 0, 77,
		       _i == 0 ? STATE_FIN_WAIT_1 : STATE_ESTABLISHED, app_client);
	o->socket.inode = _i == 2 ? 9 : 0;
	o->socket.since = SEC(5) - MS(20);
	if (_i == 2)
		world_expect_verdict(&w, VERDICT_FAIL, "not detected");
	else
		world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
}
END_TEST

/* A fault that its match keeps from the connection cannot be noticed by it. */
START_TEST(a_match_that_spares_the_connection)
{
	static char *handshakes[] = {"syn", "syn-ack", "fin"};
	struct tuple c = tuple(41000);
	struct plan_step *step = &w.plan.steps.v[cut];

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 0);
	switch (_i) {
	case 6:
		step->fault.match.kind = (struct strings){handshakes, 2};
		break;
	case 7:
		step->fault.match.kind = (struct strings){handshakes, 3};
		break;
	case 0:
		step->fault.match.port = 9000;
		break;
	case 1:
		world_list(&w, &step->match_peers,
			   server); /* on its own cable: not the other end */
		break;
	case 2:
		step->fault.match.protocol = MATCH_UDP;
		break;
	case 3:
		step->fault.match.port = 8000;
		break;
	case 4:
		world_list(&w, &step->match_peers, client);
		break;
	default:
		step->fault.match.protocol = MATCH_TCP;
	}
	if (_i < 3 || _i == 6)
		world_expect_verdict(&w, VERDICT_VOID, "no established connection");
	else
		world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
}
END_TEST

/* Of a partition, the connections between its sides. */
START_TEST(only_between_sides)
{
	struct tuple c = tuple(41000);
	struct plan_step *step = &w.plan.steps.v[cut];
	bool apart = _i;

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 0);
	world_list(&w, &step->cables, client); /* the server's is there */
	world_list(&w, &step->sides, 0);
	world_list(&w, &step->sides, apart);
	if (apart)
		world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
	else
		world_expect_verdict(&w, VERDICT_VOID, "no established connection");
}
END_TEST

/*
 * The dead socket stays open; the next attempt tells, if it was the only connection, and no other was begun
 * beside it: a program that polls begins the next one whether it has noticed or not.
 */
START_TEST(by_next_attempt)
{
	static const struct {
		nsec_t other, end; /* of another connection; 0: there was none, or it stays */
		bool tells;
	} cases[] = {
		{0, 0, true},
		{SEC(1), 0, false},
		{MS(900), MS(910), true}, /* before */
		{MS(1500), MS(1510), false},
	};
	struct tuple c = tuple(41000), d = tuple(41001), other = tuple(40999);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	if (cases[_i].other)
		see_connect(&w, cases[_i].other, &other);
	if (cases[_i].end)
		see_fin(&w, cases[_i].end, &other, 0);
	see_syn(&w, SEC(5), &d);
	world_expect_verdict(&w, cases[_i].tells ? VERDICT_PASS : VERDICT_FAIL,
			     cases[_i].tells ? "3.000 s" : "not detected");
}
END_TEST

/* A retransmission of the first SYN is no new attempt. */
START_TEST(a_retransmitted_syn_is_no_attempt)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_packet(&w, SEC(5), EV_SYN, &c, 0, TCP_FLAG_SYN)->packet.retransmit = true;
	world_expect_verdict(&w, VERDICT_FAIL, "not detected");
}
END_TEST

START_TEST(the_slowest_decides)
{
	struct tuple c = tuple(41000), d = tuple(41001);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_connect(&w, SEC(1), &d);
	see_fin(&w, SEC(5), &c, 0);
	see_fin(&w, SEC(7), &d, 0);
	world_expect_verdict(&w, VERDICT_FAIL, "5.000 s");
}
END_TEST

START_TEST(no_connection)
{
	expect_app(app_client);
	world_expect_verdict(&w, VERDICT_VOID, "no established connection crossed");
}
END_TEST

/* Ended before the cut, by either end: not one that must be detected. */
START_TEST(ended_before)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(1) + MS(500), &c, _i);
	world_expect_verdict(&w, VERDICT_VOID, "no established connection crossed");
}
END_TEST

START_TEST(established_after)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(13), &c);
	world_expect_verdict(&w, VERDICT_VOID, "no established connection crossed");
}
END_TEST

/* A connection between two other hosts does not cross the cut cable. */
START_TEST(another_cable)
{
	int third = world_host(&w, "third");
	struct tuple c = {client, third, 41000, 8000, 1, false};

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	world_expect_verdict(&w, VERDICT_VOID, "no established connection crossed");
}
END_TEST

START_TEST(another_peer)
{
	struct tuple c = tuple(41000);
	struct plan_expect *e = expect_app(app_client);

	world_list(&w, &e->peer_hosts, server);
	e->peer_port = 9000;
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 0);
	world_expect_verdict(&w, VERDICT_VOID, "that its match and `peer` let through");
}
END_TEST

START_TEST(the_fault_never_began)
{
	struct tuple c = tuple(41000);

	w.obs.list.n = 0;
	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	world_expect_verdict(&w, VERDICT_VOID, "'cut' never began");
}
END_TEST

/* The harness killed the app 1 s after the edge: no bound had passed, nothing can be said. */
START_TEST(killed_by_the_harness)
{
	struct tuple c = tuple(41000);
	int kill = world_step(&w, STEP_KILL, app_client, SEC(_i));

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_step(&w, kill);
	see_fin(&w, SEC(_i) + MS(1), &c, 0);
	see_exit(&w, SEC(_i) + MS(2), app_client, -1, 9, true);
	if (_i == 3)
		world_expect_verdict(&w, VERDICT_VOID, "the harness itself ended");
	else /* 18 s after the edge it should long have been detected */
		world_expect_verdict(&w, VERDICT_FAIL, "not detected");
}
END_TEST

/* What the app did before it was killed still counts. */
START_TEST(detected_before_the_kill)
{
	struct tuple c = tuple(41000);
	int kill = world_step(&w, STEP_KILL, app_client, SEC(6));

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_step(&w, kill);
	see_fin(&w, SEC(5), &c, 0);
	world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
}
END_TEST

/* A connection made after a restart is judged like any other. */
START_TEST(restarted_before_the_cut)
{
	struct tuple c = tuple(41000);
	int restart = world_step(&w, STEP_RESTART, app_client, MS(500));

	expect_app(app_client);
	see_step(&w, restart);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 0);
	world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
}
END_TEST

/* Each edge of a repeating fault is judged. */
START_TEST(the_second_edge)
{
	struct tuple c = tuple(41000), d = tuple(41001);

	world_edge(&w, cut, SEC(15), SEC(20));
	see_fault(&w, SEC(15), EV_ON, cut, 1);
	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 0);
	see_connect(&w, SEC(13), &d);
	if (_i)
		see_fin(&w, SEC(18), &d, 0);
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "not detected until the end (15.000 s");
}
END_TEST

START_TEST(ends_before_the_bound)
{
	struct tuple c = tuple(41000);

	w.plan.duration = SEC(5);
	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	world_expect_verdict(&w, VERDICT_VOID, "ends before the bound");
}
END_TEST

/* A paused app's host is the cable that its pause is on. */
START_TEST(a_paused_peer)
{
	struct tuple c = tuple(41000);
	int pause = world_step(&w, STEP_PAUSE, app_server, SEC(2));
	struct plan_expect *e = expect_app(app_client);

	e->step = pause;
	see_step(&w, pause);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(5), &c, 0);
	world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
}
END_TEST

/* The record of a kill may be late: what it caused, since it was due, comes after the edge. */
START_TEST(a_kill_recorded_late)
{
	struct tuple c = tuple(41000);
	int kill = world_step(&w, STEP_KILL, app_server, SEC(2));
	struct plan_expect *e = expect_app(app_client);

	e->step = kill;
	e->spec.not_before = NSEC_UNSET;
	see_fault(&w, SEC(2) + MS(3), EV_ON, kill, 0)->fault.asked = SEC(2);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(2) + MS(_i), &c, 1);
	see_fin(&w, SEC(2) + MS(2), &c, 0);
	world_expect_verdict(&w, VERDICT_PASS, "0.000 s");
}
END_TEST

START_TEST(keys_and_deadline)
{
	struct plan_expect *e = expect_app(app_client);
	struct flaw flaw;

	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), SEC(6));
	e->spec.not_before = SEC(5);
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	ck_assert_ptr_nonnull(flaw.hint);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("detects");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, by_fin);
	tcase_add_test(c, by_rst);
	tcase_add_loop_test(c, at_the_bound, 0, 2);
	tcase_add_loop_test(c, too_early, 1, 3);
	tcase_add_test(c, never);
	tcase_add_test(c, the_peers_fin_does_not_count);
	tcase_add_test(c, the_server_detects_too);
	tcase_add_test(c, by_destroy_notification);
	tcase_add_loop_test(c, by_a_poll, 0, 7);
	tcase_add_test(c, doubt_beside_a_failure);
	tcase_add_loop_test(c, by_a_close_that_sends_nothing, 0, 3);
	tcase_add_loop_test(c, a_match_that_spares_the_connection, 0, 8);
	tcase_add_loop_test(c, only_between_sides, 0, 2);
	tcase_add_loop_test(c, by_next_attempt, 0, 4);
	tcase_add_test(c, a_retransmitted_syn_is_no_attempt);
	tcase_add_test(c, the_slowest_decides);
	tcase_add_test(c, no_connection);
	tcase_add_loop_test(c, ended_before, 0, 2);
	tcase_add_test(c, established_after);
	tcase_add_test(c, another_cable);
	tcase_add_test(c, another_peer);
	tcase_add_test(c, the_fault_never_began);
	tcase_add_loop_test(c, killed_by_the_harness, 3, 4);
	tcase_add_loop_test(c, killed_by_the_harness, 20, 21);
	tcase_add_test(c, detected_before_the_kill);
	tcase_add_test(c, restarted_before_the_cut);
	tcase_add_loop_test(c, the_second_edge, 0, 2);
	tcase_add_test(c, ends_before_the_bound);
	tcase_add_test(c, a_paused_peer);
	tcase_add_loop_test(c, a_kill_recorded_late, 0, 2);
	tcase_add_test(c, keys_and_deadline);
	return run_tests("detects", c);
}
