/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "faults/tests/testwire.h"
#include "faults/wire/forge.h"
#include "harness/tests/suite.h"

/* Forged resets: their bytes, and who gets them. h0 connects to h1 on port 8000. */

#define CLIENT_ISN 100u
#define SERVER_ISN 900u
#define ETHER      14

static struct arena arena;
static struct plan *plan;

static void setup(void)
{
	plan = testplan_new(&arena, 4, 1);
}

static void teardown(void)
{
	arena_free(&arena);
}

static void put(struct testwire *tw, struct testsegment s)
{
	testwire_input(tw, tw->clock + 1, s.from, testframe_tcp(s));
}

/* A connection with 10 bytes from the client that the server has, but has not acknowledged. */
static void open_connection(struct testwire *tw, int client, int server, bool ip6)
{
	struct testsegment up = {
		.from = client, .to = server, .ip6 = ip6, .sport = 40000, .dport = 8000};
	struct testsegment down = {
		.from = server, .to = client, .ip6 = ip6, .sport = 8000, .dport = 40000};

	up.flags = TCP_FLAG_SYN;
	up.seq = CLIENT_ISN;
	put(tw, up);
	down.flags = TCP_FLAG_SYN | TCP_FLAG_ACK;
	down.seq = SERVER_ISN;
	down.ack = CLIENT_ISN + 1;
	put(tw, down);
	up.flags = TCP_FLAG_ACK;
	up.seq = CLIENT_ISN + 1;
	up.ack = SERVER_ISN + 1;
	put(tw, up);
	up.payload = 10;
	put(tw, up);
}

/* The forged packets, in order. */
static const struct observation *forged(struct testwire *tw, int n)
{
	return testwire_event(tw, EV_FORGED, n);
}

static void check_checksums(const uint8_t *bytes, size_t len, const struct packet *p)
{
	size_t ip = p->src.family == AF_INET6 ? 40 : 20;
	size_t tcp = len - ETHER - ip;

	if (p->src.family == AF_INET)
		ck_assert_uint_eq(internet_checksum(bytes + ETHER, ip, 0), 0);
	ck_assert_uint_eq(internet_checksum(bytes + ETHER + ip, tcp,
					    tcp_pseudo_header_sum(&p->src, &p->dst, tcp)),
			  0);
}

START_TEST(both_ends_get_a_valid_reset_in_window)
{
	testplan_fault(plan, &arena, "reset", "rst", 0, MSEC(10), MSEC(10));
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, _i);
	size_t before = tw->emitted.n;
	testwire_end(tw, MSEC(20));

	ck_assert_uint_eq(tw->emitted.n, before + 2);
	for (size_t i = before; i < tw->emitted.n; i++) {
		const struct emitted *e = &tw->emitted.v[i];
		struct packet p;

		packet_parse(e->bytes, e->len, &p);
		ck_assert_int_eq(e->t, MSEC(10));
		ck_assert_int_eq(p.kind, KIND_RST);
		ck_assert_uint_eq(p.src.family, _i ? AF_INET6 : AF_INET);
		ck_assert_uint_eq(p.dst_mac[5], (unsigned)e->host + 1);
		ck_assert_uint_eq(p.src_mac[5], (unsigned)!e->host + 1);
		ck_assert_uint_eq(p.dst.port, e->host == 0 ? 40000 : 8000);
		ck_assert_uint_eq(p.src.port, e->host == 0 ? 8000 : 40000);
		ck_assert_uint_eq(p.seq, e->host == 0 ? SERVER_ISN + 1 : CLIENT_ISN + 11);
		check_checksums(e->bytes, e->len, &p);
	}
	ck_assert_int_eq(forged(tw, 0)->packet.fault, 0);
	ck_assert_int_eq(forged(tw, 0)->packet.arrived, MSEC(10));
	ck_assert_int_eq(forged(tw, 0)->host, 0); /* the cable it was injected on */
	ck_assert_int_eq(forged(tw, 1)->host, 0);
	ck_assert_str_eq(tw->captured.v[tw->captured.n - 1].comment, "forged by reset (rst)");
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 1);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->injected, 2);
}
END_TEST

START_TEST(a_checksum_that_is_wrong_is_seen)
{
	uint8_t bytes[20] = {0x45, 0, 0, 40, 0, 0, 0x40, 0, 64, 6, 0, 0, 10, 0, 0, 1, 10, 0, 0, 2};
	uint16_t sum = internet_checksum(bytes, sizeof(bytes), 0);

	bytes[10] = (uint8_t)(sum >> 8);
	bytes[11] = (uint8_t)sum;
	ck_assert_uint_eq(internet_checksum(bytes, sizeof(bytes), 0), 0);
	bytes[8]--;
	ck_assert_uint_ne(internet_checksum(bytes, sizeof(bytes), 0), 0);
}
END_TEST

START_TEST(to_says_who)
{
	testplan_fault(plan, &arena, "reset", "rst", 0, MSEC(10), MSEC(10))->fault.to = _i;
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	size_t before = tw->emitted.n;
	testwire_end(tw, MSEC(20));

	ck_assert_uint_eq(tw->emitted.n, before + (_i == RST_TO_BOTH ? 2 : 1));
	ck_assert_int_eq(tw->emitted.v[before].host, _i == RST_TO_PEER ? 1 : 0);
}
END_TEST

START_TEST(a_connection_over_two_named_cables_is_reset_once_an_end)
{
	struct plan_step *s = testplan_fault(plan, &arena, "reset", "rst", 0, MSEC(10), MSEC(10));

	s->fault.to = RST_TO_HOST; /* each end is the host of a named cable */
	testplan_add_cable(s, &arena, 1);
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	testwire_end(tw, MSEC(20));
	ck_assert_ptr_nonnull(forged(tw, 1));
	ck_assert_ptr_null(forged(tw, 2));
	ck_assert_int_eq(forged(tw, 0)->host, 0);
	ck_assert_int_eq(forged(tw, 1)->host, 1);
}
END_TEST

START_TEST(only_what_crosses_and_matches)
{
	struct plan_step *s = testplan_fault(plan, &arena, "reset", "rst", 1, MSEC(10), MSEC(10));

	testplan_match_peer(s, &arena, 2);
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false); /* another peer */
	open_connection(tw, 2, 1, false);
	open_connection(tw, 0, 3, false); /* another cable */
	testwire_end(tw, MSEC(20));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 1);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->injected, 2);
}
END_TEST

START_TEST(only_another_port)
{
	testplan_fault(plan, &arena, "reset", "rst", 1, MSEC(10), MSEC(10))->fault.match.port = 80;
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	testwire_end(tw, MSEC(20));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 0);
	ck_assert_ptr_null(forged(tw, 0));
}
END_TEST

START_TEST(what_was_dropped_is_not_counted_as_received)
{
	testplan_fault(plan, &arena, "cut", "blackhole", 1, MSEC(5), MSEC(9));
	testplan_fault(plan, &arena, "reset", "rst", 0, MSEC(10), MSEC(10))->fault.to = RST_TO_PEER;
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	testwire_run(tw, MSEC(6));
	put(tw, (struct testsegment){.to = 1,
				     .flags = TCP_FLAG_ACK,
				     .seq = CLIENT_ISN + 11,
				     .ack = SERVER_ISN + 1,
				     .payload = 100});
	testwire_end(tw, MSEC(20));
	ck_assert_uint_eq(forged(tw, 0)->packet.seq, CLIENT_ISN + 11);
}
END_TEST

START_TEST(a_blackhole_on_the_way_does_not_stop_it)
{
	testplan_fault(plan, &arena, "cut", "blackhole", 0, MSEC(5), NSEC_NEVER);
	testplan_fault(plan, &arena, "reset", "rst", 0, MSEC(10), MSEC(10));
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	size_t before = tw->emitted.n;
	testwire_end(tw, MSEC(20));
	ck_assert_uint_eq(tw->emitted.n, before + 2);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 0);
}
END_TEST

START_TEST(what_is_over_is_left_alone)
{
	struct plan_step *s = testplan_fault(plan, &arena, "reset", "rst", 0, MSEC(10), MSEC(11));

	testplan_add_window(s, &arena, MSEC(20), MSEC(21));
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	testwire_end(tw, MSEC(30));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->injected, 2);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 1)->matched, 0);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 1)->injected, 0);
}
END_TEST

/* -- each: data -- */

static struct testsegment data_of_client(uint32_t payload)
{
	return (struct testsegment){.to = 1,
				    .flags = TCP_FLAG_ACK,
				    .seq = CLIENT_ISN + 11,
				    .ack = SERVER_ISN + 1,
				    .payload = payload};
}

static void each_data(int cable, int to)
{
	struct plan_step *s =
		testplan_fault(plan, &arena, "censor", "rst", cable, MSEC(10), MSEC(20));

	s->fault.each = RST_EACH_DATA;
	s->fault.to = to;
}

START_TEST(each_data_packet_brings_a_reset_and_passes)
{
	each_data(_i, RST_TO_BOTH); /* on the cable of the sender, or of the receiver */
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	testwire_run(tw, MSEC(11));
	size_t before = tw->emitted.n;

	put(tw, data_of_client(5));
	ck_assert_uint_eq(tw->emitted.n, before + 3);
	ck_assert_uint_eq(forged(tw, 0)->packet.seq, SERVER_ISN + 1);
	ck_assert_uint_eq(forged(tw, 1)->packet.seq, CLIENT_ISN + 11);
	ck_assert_int_eq(tw->emitted.v[before + 2].host, 1);
	testwire_end(tw, MSEC(30));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 1);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 0);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->injected, 2);
}
END_TEST

/* Idle connections, acknowledgments, and what is said outside of the window. */
START_TEST(who_says_nothing_is_left_alone)
{
	each_data(1, RST_TO_BOTH);
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	put(tw, data_of_client(5));
	testwire_run(tw, MSEC(11));
	put(tw, data_of_client(0));
	testwire_run(tw, MSEC(21));
	put(tw, data_of_client(5));
	testwire_end(tw, MSEC(30));
	ck_assert_ptr_null(forged(tw, 0));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 0);
}
END_TEST

/* The cable's host is the receiver of these data. */
START_TEST(each_says_to_whom)
{
	each_data(1, _i);
	struct testwire *tw = testwire_new(&arena, plan);
	open_connection(tw, 0, 1, false);
	testwire_run(tw, MSEC(11));
	size_t before = tw->emitted.n;

	put(tw, data_of_client(5));
	ck_assert_uint_eq(tw->emitted.n, before + 2);
	ck_assert_int_eq(tw->emitted.v[before].host, _i == RST_TO_HOST ? 1 : 0);
	testwire_end(tw, MSEC(30));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("forged");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, both_ends_get_a_valid_reset_in_window, 0, 2);
	tcase_add_test(tc, a_checksum_that_is_wrong_is_seen);
	tcase_add_loop_test(tc, to_says_who, RST_TO_HOST, RST_TO_BOTH + 1);
	tcase_add_test(tc, a_connection_over_two_named_cables_is_reset_once_an_end);
	tcase_add_test(tc, only_what_crosses_and_matches);
	tcase_add_test(tc, only_another_port);
	tcase_add_test(tc, what_was_dropped_is_not_counted_as_received);
	tcase_add_test(tc, a_blackhole_on_the_way_does_not_stop_it);
	tcase_add_test(tc, what_is_over_is_left_alone);
	tcase_add_loop_test(tc, each_data_packet_brings_a_reset_and_passes, 0, 2);
	tcase_add_test(tc, who_says_nothing_is_left_alone);
	tcase_add_loop_test(tc, each_says_to_whom, RST_TO_HOST, RST_TO_PEER + 1);
	return run_tests("rst", tc);
}
