/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "harness/judge/model.h"
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
}

static void teardown(void)
{
	world_free(&w);
}

static struct tuple tuple(uint16_t port, uint32_t isn)
{
	return (struct tuple){client, server, port, 8000, isn, false};
}

static const struct model *build(void)
{
	observations_sort(&w.obs);
	return model_build(&w.plan, &w.obs, &w.arena);
}

START_TEST(a_connection_and_its_ends)
{
	struct tuple c = tuple(41000, 5);
	const struct model *m;

	see_connect(&w, SEC(1), &c);
	see_data(&w, SEC(2), &c, 0);
	see_data(&w, SEC(3), &c, 1);
	see_data(&w, SEC(4), &c, 0); /* the first is what counts */
	see_fin(&w, SEC(5), &c, 1);
	see_fin(&w, SEC(6), &c, 0);
	m = build();
	ck_assert_uint_eq(m->connections.n, 1);
	const struct model_connection *k = &m->connections.v[0];
	const struct model_end *o = &k->end[OPENER], *a = &k->end[ACCEPTOR];
	ck_assert_int_eq(k->first_syn, SEC(1));
	ck_assert_int_eq(k->established, SEC(1) + MS(2));
	ck_assert_int_eq(k->refused, NSEC_NEVER);
	ck_assert_int_eq(o->app, app_client);
	ck_assert_int_eq(a->app, app_server);
	ck_assert_int_eq(o->data, SEC(2));
	ck_assert_int_eq(o->acked, SEC(2) + MS(1));
	ck_assert_int_eq(a->data, SEC(3));
	ck_assert_int_eq(a->acked, SEC(3) + MS(1));
	ck_assert_int_eq(a->fin, SEC(5));
	ck_assert_int_eq(o->fin, SEC(6));
	ck_assert_int_eq(o->rst, NSEC_NEVER);
	ck_assert_int_eq(model_connection_over(m, k), SEC(5));
	ck_assert_str_eq(m->services.v[k->service].name, "server:8000");
}
END_TEST

/* The packet that completes the handshake may carry data, or be the FIN. */
START_TEST(established_by_data_or_fin)
{
	struct tuple c = tuple(41000, 5);
	struct observation *o;
	const struct model *m;

	see_syn(&w, SEC(1), &c);
	if (_i) {
		see_fin(&w, SEC(2), &c, 0);
	} else {
		o = see_packet(&w, SEC(2), EV_ESTABLISHED, &c, 0, TCP_FLAG_ACK);
		o->packet.len = 10;
	}
	m = build();
	ck_assert_int_eq(m->connections.v[0].established, SEC(2));
	ck_assert_int_eq(m->connections.v[0].end[OPENER].data, _i ? NSEC_NEVER : SEC(2));
	ck_assert_int_eq(m->connections.v[0].end[OPENER].fin, _i ? SEC(2) : NSEC_NEVER);
}
END_TEST

/* Refused: the attempt ends when the reset arrives, and no socket was ever seen. */
START_TEST(refused_seen_only_in_packets)
{
	struct tuple c = tuple(41000, 5);
	const struct model *m;

	see_syn(&w, SEC(1), &c);
	see_refusal(&w, SEC(1) + MS(4), &c);
	see_destroyed(&w, SEC(1) + MS(6), client, 99);
	m = build();
	ck_assert_int_eq(m->connections.v[0].refused, SEC(1) + MS(5));
	ck_assert_int_eq(m->connections.v[0].established, NSEC_NEVER);
	ck_assert_uint_eq(m->apps[app_client].attempts.n, 1);
	ck_assert_int_eq(m->apps[app_client].attempts.v[0].end, SEC(1) + MS(5));
	ck_assert(!m->apps[app_client].attempts.v[0].open);
	ck_assert_uint_eq(m->sockets.n, 0);
}
END_TEST

/* A reset that was dropped on its way refused nobody. */
START_TEST(a_refusal_that_was_dropped)
{
	struct tuple c = tuple(41000, 5);
	const struct model *m;

	see_syn(&w, SEC(1), &c);
	see_packet(&w, SEC(1) + MS(1), EV_RST, &c, 1, TCP_FLAG_RST)->packet.arrived = NSEC_NEVER;
	m = build();
	ck_assert_int_eq(m->connections.v[0].refused, NSEC_NEVER);
	ck_assert_int_eq(m->apps[app_client].attempts.v[0].end, NSEC_NEVER);
}
END_TEST

START_TEST(the_same_isn_is_a_retransmission)
{
	struct tuple c = tuple(41000, 5);

	see_syn(&w, SEC(1), &c);
	see_syn(&w, SEC(2), &c);
	see_syn(&w, SEC(4), &c);
	ck_assert_uint_eq(build()->connections.n, 1);
}
END_TEST

/* One 4-tuple, two connections: each has its own end, its own socket and its own data. */
START_TEST(a_4_tuple_used_again)
{
	struct tuple c = tuple(41000, 5), d = tuple(41000, 6);
	const struct model *m;

	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(5), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, app_client);
	see_fin(&w, SEC(2), &c, 0);
	see_destroyed(&w, SEC(2) + MS(5), client, 1);
	see_connect(&w, SEC(3), &d);
	see_socket(&w, SEC(3) + MS(5), EV_STATE, &d, 0, 2, STATE_ESTABLISHED, app_client);
	see_data(&w, SEC(4), &d, 0);
	see_syn(&w, SEC(4), &c); /* a copy of the old SYN, long held up */
	m = build();
	ck_assert_uint_eq(m->connections.n, 2);
	const struct model_connection *first = &m->connections.v[0], *again = first + 1;
	ck_assert_int_eq(first->end[OPENER].fin, SEC(2));
	ck_assert_int_eq(first->end[OPENER].data, NSEC_NEVER);
	ck_assert_int_eq(again->end[OPENER].fin, NSEC_NEVER);
	ck_assert_int_eq(again->end[OPENER].data, SEC(4));
	ck_assert_uint_eq(m->sockets.v[first->end[OPENER].socket].cookie, 1);
	ck_assert_uint_eq(m->sockets.v[again->end[OPENER].socket].cookie, 2);
	ck_assert_int_eq(model_connection_over(m, again), NSEC_NEVER);
}
END_TEST

/* The dump is stamped before it is taken: the socket seems older than its SYN. */
/* The opener resets what TIME_WAIT acknowledges, and connects; a reset of its own number ends it. */
START_TEST(a_syn_that_meets_time_wait)
{
	struct tuple c = tuple(41000, 5);

	see_syn(&w, SEC(1), &c);
	see_packet(&w, SEC(1) + MS(1), EV_RST, &c, 0, TCP_FLAG_RST)->packet.seq = _i ? 6 : 7000;
	see_syn(&w, SEC(1) + MS(10), &c);
	see_packet(&w, SEC(1) + MS(11), EV_ESTABLISHED, &c, 0, TCP_FLAG_ACK);
	const struct model *m = build();
	ck_assert_uint_eq(m->connections.n, 1);
	const struct model_connection *k = &m->connections.v[0];
	ck_assert_int_eq(k->established, SEC(1) + MS(11));
	ck_assert_int_eq(k->end[OPENER].rst, _i ? SEC(1) + MS(1) : NSEC_NEVER);
}
END_TEST

START_TEST(a_socket_seen_before_its_syn)
{
	struct tuple c = tuple(41000, 5);
	const struct model *m;

	see_socket(&w, SEC(1) - MS(5), EV_STATE, &c, 0, 1, STATE_SYN_SENT, app_client);
	see_connect(&w, SEC(1), &c);
	m = build();
	ck_assert_int_eq(m->connections.v[0].end[OPENER].socket, 0);
}
END_TEST

/* Older than the observations: packets without a SYN make no connection, the socket is there. */
START_TEST(opened_before_anything_was_seen)
{
	struct tuple c = tuple(41000, 5);
	const struct model *m;

	see_data(&w, SEC(1), &c, 0);
	see_fin(&w, SEC(2), &c, 1);
	see_socket(&w, SEC(1), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, app_client);
	m = build();
	ck_assert_uint_eq(m->connections.n, 0);
	ck_assert_uint_eq(m->sockets.n, 1);
	ck_assert_int_eq(m->sockets.v[0].app, app_client);
}
END_TEST

/* Two apps on the host. Owner by cookie, though the later records have no inode. */
START_TEST(owner_by_cookie)
{
	struct tuple c = tuple(41000, 5);
	int second = world_app(&w, "second", client);
	const struct model *m;

	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(5), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, second);
	see_socket(&w, SEC(5), EV_STATE, &c, 0, 1, STATE_FIN_WAIT_1, -1);
	m = build();
	ck_assert_int_eq(m->sockets.v[0].app, second);
	ck_assert_int_eq(m->connections.v[0].end[OPENER].app, second);
	ck_assert_uint_eq(m->apps[second].connections.n, 1);
	ck_assert_uint_eq(m->apps[app_client].connections.n, 0);
}
END_TEST

/* Two apps on the host: one that was refused belongs to the one that talks to that service. */
START_TEST(owner_by_peer)
{
	struct tuple c = tuple(41000, 5), d = tuple(41001, 6);
	struct tuple e = {client, server, 41002, 9000, 7, false};
	int second = world_app(&w, "second", client);
	const struct model *m;

	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(5), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, second);
	see_connect(&w, SEC(1), &e);
	see_socket(&w, SEC(1) + MS(5), EV_STATE, &e, 0, 2, STATE_ESTABLISHED, app_client);
	if (_i) { /* both talk to it: then it is nobody's */
		struct tuple f = tuple(41003, 8);

		see_connect(&w, SEC(1), &f);
		see_socket(&w, SEC(1) + MS(5), EV_STATE, &f, 0, 3, STATE_ESTABLISHED, app_client);
	}
	see_syn(&w, SEC(2), &d);
	see_refusal(&w, SEC(2) + MS(1), &d);
	m = build();
	ck_assert_int_eq(m->connections.v[m->connections.n - 1].end[OPENER].app, _i ? -1 : second);
}
END_TEST

/*
 * One that was refused could be of an app of which no socket was ever seen, if it ran then: of the
 * one that is known to talk to that service only where that one had ended, or not begun.
 */
START_TEST(owner_beside_a_silent_app)
{
	static const struct {
		nsec_t start, exit;
		bool nobody;
	} lives[] = {
		{SEC(1), NSEC_NEVER, true},
		{SEC(1), SEC(5), true},
		{SEC(1), SEC(4), false},
		{SEC(5) + 1, NSEC_NEVER, false},
	};
	struct tuple c = tuple(41000, 5), d = tuple(41001, 6);
	int silent = world_app(&w, "silent", client);

	see_start(&w, lives[_i].start, silent);
	if (lives[_i].exit != NSEC_NEVER)
		see_exit(&w, lives[_i].exit, silent, 0, 0, false);
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(5), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, app_client);
	see_syn(&w, SEC(5), &d);
	see_refusal(&w, SEC(5) + MS(1), &d);
	ck_assert_int_eq(build()->connections.v[1].end[OPENER].app,
			 lives[_i].nobody ? -1 : app_client);
}
END_TEST

/* The only app of its host, but a program of an `exec` step ran there too, from 2 s to 8 s. */
START_TEST(owner_beside_an_exec)
{
	static const nsec_t at[] = {SEC(1), SEC(3), SEC(6), SEC(9)};
	static const bool nobody[] = {false, true, true, false};
	struct tuple c = tuple(41000, 5);

	see_exec(&w, SEC(2), EV_START, client);
	see_exec(&w, SEC(4), EV_START, client);
	see_exec(&w, SEC(5), EV_EXIT, client); /* one of them still runs */
	see_exec(&w, SEC(8), EV_EXIT, client);
	see_syn(&w, at[_i], &c);
	see_refusal(&w, at[_i] + MS(1), &c);
	ck_assert_int_eq(build()->connections.v[0].end[OPENER].app, nobody[_i] ? -1 : app_client);
}
END_TEST

/* Two servers on one host: the one that listens at the port. */
START_TEST(owner_by_listener)
{
	struct tuple c = tuple(41000, 5), listener = tuple(0, 0);
	int second = world_app(&w, "second", server);
	struct observation *o;

	o = see_socket(&w, 0, EV_STATE, &listener, 1, 1, STATE_LISTEN, second);
	memset(o->socket.local.addr, 0, sizeof(o->socket.local.addr));
	memset(o->socket.peer.addr, 0, sizeof(o->socket.peer.addr));
	see_connect(&w, SEC(1), &c);
	ck_assert_int_eq(build()->connections.v[0].end[ACCEPTOR].app, second);
}
END_TEST

/* The address of IPv6 and that of IPv4 are one service, and one attempt within a second. */
START_TEST(attempts_at_one_name)
{
	struct tuple six = {client, server, 41000, 8000, 5, true}, four = tuple(41001, 6);
	const struct model *m;

	see_syn(&w, SEC(1), &six);
	see_refusal(&w, SEC(1) + MS(1), &six);
	see_syn(&w, SEC(1) + MS(_i), &four);
	see_packet(&w, SEC(1) + MS(_i) + MS(2), EV_ESTABLISHED, &four, 0, TCP_FLAG_ACK);
	m = build();
	ck_assert_uint_eq(m->services.n, 1);
	ck_assert_uint_eq(m->connections.n, 2);
	ck_assert_uint_eq(m->apps[app_client].attempts.n, _i > 1000 ? 2 : 1);
	if (_i <= 1000)
		ck_assert_int_eq(m->apps[app_client].attempts.v[0].established,
				 SEC(1) + MS(_i) + MS(2));
}
END_TEST

START_TEST(reset_by_a_fault)
{
	struct tuple c = tuple(41000, 5);
	int rst = world_fault(&w, NULL, "rst", client, SEC(2), SEC(2));
	const struct model *m;

	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(5), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, app_client);
	see_forged(&w, SEC(2), &c, 0, rst);
	see_destroyed(&w, SEC(2) + MS(_i), client, 1);
	m = build();
	ck_assert_int_eq(m->connections.v[0].end[OPENER].forged, SEC(2));
	ck_assert_int_eq(m->connections.v[0].end[OPENER].rst, NSEC_NEVER);
	ck_assert_int_eq(m->connections.v[0].end[ACCEPTOR].rst, NSEC_NEVER);
	ck_assert_int_eq(model_reset_by_fault(m, &m->connections.v[0].end[OPENER]), _i < 22);
	ck_assert(!model_reset_by_fault(m, &m->connections.v[0].end[ACCEPTOR]));
}
END_TEST

START_TEST(gone_is_an_interval)
{
	struct tuple c = tuple(41000, 5);
	const struct model *m;

	see_socket(&w, SEC(1), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, app_client);
	see_gone(&w, SEC(2), SEC(3), &c, 0, 1, app_client);
	see_destroyed(&w, SEC(9), client, 1); /* the app closes what a reset had ended */
	m = build();
	ck_assert_int_eq(m->sockets.v[0].end_since, SEC(2));
	ck_assert_int_eq(m->sockets.v[0].end, SEC(3));
}
END_TEST

/*
 * One descriptor that connects again and again, by connect(2) to nowhere in between: one cookie, and a
 * socket for each connection, whether a poll has seen it closed between them or not.
 */
START_TEST(a_socket_that_is_used_again)
{
	struct tuple c = tuple(41000, 5), d = tuple(41001, 6);
	const struct model *m;

	see_syn(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(5), EV_STATE, &c, 0, 1, STATE_SYN_SENT, app_client);
	if (_i)
		see_gone(&w, SEC(2) - MS(20), SEC(2), &c, 0, 1, app_client);
	see_syn(&w, SEC(3), &d);
	see_socket(&w, SEC(3) + MS(5), EV_STATE, &d, 0, 1, STATE_SYN_SENT, app_client)
		->socket.since = _i ? NSEC_UNSET : SEC(3) - MS(15);
	see_destroyed(&w, SEC(4), client, 1);
	m = build();
	ck_assert_uint_eq(m->sockets.n, 2);
	ck_assert_int_eq(m->sockets.v[0].end, _i ? SEC(2) : SEC(3) + MS(5));
	ck_assert_int_eq(m->sockets.v[0].end_since, _i ? SEC(2) - MS(20) : SEC(3) - MS(15));
	ck_assert_int_eq(m->sockets.v[0].destroyed, NSEC_NEVER);
	ck_assert_uint_eq(m->sockets.v[1].local.port, 41001);
	ck_assert_int_eq(m->sockets.v[1].end, SEC(4));
	ck_assert_int_eq(m->sockets.v[1].destroyed, SEC(4));
	for (int i = 0; i < 2; i++)
		ck_assert_int_eq(m->connections.v[i].end[OPENER].socket, i);
	ck_assert_uint_eq(m->apps[app_client].attempts.n, 2);
}
END_TEST

START_TEST(lives_and_acts_of_the_harness)
{
	int kill = world_step(&w, STEP_KILL, app_client, SEC(5));
	const struct model *m;

	see_start(&w, -SEC(1), app_client);
	see_fault(&w, SEC(5) + MS(2), EV_ON, kill, 0)->fault.asked = SEC(5);
	see_exit(&w, SEC(5) + MS(3), app_client, -1, 9, true);
	see_start(&w, SEC(8), app_client);
	m = build();
	ck_assert_uint_eq(m->apps[app_client].lives.n, 2);
	ck_assert_int_eq(m->apps[app_client].lives.v[0].exit, SEC(5) + MS(3));
	ck_assert_int_eq(m->apps[app_client].lives.v[1].exit, NSEC_NEVER);
	ck_assert_int_eq(model_harness_act_after(m, app_client, SEC(1)), SEC(5));
	ck_assert_int_eq(model_harness_act_after(m, app_client, SEC(6)), NSEC_NEVER);
	ck_assert_int_eq(model_harness_act_after(m, app_server, SEC(1)), NSEC_NEVER);
}
END_TEST

/* Records of things that the plan does not have are passed over. */
START_TEST(records_from_nowhere)
{
	struct tuple c = tuple(41000, 5), nowhere = {200, 201, 1, 2, 3, false};
	struct observation *o;
	const struct model *m;

	see_fault(&w, SEC(1), EV_ON, 7, 0);
	see_fault(&w, SEC(1), EV_ON, -1, 0);
	see_connect(&w, SEC(1), &nowhere);
	o = see_socket(&w, SEC(1), EV_STATE, &c, 0, 1, STATE_ESTABLISHED, app_client);
	o->host = 99;
	see_start(&w, SEC(1), app_client);
	w.obs.list.v[w.obs.list.n - 1].app = 99;
	see_exit(&w, SEC(2), app_client, 0, 0, false);
	m = build();
	ck_assert_uint_eq(m->connections.n, 1);
	ck_assert_int_eq(m->connections.v[0].end[OPENER].app, -1);
	ck_assert_str_eq(m->services.v[0].name, "10.0.0.202:2");
	ck_assert_uint_eq(m->sockets.n, 0);
	ck_assert_uint_eq(m->apps[app_client].lives.n, 0);
}
END_TEST

/* Each 4-tuple is used again and again, among many hosts: every record finds its own connection. */
#define CROWD_HOSTS       ((size_t)200)
#define CROWD_CONNECTIONS ((size_t)100)

START_TEST(a_crowd)
{
	const struct model *m;

	for (size_t i = 0; i < CROWD_HOSTS; i++) {
		int host = world_host(&w, "crowd");
		int app = world_app(&w, "crowd", host);

		for (uint32_t k = 0; k < CROWD_CONNECTIONS; k++) {
			struct tuple c = {host, server, 40000, 8000, k * 1000, false};
			nsec_t t = MS(i) + MS(200) * k;

			see_connect(&w, t, &c);
			see_socket(&w, t + MS(3), EV_STATE, &c, 0, k, STATE_ESTABLISHED, app);
			see_fin(&w, t + MS(100), &c, 0);
			see_destroyed(&w, t + MS(101), host, k);
		}
	}
	m = build();
	ck_assert_uint_eq(m->connections.n, CROWD_HOSTS * CROWD_CONNECTIONS);
	ck_assert_uint_eq(m->sockets.n, CROWD_HOSTS * CROWD_CONNECTIONS);
	vec_foreach (c, &m->connections) {
		ck_assert_int_eq(c->end[OPENER].fin, c->first_syn + MS(100));
		ck_assert_int_ge(c->end[OPENER].socket, 0);
		ck_assert_int_eq(m->sockets.v[c->end[OPENER].socket].end, c->first_syn + MS(101));
	}
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("model");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, a_connection_and_its_ends);
	tcase_add_loop_test(c, established_by_data_or_fin, 0, 2);
	tcase_add_test(c, refused_seen_only_in_packets);
	tcase_add_test(c, a_refusal_that_was_dropped);
	tcase_add_test(c, the_same_isn_is_a_retransmission);
	tcase_add_test(c, a_4_tuple_used_again);
	tcase_add_loop_test(c, a_syn_that_meets_time_wait, 0, 2);
	tcase_add_test(c, a_socket_seen_before_its_syn);
	tcase_add_test(c, opened_before_anything_was_seen);
	tcase_add_test(c, owner_by_cookie);
	tcase_add_loop_test(c, owner_by_peer, 0, 2);
	tcase_add_loop_test(c, owner_beside_a_silent_app, 0, 4);
	tcase_add_loop_test(c, owner_beside_an_exec, 0, 4);
	tcase_add_test(c, owner_by_listener);
	tcase_add_loop_test(c, attempts_at_one_name, 1000, 1002);
	tcase_add_loop_test(c, reset_by_a_fault, 20, 23);
	tcase_add_test(c, gone_is_an_interval);
	tcase_add_loop_test(c, a_socket_that_is_used_again, 0, 2);
	tcase_add_test(c, lives_and_acts_of_the_harness);
	tcase_add_test(c, records_from_nowhere);
	tcase_add_test(c, a_crowd);
	return run_tests("model", c);
}
