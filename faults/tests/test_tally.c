/* SPDX-License-Identifier: MIT */
/* What `packets` expectations are told of, by the engine `wire`: which packets, where, and when. */
#include <check.h>
#include <string.h>

#include "faults/tests/testwire.h"
#include "harness/judge/expect.h"
#include "harness/tests/suite.h"

#define N_HOSTS 3

static struct arena arena;
static struct plan *plan;

static void setup(void)
{
	plan = testplan_new(&arena, N_HOSTS, 1);
}

static void teardown(void)
{
	arena_free(&arena);
}

/* An expectation that counts all packets of host 1; valid until the next. */
static struct plan_expect *counting(int direction, int where)
{
	struct plan_expect *e = vec_push(&arena, &plan->expects);

	expect_spec_unset(&e->spec);
	e->spec.ops = expect_find("packets");
	e->spec.direction = direction;
	e->spec.where = where;
	e->hosts.v = arena_new_array(&arena, int64_t, N_HOSTS);
	e->hosts.v[0] = 1;
	e->hosts.n = 1;
	return e;
}

static size_t n_counted(const struct testwire *tw, int expect)
{
	size_t n = 0;

	vec_foreach (o, &tw->observed)
		n += o->source == OBS_PACKET && o->event == EV_COUNTED &&
		     o->packet.expect == expect;
	return n;
}

static struct testframe segment(int from, int to, uint8_t flags)
{
	return testframe_tcp((struct testsegment){.from = from, .to = to, .flags = flags});
}

/* One packet to host 1 and two from it, to and from another. */
static struct testwire *three_packets(void)
{
	struct testwire *tw = testwire_new(&arena, plan);

	testwire_input(tw, MSEC(5), 0, segment(0, 1, TCP_FLAG_ACK));
	testwire_input(tw, MSEC(6), 1, segment(1, 0, TCP_FLAG_ACK));
	testwire_input(tw, MSEC(7), 1, testframe_udp(1, 2, 7));
	testwire_input(tw, MSEC(8), 0, segment(0, 2, TCP_FLAG_ACK)); /* passes it by */
	return tw;
}

START_TEST(a_direction_is_seen_from_the_host)
{
	static const struct {
		int direction;
		size_t n;
	} cases[] = {{ENUM_UNSET, 3},
		     {DIRECTION_BOTH, 3},
		     {DIRECTION_TO_HOST, 1},
		     {DIRECTION_FROM_HOST, 2}};

	counting(cases[_i].direction, ENUM_UNSET);
	counting(cases[_i].direction, PACKETS_DELIVERED);
	struct testwire *tw = three_packets();
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(n_counted(tw, 0), cases[_i].n);
	ck_assert_uint_eq(n_counted(tw, 1), cases[_i].n);
}
END_TEST

/* A fault on whichever cable of its way: it was sent, to that host, and has not been delivered. */
START_TEST(what_a_fault_drops_was_sent_and_not_delivered)
{
	for (int direction = DIRECTION_BOTH; direction <= DIRECTION_FROM_HOST; direction++) {
		counting(direction, PACKETS_SENT);
		counting(direction, PACKETS_DELIVERED);
	}
	testplan_fault(plan, &arena, "cut", "blackhole", _i, MSEC(1), NSEC_NEVER);
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 0, segment(0, 1, TCP_FLAG_ACK));
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(n_counted(tw, 0), 1);
	ck_assert_uint_eq(n_counted(tw, 2), 1);
	ck_assert_uint_eq(n_counted(tw, 4), 0); /* from-host */
	for (int delivered = 1; delivered < 6; delivered += 2)
		ck_assert_uint_eq(n_counted(tw, delivered), 0);
}
END_TEST

START_TEST(each_end_has_its_own_time)
{
	counting(DIRECTION_TO_HOST, PACKETS_SENT);
	counting(DIRECTION_TO_HOST, PACKETS_DELIVERED);
	testplan_fault(plan, &arena, "far", "delay", 0, MSEC(1), NSEC_NEVER)->fault.mean = MSEC(20);
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 0, segment(0, 1, TCP_FLAG_FIN | TCP_FLAG_ACK));
	testwire_end(tw, MSEC(30));
	const struct observation *sent = testwire_event(tw, EV_COUNTED, 0);
	const struct observation *delivered = testwire_event(tw, EV_COUNTED, 1);
	ck_assert_int_eq(sent->t, MSEC(5));
	ck_assert_int_eq(sent->packet.expect, 0);
	ck_assert_int_eq(delivered->t, MSEC(25));
	ck_assert_int_eq(delivered->packet.expect, 1);
	ck_assert_int_eq(delivered->host, 1);
	ck_assert_int_eq(delivered->packet.flags, TCP_FLAG_FIN | TCP_FLAG_ACK);
	ck_assert_int_eq(delivered->packet.dst.port, 8000);
}
END_TEST

/* One that is still on its way at the end has not been delivered. */
START_TEST(what_is_under_way_is_not_delivered_yet)
{
	counting(DIRECTION_TO_HOST, PACKETS_DELIVERED);
	testplan_fault(plan, &arena, "far", "delay", 0, MSEC(1), NSEC_NEVER)->fault.mean = MSEC(20);
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 0, segment(0, 1, TCP_FLAG_ACK));
	testwire_end(tw, MSEC(25) - 1 + _i);
	ck_assert_uint_eq(n_counted(tw, 0), (size_t)_i);
}
END_TEST

START_TEST(a_copy_is_delivered_and_was_not_sent)
{
	counting(ENUM_UNSET, PACKETS_SENT);
	counting(ENUM_UNSET, PACKETS_DELIVERED);
	testplan_fault(plan, &arena, "twice", "duplicate", 0, MSEC(1), NSEC_NEVER)->fault.rate = 1;
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 0, segment(0, 1, TCP_FLAG_ACK));
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(n_counted(tw, 0), 1);
	ck_assert_uint_eq(n_counted(tw, 1), 2);
}
END_TEST

/* Its receiver throws it away. */
START_TEST(a_corrupt_one_is_not_delivered)
{
	counting(ENUM_UNSET, PACKETS_SENT);
	counting(ENUM_UNSET, PACKETS_DELIVERED);
	testplan_fault(plan, &arena, "rot", "corrupt", 0, MSEC(1), NSEC_NEVER)->fault.rate = 1;
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 0, segment(0, 1, TCP_FLAG_ACK));
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(n_counted(tw, 0), 1);
	ck_assert_uint_eq(n_counted(tw, 1), 0);
}
END_TEST

/* A refused host 1 gets a reset, in the name of host 0, which did not send it. */
START_TEST(a_forged_one_is_delivered_and_was_not_sent)
{
	counting(DIRECTION_TO_HOST, PACKETS_DELIVERED)->match_peers =
		(struct index_list){.v = arena_new_array(&arena, int64_t, 1), .n = 1}; /* host 0 */
	counting(DIRECTION_TO_HOST, PACKETS_SENT);
	counting(DIRECTION_FROM_HOST, PACKETS_DELIVERED)->hosts.v[0] = 0;
	testplan_fault(plan, &arena, "no", "reject", 1, MSEC(1), NSEC_NEVER);
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 1, segment(1, 0, TCP_FLAG_SYN));
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(n_counted(tw, 0), 1);
	ck_assert_int_eq(testwire_event(tw, EV_COUNTED, 0)->packet.flags & TCP_FLAG_RST,
			 TCP_FLAG_RST);
	ck_assert_uint_eq(n_counted(tw, 1), 0);
	ck_assert_uint_eq(n_counted(tw, 2), 0);
}
END_TEST

/* To all hosts but its sender. */
START_TEST(a_broadcast_is_for_everybody)
{
	struct plan_expect *e = counting(DIRECTION_TO_HOST, PACKETS_SENT);
	struct testframe f = testframe_udp(0, 1, 7);

	e->hosts = (struct index_list){arena_new_array(&arena, int64_t, N_HOSTS), N_HOSTS};
	for (int i = 0; i < N_HOSTS; i++)
		e->hosts.v[i] = i;
	memset(f.bytes, 0xff, MAC_BYTES);
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 0, f);
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(n_counted(tw, 0), N_HOSTS - 1);
	ck_assert_int_eq(testwire_event(tw, EV_COUNTED, 0)->host, 1);
	ck_assert_int_eq(testwire_event(tw, EV_COUNTED, 1)->host, 2);
}
END_TEST

/* --- the match, which is that of faults: test_match_kinds.c has all of it --- */

START_TEST(only_what_matches_is_counted)
{
	static char *fin[] = {"fin"};
	struct expect_spec *spec = &counting(ENUM_UNSET, ENUM_UNSET)->spec;

	if (_i == 0)
		spec->packets.kind = (struct strings){fin, 1};
	else if (_i == 1)
		spec->packets.protocol = MATCH_UDP;
	else if (_i == 2)
		spec->packets.port = 9000;
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 0, segment(0, 1, TCP_FLAG_ACK));
	testwire_input(tw, MSEC(5), 0, segment(0, 1, TCP_FLAG_FIN | TCP_FLAG_ACK));
	testwire_input(tw, MSEC(5), 0, testframe_udp(0, 1, 7));
	testwire_input(tw, MSEC(5), 0,
		       testframe_tcp((struct testsegment){
			       .to = 1, .sport = 9000, .dport = 8000, .flags = TCP_FLAG_ACK}));
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(n_counted(tw, 0), _i < 3 ? 1 : 4);
}
END_TEST

/* Whoever the other end is, whichever way the packet goes, at either end of its way. */
START_TEST(a_peer_is_the_other_end)
{
	for (int where = PACKETS_SENT; where <= PACKETS_DELIVERED; where++) {
		struct index_list *peers = &counting(ENUM_UNSET, where)->match_peers;

		*peers = (struct index_list){arena_new_array(&arena, int64_t, 1), 1};
		peers->v[0] = 2;
	}
	struct testwire *tw = three_packets();
	testwire_input(tw, MSEC(9), 2, testframe_udp(2, 1, 8));
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(n_counted(tw, 0), 2); /* one to host 2, one from it */
	ck_assert_uint_eq(n_counted(tw, 1), 2);
}
END_TEST

START_TEST(nothing_is_recorded_that_nobody_asks_for)
{
	counting(ENUM_UNSET, ENUM_UNSET)->spec.ops = expect_find("counter");
	struct testwire *tw = three_packets();
	testwire_end(tw, MSEC(9));
	ck_assert_ptr_null(testwire_event(tw, EV_COUNTED, 0));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("tally");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, a_direction_is_seen_from_the_host, 0, 4);
	tcase_add_loop_test(t, what_a_fault_drops_was_sent_and_not_delivered, 0, 2);
	tcase_add_test(t, each_end_has_its_own_time);
	tcase_add_loop_test(t, what_is_under_way_is_not_delivered_yet, 0, 2);
	tcase_add_test(t, a_copy_is_delivered_and_was_not_sent);
	tcase_add_test(t, a_corrupt_one_is_not_delivered);
	tcase_add_test(t, a_forged_one_is_delivered_and_was_not_sent);
	tcase_add_test(t, a_broadcast_is_for_everybody);
	tcase_add_loop_test(t, only_what_matches_is_counted, 0, 4);
	tcase_add_test(t, a_peer_is_the_other_end);
	tcase_add_test(t, nothing_is_recorded_that_nobody_asks_for);
	return run_tests("tally", t);
}
