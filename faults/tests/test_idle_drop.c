/* SPDX-License-Identifier: MIT */
#include <check.h>

#include "faults/tests/testwire.h"
#include "harness/tests/suite.h"

/* A middlebox that forgets: h0 has a connection to h1 on port 8000, and N is one second. */

#define AFTER MSEC(1000)
#define ON    MSEC(10)

static struct arena arena;
static struct plan *plan;
static struct plan_step *step;

static void setup(void)
{
	plan = testplan_new(&arena, 3, 1);
	step = testplan_fault(plan, &arena, "nat", "idle-drop", 1, ON, NSEC_NEVER);
	step->fault.idle_after = AFTER;
}

static void teardown(void)
{
	arena_free(&arena);
}

static void send_from(struct testwire *tw, nsec_t t, struct testsegment s)
{
	s.from = 0;
	s.to = 1;
	s.flags = s.flags ? s.flags : TCP_FLAG_ACK;
	testwire_input(tw, t, 0, testframe_tcp(s));
}

/* How many frames reached host 1. */
static size_t arrived(struct testwire *tw)
{
	size_t n = 0;

	vec_foreach (e, &tw->emitted)
		n += e->host == 1;
	return n;
}

static void say(struct testwire *tw, nsec_t t)
{
	send_from(tw, t, (struct testsegment){.payload = 1});
}

START_TEST(what_was_there_counts_as_seen_at_the_on_edge)
{
	struct testwire *tw = testwire_new(&arena, plan);

	say(tw, ON + AFTER - 1);
	ck_assert_uint_eq(arrived(tw), 1);
	testwire_end(tw, MSEC(3000));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 1);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 0);
}
END_TEST

START_TEST(what_was_silent_since_then_is_forgotten)
{
	struct testwire *tw = testwire_new(&arena, plan);

	say(tw, ON + AFTER);
	say(tw, ON + AFTER + 1); /* what is dropped brings nothing back */
	ck_assert_uint_eq(tw->emitted.n, 0);
	testwire_end(tw, MSEC(3000));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 2);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->injected, 0);
}
END_TEST

/* Either way: a packet of the peer's keeps it alive too. */
START_TEST(each_packet_makes_it_last_as_long_again)
{
	struct testwire *tw = testwire_new(&arena, plan);

	say(tw, ON + AFTER - 1);
	testwire_input(tw, ON + 2 * AFTER - 2, 1,
		       testframe_tcp((struct testsegment){.from = 1, .flags = TCP_FLAG_ACK}));
	say(tw, ON + 3 * AFTER - 3);
	ck_assert_uint_eq(arrived(tw), 2);
	say(tw, ON + 4 * AFTER - 3);
	ck_assert_uint_eq(arrived(tw), 2);
	testwire_end(tw, MSEC(9000));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 1);
}
END_TEST

START_TEST(a_syn_makes_a_new_entry)
{
	struct testwire *tw = testwire_new(&arena, plan);

	say(tw, ON + AFTER);
	send_from(tw, ON + AFTER + 1, (struct testsegment){.flags = TCP_FLAG_SYN});
	say(tw, ON + AFTER + 2);
	ck_assert_uint_eq(arrived(tw), 2);
	testwire_end(tw, MSEC(9000));
}
END_TEST

START_TEST(each_connection_has_its_own_entry)
{
	struct testwire *tw = testwire_new(&arena, plan);

	say(tw, ON + AFTER - 1);
	send_from(tw, ON + AFTER, (struct testsegment){.sport = 40001, .payload = 1});
	say(tw, ON + AFTER + 1);
	ck_assert_uint_eq(arrived(tw), 2);
	testwire_end(tw, MSEC(9000));
}
END_TEST

/* More than the table began with, and those that are forgotten make room for others. */
START_TEST(a_crowd_is_remembered)
{
	enum { N = 3000, PORT = 10000 };
	struct testwire *tw = testwire_new(&arena, plan);
	nsec_t half = AFTER / 2;

	for (int round = 0; round < 4; round++)
		for (int i = 0; i < N; i++)
			send_from(tw, ON + round * half + i, /* one each nanosecond */
				  (struct testsegment){.sport = (uint16_t)(PORT + i)});
	ck_assert_uint_eq(arrived(tw), (size_t)4 * N);
	for (int i = 0; i < N; i++)
		send_from(tw, ON + 10 * half + i,
			  (struct testsegment){.sport = (uint16_t)(PORT + i)});
	ck_assert_uint_eq(arrived(tw), (size_t)4 * N);
	testwire_end(tw, MSEC(9000));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, N);
}
END_TEST

START_TEST(a_window_remembers_nothing_of_the_one_before)
{
	step->edges.v[0].off = ON + 2 * AFTER;
	testplan_add_window(step, &arena, ON + 3 * AFTER, NSEC_NEVER);
	struct testwire *tw = testwire_new(&arena, plan);

	say(tw, ON + AFTER);
	say(tw, ON + 2 * AFTER); /* it is off */
	say(tw, ON + 4 * AFTER - 1);
	ck_assert_uint_eq(arrived(tw), 2);
	testwire_end(tw, MSEC(9000));
}
END_TEST

/* UDP has no SYN that could bring it back; another cable has another middlebox. */
START_TEST(others_are_left_alone)
{
	struct testwire *tw = testwire_new(&arena, plan);

	testwire_input(tw, ON + AFTER, 0, testframe_udp(0, 1, 1));
	testwire_input(tw, ON + AFTER, 0,
		       testframe_tcp((struct testsegment){.to = 2, .payload = 1}));
	ck_assert_uint_eq(tw->emitted.n, 2);
	testwire_end(tw, MSEC(9000));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 0);
}
END_TEST

static void handshake(struct testwire *tw)
{
	send_from(tw, 1, (struct testsegment){.flags = TCP_FLAG_SYN, .seq = 100});
	testwire_input(
		tw, 2, 1,
		testframe_tcp((struct testsegment){
			.from = 1, .flags = TCP_FLAG_SYN | TCP_FLAG_ACK, .seq = 900, .ack = 101}));
	send_from(tw, 3, (struct testsegment){.seq = 101, .ack = 901});
}

START_TEST(the_answer_is_a_reset_in_window)
{
	step->fault.idle_answer = _i;
	struct testwire *tw = testwire_new(&arena, plan);

	handshake(tw);
	size_t before = tw->emitted.n;
	send_from(tw, ON + AFTER, (struct testsegment){.seq = 101, .ack = 901, .payload = 5});
	ck_assert_uint_eq(tw->emitted.n - before, _i == IDLE_ANSWER_RESET ? 1 : 2);
	for (size_t i = before; i < tw->emitted.n; i++) {
		struct packet p;

		packet_parse(tw->emitted.v[i].bytes, tw->emitted.v[i].len, &p);
		ck_assert_int_eq(tw->emitted.v[i].host, (int)(i - before));
		ck_assert_int_eq(p.kind, KIND_RST);
		ck_assert_uint_eq(p.seq, i == before ? 901 : 101);
	}
	testwire_end(tw, MSEC(9000));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->injected, _i == IDLE_ANSWER_RESET ? 1 : 2);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("idle-drop");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, what_was_there_counts_as_seen_at_the_on_edge);
	tcase_add_test(tc, what_was_silent_since_then_is_forgotten);
	tcase_add_test(tc, each_packet_makes_it_last_as_long_again);
	tcase_add_test(tc, a_syn_makes_a_new_entry);
	tcase_add_test(tc, each_connection_has_its_own_entry);
	tcase_add_test(tc, a_crowd_is_remembered);
	tcase_add_test(tc, a_window_remembers_nothing_of_the_one_before);
	tcase_add_test(tc, others_are_left_alone);
	tcase_add_loop_test(tc, the_answer_is_a_reset_in_window, IDLE_ANSWER_RESET,
			    IDLE_ANSWER_RESET_BOTH + 1);
	return run_tests("idle_drop", tc);
}
