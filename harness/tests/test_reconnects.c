/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_server, app_client, cut;

static void setup(void)
{
	world_init(&w, SEC(60));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	app_server = world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	cut = world_fault(&w, "cut", "blackhole", server, SEC(10), SEC(20));
	see_step(&w, cut);
}

static void teardown(void)
{
	world_free(&w);
}

/* Within 5 s of the cable's being back. */
static struct plan_expect *expect_back(int step)
{
	struct plan_expect *e = world_expect(&w, "reconnects");

	e->spec.app = "client";
	e->spec.after = "cut";
	e->spec.within = SEC(5);
	e->step = step;
	world_list(&w, &e->apps, app_client);
	return e;
}

static struct tuple tuple(uint16_t port)
{
	return (struct tuple){client, server, port, 8000, port, false};
}

/* Connected at 1 s and ended at 13 s by the client itself; with data if asked. */
static void see_lost(uint16_t port, bool data)
{
	struct tuple c = tuple(port);

	see_connect(&w, SEC(1), &c);
	if (data)
		see_data(&w, SEC(2), &c, 0);
	see_fin(&w, SEC(13), &c, 0);
}

/* The old connection was closed without a FIN on the cable: it has ended all the same. */
START_TEST(back_after_a_close_that_sent_nothing)
{
	struct tuple c = tuple(41000), d = tuple(41001);

	expect_back(cut);
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(2), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client)->socket.inode =
		9;
	if (_i)
		see_socket(&w, SEC(13), EV_STATE, &c, 0, 77, STATE_FIN_WAIT_1, app_client);
	see_connect(&w, SEC(23), &d);
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "3.002 s");
	else
		world_expect_verdict(&w, VERDICT_VOID, "no connection ended");
}
END_TEST

START_TEST(back_in_time)
{
	struct tuple d = tuple(41001);

	expect_back(cut);
	see_lost(41000, false);
	see_connect(&w, SEC(23), &d);
	struct scenario_result r;
	world_judge(&w, &r);
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_PASS);
	ck_assert_str_eq(r.expects.v[0].observed, "3.002 s");
	ck_assert_str_eq(r.expects.v[0].subject, "client > server:8000");
	ck_assert_int_eq(r.expects.v[0].t, SEC(23) + MS(2));
}
END_TEST

START_TEST(back_too_late)
{
	struct tuple d = tuple(41001);

	expect_back(cut);
	see_lost(41000, false);
	see_connect(&w, SEC(25), &d);
	world_expect_verdict(&w, VERDICT_FAIL, "5.002 s");
}
END_TEST

START_TEST(never_back)
{
	struct tuple d = tuple(41001);

	expect_back(cut);
	see_lost(41000, false);
	see_syn(&w, SEC(23), &d);
	see_refusal(&w, SEC(23) + MS(1), &d);
	world_expect_verdict(&w, VERDICT_FAIL, "0 of 1 are back");
}
END_TEST

/* Through another way while the cable was still cut: before the off-edge is 0. */
START_TEST(back_before_the_off_edge)
{
	struct tuple d = tuple(41001);

	expect_back(cut);
	see_lost(41000, false);
	see_connect(&w, SEC(15), &d);
	world_expect_verdict(&w, VERDICT_PASS, "0.000 s");
}
END_TEST

/* A handshake that began before the cut does not replace what the cut ended. */
START_TEST(begun_before_the_cut)
{
	struct tuple d = tuple(41001);

	expect_back(cut);
	see_lost(41000, false);
	see_syn(&w, SEC(10) - MS(1), &d);
	see_packet(&w, SEC(20) + MS(1), EV_ESTABLISHED, &d, 0, TCP_FLAG_ACK);
	world_expect_verdict(&w, VERDICT_FAIL, "0 of 1 are back");
}
END_TEST

/* Data was sent before: a handshake alone is not enough, and the time is the acknowledgement's. */
/* Nothing ends by a start: an attempt that was under way is answered, and is back. */
START_TEST(begun_before_the_start)
{
	int back = world_step(&w, STEP_START, app_server, SEC(20));
	struct tuple d = tuple(41001);

	see_step(&w, back);
	expect_back(_i ? cut : back);
	see_lost(41000, false);
	see_syn(&w, _i ? SEC(10) - MS(1) : SEC(20) - MS(1), &d);
	see_syn(&w, SEC(20) + MS(10), &d);
	see_packet(&w, SEC(20) + MS(11), EV_ESTABLISHED, &d, 0, TCP_FLAG_ACK);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS,
			     _i ? "0 of 1 are back" : "0.011 s");
}
END_TEST

START_TEST(data_must_be_acknowledged)
{
	struct tuple d = tuple(41001);

	expect_back(cut);
	see_lost(41000, true);
	see_connect(&w, SEC(21), &d);
	if (_i)
		see_data(&w, SEC(24), &d, 0);
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "4.001 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "0 of 1 are back");
}
END_TEST

/* The acknowledgement may ride on the peer's own data. */
START_TEST(acknowledged_by_data)
{
	/* Nothing, the first byte, all across the end of the sequence space. */
	static const uint32_t acks[] = {UINT32_MAX - 10, UINT32_MAX - 9, 90};
	struct tuple d = tuple(41001);
	struct observation *o;

	expect_back(cut);
	see_lost(41000, true);
	see_connect(&w, SEC(21), &d);
	o = see_packet(&w, SEC(22), EV_DATA, &d, 0, TCP_FLAG_PSH | TCP_FLAG_ACK);
	o->packet.seq = UINT32_MAX - 10;
	o->packet.len = 100;
	o = see_packet(&w, SEC(23), EV_DATA, &d, 1, TCP_FLAG_PSH | TCP_FLAG_ACK);
	o->packet.ack = acks[_i];
	o->packet.len = 10;
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "0 of 1 are back");
}
END_TEST

START_TEST(some_are_back)
{
	struct tuple d = tuple(41011), e = tuple(41012);

	expect_back(cut);
	for (uint16_t port = 41000; port < 41003; port++)
		see_lost(port, false);
	see_connect(&w, SEC(21), &d);
	see_connect(&w, SEC(22), &e);
	world_expect_verdict(&w, VERDICT_FAIL, "2 of 3 are back");
}
END_TEST

/* Three at first, but never more than two at one time. */
START_TEST(as_many_as_at_one_time)
{
	struct tuple first = tuple(40000), d = tuple(41011), e = tuple(41012);

	expect_back(cut);
	see_connect(&w, MS(100), &first);
	see_fin(&w, MS(200), &first, 0);
	see_lost(41000, false);
	see_lost(41001, false);
	see_connect(&w, SEC(21), &d);
	see_connect(&w, SEC(22), &e);
	world_expect_verdict(&w, VERDICT_PASS, "2.002 s");
}
END_TEST

/* Two for a moment, when the one took over from the other, and one when the fault began. */
START_TEST(one_that_took_over)
{
	struct tuple first = tuple(40000), d = tuple(41011);

	expect_back(cut);
	see_connect(&w, MS(500), &first);
	see_fin(&w, SEC(1) + MS(500), &first, 0);
	see_lost(41000, false);
	see_connect(&w, SEC(21), &d);
	world_expect_verdict(&w, VERDICT_PASS, "1.002 s");
}
END_TEST

/* One for each request: none stood when the fault began, and two did before, at one time. */
START_TEST(one_for_each_request)
{
	expect_back(cut);
	for (uint16_t port = 40000; port < 40004; port++) {
		struct tuple c = tuple(port);

		see_connect(&w, MS(100) * (port - 40000), &c);
		see_fin(&w, MS(100) * (port - 40000) + MS(150), &c, 0);
	}
	for (int i = 0; i <= _i; i++) {
		struct tuple c = tuple((uint16_t)(41000 + i));

		see_connect(&w, SEC(21), &c);
	}
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL,
			     _i ? "1.002 s" : "1 of 2 are back");
}
END_TEST

/* An acknowledgement that is dropped on its way acknowledges nothing. */
START_TEST(an_ack_that_did_not_arrive)
{
	struct tuple d = tuple(41001);
	struct observation *o;

	expect_back(cut);
	see_lost(41000, true);
	see_connect(&w, SEC(21), &d);
	see_data(&w, SEC(22), &d, 0);
	o = &w.obs.list.v[w.obs.list.n - 1];
	ck_assert_int_eq(o->event, EV_ACKED);
	if (_i)
		o->packet.arrived = NSEC_NEVER;
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS,
			     _i ? "0 of 1 are back" : "2.001 s");
}
END_TEST

/* The request rides on the SYN, and its acknowledgement on the answer to that (RFC 7413). */
START_TEST(data_in_the_syn)
{
	struct tuple d = tuple(41001);
	struct observation *o;

	expect_back(cut);
	see_lost(41000, true);
	o = see_packet(&w, SEC(21), EV_SYN, &d, 0, TCP_FLAG_SYN);
	o->packet.seq = d.isn;
	o->packet.len = 100;
	o = see_packet(&w, SEC(21) + MS(1), EV_SYN_ACK, &d, 1, TCP_FLAG_SYN | TCP_FLAG_ACK);
	o->packet.ack = d.isn + 1 + (_i ? 100 : 0);
	see_packet(&w, SEC(21) + MS(2), EV_ESTABLISHED, &d, 0, TCP_FLAG_ACK);
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL,
			     _i ? "1.002 s" : "0 of 1 are back");
}
END_TEST

/* One of two lives on: one is needed. */
START_TEST(a_survivor_is_not_missing)
{
	struct tuple survivor = tuple(40000), d = tuple(41011);

	expect_back(cut);
	see_connect(&w, SEC(1), &survivor);
	see_lost(41000, false);
	see_connect(&w, SEC(21), &d);
	world_expect_verdict(&w, VERDICT_PASS, "1.002 s");
}
END_TEST

START_TEST(nothing_ended)
{
	struct tuple survivor = tuple(40000);

	expect_back(cut);
	see_connect(&w, SEC(1), &survivor);
	world_expect_verdict(&w, VERDICT_VOID, "no connection ended");
}
END_TEST

/* What ends long after the bound is another story. */
START_TEST(ended_after_the_window)
{
	struct tuple survivor = tuple(40000);

	expect_back(cut);
	see_connect(&w, SEC(1), &survivor);
	see_fin(&w, SEC(50), &survivor, 0);
	world_expect_verdict(&w, VERDICT_VOID, "no connection ended");
}
END_TEST

/* A refused attempt begins nothing and ends nothing. */
START_TEST(refused_before)
{
	struct tuple refused = tuple(40000), d = tuple(41001);

	expect_back(cut);
	see_syn(&w, MS(500), &refused);
	see_refusal(&w, MS(501), &refused);
	see_lost(41000, false);
	see_connect(&w, SEC(23), &d);
	world_expect_verdict(&w, VERDICT_PASS, "3.002 s");
}
END_TEST

START_TEST(nothing_before)
{
	struct tuple d = tuple(41001);

	expect_back(cut);
	see_connect(&w, SEC(21), &d);
	world_expect_verdict(&w, VERDICT_VOID, "no connection before");
}
END_TEST

START_TEST(never_lifted)
{
	struct tuple d = tuple(41001);

	w.plan.steps.v[cut].edges.v[0].off = NSEC_NEVER;
	expect_back(cut);
	see_lost(41000, false);
	see_connect(&w, SEC(21), &d);
	world_expect_verdict(&w, VERDICT_VOID, "not lifted before the end");
}
END_TEST

START_TEST(ends_before_the_bound)
{
	w.plan.duration = SEC(22);
	expect_back(cut);
	see_lost(41000, false);
	world_expect_verdict(&w, VERDICT_VOID, "ends before the bound");
}
END_TEST

/* A step without a length: from its one edge. The server's kill ends the connection. */
START_TEST(after_a_restart)
{
	struct tuple c = tuple(41000), d = tuple(41001);
	int restart = world_step(&w, STEP_RESTART, app_server, SEC(40));

	expect_back(restart);
	see_step(&w, restart);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, SEC(40) + MS(1), &c, 1);
	see_connect(&w, SEC(42), &d);
	world_expect_verdict(&w, VERDICT_PASS, "2.002 s");
}
END_TEST

/* Two services, and only one is back. */
START_TEST(each_service)
{
	struct tuple other = {client, server, 42000, 9000, 1, false}, d = tuple(41001);
	struct plan_expect *e = expect_back(cut);

	if (_i) {
		world_list(&w, &e->peer_hosts, server);
		e->peer_port = 8000;
	}
	see_lost(41000, false);
	see_connect(&w, SEC(1), &other);
	see_fin(&w, SEC(13), &other, 0);
	see_connect(&w, SEC(21), &d);
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "1.002 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "1 of 2 are back");
}
END_TEST

/* Judged at each edge: after the second cut it does not come back. */
START_TEST(the_second_edge)
{
	struct tuple d = tuple(41001), e = tuple(41002);

	world_edge(&w, cut, SEC(30), SEC(40));
	see_fault(&w, SEC(30), EV_ON, cut, 1);
	see_fault(&w, SEC(40), EV_OFF, cut, 1);
	expect_back(cut);
	see_lost(41000, false);
	see_connect(&w, SEC(21), &d);
	see_fin(&w, SEC(33), &d, 0);
	if (_i)
		see_connect(&w, SEC(44), &e);
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "4.002 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "1 of 2 are back");
}
END_TEST

START_TEST(deadline)
{
	struct plan_expect *e = expect_back(cut);

	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), SEC(25));
	w.plan.steps.v[cut].edges.v[0].off = NSEC_NEVER;
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), NSEC_UNSET);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("reconnects");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, back_in_time);
	tcase_add_loop_test(c, back_after_a_close_that_sent_nothing, 0, 2);
	tcase_add_test(c, back_too_late);
	tcase_add_test(c, never_back);
	tcase_add_test(c, back_before_the_off_edge);
	tcase_add_test(c, begun_before_the_cut);
	tcase_add_loop_test(c, begun_before_the_start, 0, 2);
	tcase_add_loop_test(c, data_must_be_acknowledged, 0, 2);
	tcase_add_loop_test(c, acknowledged_by_data, 0, 3);
	tcase_add_test(c, some_are_back);
	tcase_add_test(c, as_many_as_at_one_time);
	tcase_add_test(c, one_that_took_over);
	tcase_add_loop_test(c, one_for_each_request, 0, 2);
	tcase_add_loop_test(c, an_ack_that_did_not_arrive, 0, 2);
	tcase_add_loop_test(c, data_in_the_syn, 0, 2);
	tcase_add_test(c, a_survivor_is_not_missing);
	tcase_add_test(c, nothing_ended);
	tcase_add_test(c, ended_after_the_window);
	tcase_add_test(c, refused_before);
	tcase_add_test(c, nothing_before);
	tcase_add_test(c, never_lifted);
	tcase_add_test(c, ends_before_the_bound);
	tcase_add_test(c, after_a_restart);
	tcase_add_loop_test(c, each_service, 0, 2);
	tcase_add_loop_test(c, the_second_edge, 0, 2);
	tcase_add_test(c, deadline);
	return run_tests("reconnects", c);
}
