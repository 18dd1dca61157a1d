/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "faults/tests/testframe.h"
#include "faults/wire/flow.h"
#include "harness/tests/suite.h"

#define CLIENT_ISN 0xfffffffeu /* wraps at once */
#define SERVER_ISN 5000u

#define SYN TCP_FLAG_SYN
#define ACK TCP_FLAG_ACK
#define FIN TCP_FLAG_FIN
#define RST TCP_FLAG_RST

static struct flows *flows;

static void setup(void)
{
	flows = flows_new(4);
	ck_assert_ptr_nonnull(flows);
}

static void teardown(void)
{
	flows_free(flows);
}

static struct packet packet(struct testsegment s)
{
	struct testframe f = testframe_tcp(s);
	struct packet p;

	packet_parse(f.bytes, f.len, &p);
	return p;
}

/* A segment that a fault drops. */
static struct flow_event lose(struct testsegment s)
{
	struct packet p = packet(s);

	return flows_sent(flows, &p, s.from);
}

/* One that arrives. */
static struct flow_event pass(struct testsegment s)
{
	struct packet p = packet(s);
	struct flow_event e = flows_sent(flows, &p, s.from);

	flows_arrived(flows, &p, s.to);
	return e;
}

static struct testsegment up(uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload)
{
	return (struct testsegment){
		.from = 0, .to = 1, .flags = flags, .seq = seq, .ack = ack, .payload = payload};
}

static struct testsegment down(uint8_t flags, uint32_t seq, uint32_t ack, uint32_t payload)
{
	return (struct testsegment){
		.from = 1, .to = 0, .flags = flags, .seq = seq, .ack = ack, .payload = payload};
}

static void handshake(void)
{
	ck_assert_int_eq(pass(up(SYN, CLIENT_ISN, 0, 0)).event, EV_SYN);
	ck_assert_int_eq(pass(down(SYN | ACK, SERVER_ISN, CLIENT_ISN + 1, 0)).event, EV_SYN_ACK);
	ck_assert_int_eq(pass(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 0)).event, EV_ESTABLISHED);
}

/* The reset that end `victim` of the only live flow must accept; end 0 is the client. */
static bool reset_numbers(int victim, uint32_t *seq)
{
	struct flow *f = flows_next_live(flows, NULL);
	uint32_t ack;

	ck_assert_ptr_nonnull(f);
	return flow_reset_numbers(f, victim, seq, &ack);
}

static void check_reset_seq(int victim, uint32_t expected)
{
	uint32_t seq = 0;

	ck_assert(reset_numbers(victim, &seq));
	ck_assert_uint_eq(seq, expected);
}

START_TEST(life_of_a_connection)
{
	handshake();
	ck_assert_int_eq(pass(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 10)).event, EV_DATA);
	ck_assert_int_eq(pass(up(ACK, CLIENT_ISN + 11, SERVER_ISN + 1, 10)).event, EV_N_EVENTS);
	ck_assert_int_eq(pass(down(ACK, SERVER_ISN + 1, CLIENT_ISN + 11, 0)).event, EV_ACKED);
	ck_assert_int_eq(pass(down(ACK, SERVER_ISN + 1, CLIENT_ISN + 21, 0)).event, EV_N_EVENTS);
	ck_assert_int_eq(pass(down(ACK, SERVER_ISN + 1, CLIENT_ISN + 21, 5)).event, EV_DATA);
	ck_assert_int_eq(pass(up(FIN | ACK, CLIENT_ISN + 21, SERVER_ISN + 6, 0)).event, EV_FIN);
	ck_assert_ptr_nonnull(flows_next_live(flows, NULL));
	ck_assert_int_eq(pass(down(FIN | ACK, SERVER_ISN + 6, CLIENT_ISN + 22, 0)).event, EV_FIN);
	ck_assert_int_eq(pass(up(ACK, CLIENT_ISN + 22, SERVER_ISN + 7, 0)).event, EV_N_EVENTS);
	ck_assert_ptr_null(flows_next_live(flows, NULL));
}
END_TEST

START_TEST(what_was_sent_before_is_a_retransmission)
{
	ck_assert(!pass(up(SYN, CLIENT_ISN, 0, 0)).retransmit);
	ck_assert(pass(up(SYN, CLIENT_ISN, 0, 0)).retransmit);
	ck_assert(!pass(up(SYN, CLIENT_ISN + 100, 0, 0)).retransmit); /* another attempt */
	pass(up(SYN, CLIENT_ISN, 0, 0));
	ck_assert(!pass(down(SYN | ACK, SERVER_ISN, CLIENT_ISN + 1, 0)).retransmit);
	ck_assert(pass(down(SYN | ACK, SERVER_ISN, CLIENT_ISN + 1, 0)).retransmit);
	pass(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 0));
	lose(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 10));

	struct flow_event again = pass(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 10));
	ck_assert_int_eq(again.event, EV_RETRANSMIT);
	ck_assert(again.retransmit);
	ck_assert(!lose(up(FIN | ACK, CLIENT_ISN + 11, SERVER_ISN + 1, 0)).retransmit);
	ck_assert(pass(up(FIN | ACK, CLIENT_ISN + 11, SERVER_ISN + 1, 0)).retransmit);
}
END_TEST

START_TEST(the_window_closes_once)
{
	struct testsegment closed = down(ACK, SERVER_ISN + 1, CLIENT_ISN + 1, 0);

	handshake();
	closed.closed_window = true;
	ck_assert_int_eq(pass(closed).event, EV_ZERO_WINDOW);
	ck_assert_int_eq(pass(closed).event, EV_N_EVENTS);
	closed.closed_window = false;
	ck_assert_int_eq(pass(closed).event, EV_N_EVENTS);
	closed.closed_window = true;
	ck_assert_int_eq(pass(closed).event, EV_ZERO_WINDOW);
}
END_TEST

START_TEST(reset_counts_what_arrived_and_not_what_was_sent)
{
	handshake();
	check_reset_seq(1, CLIENT_ISN + 1);
	check_reset_seq(0, SERVER_ISN + 1);
	pass(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 10));
	check_reset_seq(1, CLIENT_ISN + 11);
	lose(up(ACK, CLIENT_ISN + 11, SERVER_ISN + 1, 10));
	check_reset_seq(1, CLIENT_ISN + 11);
	/* Over the gap: the receiver still waits for its beginning. */
	pass(up(ACK, CLIENT_ISN + 21, SERVER_ISN + 1, 10));
	pass(up(ACK, CLIENT_ISN + 31, SERVER_ISN + 1, 10));
	check_reset_seq(1, CLIENT_ISN + 11);
	/* The gap is filled. */
	pass(up(ACK, CLIENT_ISN + 11, SERVER_ISN + 1, 10));
	check_reset_seq(1, CLIENT_ISN + 41);
}
END_TEST

START_TEST(reset_believes_the_victims_own_acknowledgment)
{
	handshake();
	lose(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 10));
	check_reset_seq(1, CLIENT_ISN + 1);
	/* It says that it has it after all: it came past us. */
	pass(down(ACK, SERVER_ISN + 1, CLIENT_ISN + 11, 0));
	check_reset_seq(1, CLIENT_ISN + 11);
	/* An older acknowledgment changes nothing. */
	pass(down(ACK, SERVER_ISN + 1, CLIENT_ISN + 1, 0));
	check_reset_seq(1, CLIENT_ISN + 11);
}
END_TEST

START_TEST(a_connection_without_a_handshake_is_joined)
{
	ck_assert_int_eq(pass(up(ACK, 100, 900, 10)).event, EV_DATA);
	check_reset_seq(1, 110);
	check_reset_seq(0, 900);
	ck_assert_int_eq(pass(down(ACK, 900, 110, 0)).event, EV_ACKED);
	pass(down(ACK, 900, 110, 7));
	check_reset_seq(0, 907);
}
END_TEST

START_TEST(a_handshake_whose_syn_was_not_seen)
{
	ck_assert_int_eq(pass(down(SYN | ACK, SERVER_ISN, CLIENT_ISN + 1, 0)).event, EV_SYN_ACK);
	ck_assert_int_eq(pass(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 0)).event, EV_ESTABLISHED);
	check_reset_seq(0, CLIENT_ISN + 1); /* end 0 is who was seen first: the server */
}
END_TEST

START_TEST(a_half_open_handshake_is_not_live)
{
	uint32_t seq;

	pass(up(SYN, CLIENT_ISN, 0, 0));
	ck_assert_ptr_null(flows_next_live(flows, NULL));
	pass(down(SYN | ACK, SERVER_ISN, CLIENT_ISN + 1, 0));
	ck_assert_ptr_null(flows_next_live(flows, NULL));
	lose(up(ACK, CLIENT_ISN + 1, SERVER_ISN + 1, 0));
	ck_assert(reset_numbers(0, &seq));
}
END_TEST

START_TEST(a_reset_that_is_lost_leaves_the_other_end_alive)
{
	uint32_t seq;

	handshake();
	ck_assert_int_eq(lose(up(RST, CLIENT_ISN + 1, 0, 0)).event, EV_RST);
	ck_assert(!reset_numbers(0, &seq));
	ck_assert(reset_numbers(1, &seq));
	pass(up(RST, CLIENT_ISN + 1, 0, 0));
	ck_assert_ptr_null(flows_next_live(flows, NULL));
}
END_TEST

START_TEST(a_refused_attempt_then_a_new_one)
{
	pass(up(SYN, CLIENT_ISN, 0, 0));
	ck_assert_int_eq(pass(down(RST | ACK, 0, CLIENT_ISN + 1, 0)).event, EV_RST);
	struct flow_event e = pass(up(SYN, CLIENT_ISN + 9, 0, 0));
	ck_assert_int_eq(e.event, EV_SYN);
	ck_assert(!e.retransmit);
	ck_assert_int_eq(pass(down(SYN | ACK, SERVER_ISN, CLIENT_ISN + 10, 0)).event, EV_SYN_ACK);
	ck_assert_int_eq(pass(up(ACK, CLIENT_ISN + 10, SERVER_ISN + 1, 0)).event, EV_ESTABLISHED);
}
END_TEST

static void open_from_port(uint16_t port)
{
	struct testsegment s = up(ACK, 100, 200, 10);

	s.sport = port;
	pass(s);
}

static int n_live(void)
{
	int n = 0;

	for (struct flow *f = NULL; (f = flows_next_live(flows, f));)
		n++;
	return n;
}

START_TEST(a_full_table_gives_up_closed_flows_first)
{
	for (uint16_t port = 1; port <= 4; port++)
		open_from_port(port);
	ck_assert_int_eq(n_live(), 4);

	/* Port 2 is over; its place goes to the next. */
	struct testsegment s = up(RST, 110, 0, 0);
	s.sport = 2;
	pass(s);
	ck_assert_int_eq(n_live(), 3);
	open_from_port(5);
	ck_assert_int_eq(n_live(), 4);

	/* All live: the one that was silent for longest goes, and that is not port 1 now. */
	open_from_port(1);
	open_from_port(6);
	ck_assert_int_eq(n_live(), 4);
	bool port1 = false, port3 = false;
	for (struct flow *f = NULL; (f = flows_next_live(flows, f));) {
		port1 |= f->end[0].at.port == 1;
		port3 |= f->end[0].at.port == 3;
	}
	ck_assert(port1);
	ck_assert(!port3);
}
END_TEST

START_TEST(many_flows_keep_the_table_whole)
{
	for (int i = 0; i < 20000; i++) {
		struct testsegment s = up(i % 3 ? ACK : RST, 100, 200, i % 3 ? 10 : 0);

		s.sport = (uint16_t)(1 + i * 7919 % 11);
		pass(s);
		ck_assert_int_le(n_live(), 4);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("flows");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, life_of_a_connection);
	tcase_add_test(tc, what_was_sent_before_is_a_retransmission);
	tcase_add_test(tc, the_window_closes_once);
	tcase_add_test(tc, reset_counts_what_arrived_and_not_what_was_sent);
	tcase_add_test(tc, reset_believes_the_victims_own_acknowledgment);
	tcase_add_test(tc, a_connection_without_a_handshake_is_joined);
	tcase_add_test(tc, a_handshake_whose_syn_was_not_seen);
	tcase_add_test(tc, a_half_open_handshake_is_not_live);
	tcase_add_test(tc, a_reset_that_is_lost_leaves_the_other_end_alive);
	tcase_add_test(tc, a_refused_attempt_then_a_new_one);
	tcase_add_test(tc, a_full_table_gives_up_closed_flows_first);
	tcase_add_test(tc, many_flows_keep_the_table_whole);
	return run_tests("flow", tc);
}
