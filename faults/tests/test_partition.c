/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <net/ethernet.h>

#include "faults/tests/testwire.h"
#include "harness/tests/suite.h"

/* Faults of which hosts reach each other: partition, and link-down. Four hosts, all pairs. */

#define N_HOSTS 4
#define ON      MSEC(10)
#define OFF     MSEC(20)

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

/* h0 and h1 on one side, h2 on the other, h3 on none. */
static struct plan_step *split(void)
{
	static int64_t sides[] = {0, 0, 1};
	struct plan_step *s = testplan_fault(plan, &arena, "split", "partition", 0, ON, OFF);

	testplan_add_cable(s, &arena, 1);
	testplan_add_cable(s, &arena, 2);
	s->sides = (struct index_list){sides, 3};
	return s;
}

static bool is_apart(int a, int b)
{
	return (a < 2 && b == 2) || (a == 2 && b < 2);
}

/* True if a datagram arrives. */
static bool reaches(struct testwire *tw, int from, int to)
{
	size_t before = tw->emitted.n;

	testwire_input(tw, tw->clock + 1, from, testframe_udp(from, to, 1));
	return tw->emitted.n == before + 1 && tw->emitted.v[before].host == to;
}

START_TEST(exactly_the_pairs_of_two_sides_are_cut)
{
	split();
	struct testwire *tw = testwire_new(&arena, plan);

	for (int phase = 0; phase < 3; phase++) {
		testwire_run(tw, phase * MSEC(10) + MSEC(1)); /* before, while, after */
		for (int a = 0; a < N_HOSTS; a++)
			for (int b = 0; b < N_HOSTS; b++)
				if (a != b)
					ck_assert_int_eq(reaches(tw, a, b),
							 phase != 1 || !is_apart(a, b));
	}
	testwire_end(tw, MSEC(30));
	/* h0 and h1 with h2, either way: each packet is met once, though it crosses two cables. */
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 4);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 4);
}
END_TEST

/* What asks for a neighbour has no IP address: it is cut all the same, and only between the sides. */
START_TEST(a_broadcast_reaches_its_own_side_only)
{
	const size_t ethertype_at = (size_t)ETH_ALEN * 2;
	struct testframe f = testframe_udp(0, 1, 1);

	for (int i = 0; i < ETH_ALEN; i++)
		f.bytes[i] = 0xff;
	f.bytes[ethertype_at] = ETHERTYPE_ARP >> 8;
	f.bytes[ethertype_at + 1] = ETHERTYPE_ARP & 0xff;
	split();
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, ON, 0, f);
	ck_assert_uint_eq(tw->emitted.n, 2);
	vec_foreach (e, &tw->emitted)
		ck_assert(e->host == 1 || e->host == 3);
	testwire_end(tw, MSEC(30));
}
END_TEST

START_TEST(a_partition_has_a_match)
{
	split()->fault.match.protocol = MATCH_TCP;
	struct testwire *tw = testwire_new(&arena, plan);

	testwire_run(tw, ON);
	ck_assert(reaches(tw, 0, 2));
	testwire_input(tw, ON + MSEC(1), 0, testframe_tcp((struct testsegment){.to = 2}));
	testwire_end(tw, MSEC(30));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 1);
}
END_TEST

START_TEST(what_is_in_flight_when_it_falls_apart_is_lost)
{
	testplan_fault(plan, &arena, "slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(5);
	split();
	struct testwire *tw = testwire_new(&arena, plan);

	testwire_input(tw, ON - MSEC(1), 0, testframe_udp(0, 2, 1));
	testwire_end(tw, MSEC(30));
	ck_assert_uint_eq(tw->emitted.n, 0);
	ck_assert_uint_eq(testwire_receipt(tw, 1, 0)->dropped, 1);
}
END_TEST

static void check_carried(const struct testwire *tw, size_t i, nsec_t t, int host, bool up)
{
	ck_assert_uint_lt(i, tw->carried.n);
	ck_assert_int_eq(tw->carried.v[i].t, t);
	ck_assert_int_eq(tw->carried.v[i].host, host);
	ck_assert_int_eq(tw->carried.v[i].up, up);
}

START_TEST(the_carrier_goes_and_comes_back)
{
	struct plan_step *s = testplan_fault(plan, &arena, "pulled", "link-down", 1, ON, OFF);

	testplan_add_cable(s, &arena, 2);
	testplan_add_cable(s, &arena, 1); /* named twice, alone and by its group */
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_end(tw, MSEC(30));

	check_carried(tw, 0, ON, 1, false);
	check_carried(tw, 1, ON, 2, false);
	check_carried(tw, 2, OFF, 1, true);
	check_carried(tw, 3, OFF, 2, true);
	ck_assert_uint_eq(tw->carried.n, 4);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 2); /* the cables */
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 0);
}
END_TEST

START_TEST(two_that_overlap_hold_it_down_together)
{
	testplan_fault(plan, &arena, "one", "link-down", 1, ON, OFF);
	testplan_fault(plan, &arena, "two", "link-down", 1, MSEC(15), MSEC(25));
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_end(tw, MSEC(30));

	check_carried(tw, 0, ON, 1, false);
	check_carried(tw, 1, MSEC(25), 1, true);
	ck_assert_uint_eq(tw->carried.n, 2);
}
END_TEST

START_TEST(nothing_crosses_a_cable_that_is_down)
{
	testplan_fault(plan, &arena, "pulled", "link-down", 1, ON, OFF);
	struct testwire *tw = testwire_new(&arena, plan);

	testwire_run(tw, ON);
	ck_assert(!reaches(tw, 0, 1));
	ck_assert(!reaches(tw, 1, 0)); /* it was sent before the port itself was down */
	ck_assert(reaches(tw, 0, 2));
	testwire_run(tw, OFF);
	ck_assert(reaches(tw, 0, 1));
	testwire_end(tw, MSEC(30));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 3); /* the cable, and two frames */
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 2);
}
END_TEST

START_TEST(what_is_on_its_way_to_it_is_lost)
{
	testplan_fault(plan, &arena, "slow", "delay", 1, 0, NSEC_NEVER)->fault.mean = MSEC(5);
	testplan_fault(plan, &arena, "pulled", "link-down", 1, ON, OFF);
	struct testwire *tw = testwire_new(&arena, plan);

	testwire_input(tw, ON - MSEC(1), 0,
		       testframe_tcp((struct testsegment){.to = 1, .flags = TCP_FLAG_SYN}));
	testwire_end(tw, MSEC(30));
	ck_assert_uint_eq(tw->emitted.n, 0);
	ck_assert_int_eq(testwire_event(tw, EV_SYN, 0)->packet.arrived, NSEC_NEVER);
	ck_assert_int_eq(testwire_event(tw, EV_SYN, 0)->packet.fault, 1);
	ck_assert_uint_eq(testwire_receipt(tw, 1, 0)->dropped, 1);
	ck_assert_ptr_null(testwire_event(tw, EV_RING_DROP, 0)); /* no loss of the harness's own */
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("who reaches whom");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, exactly_the_pairs_of_two_sides_are_cut);
	tcase_add_test(tc, a_broadcast_reaches_its_own_side_only);
	tcase_add_test(tc, a_partition_has_a_match);
	tcase_add_test(tc, what_is_in_flight_when_it_falls_apart_is_lost);
	tcase_add_test(tc, the_carrier_goes_and_comes_back);
	tcase_add_test(tc, two_that_overlap_hold_it_down_together);
	tcase_add_test(tc, nothing_crosses_a_cable_that_is_down);
	tcase_add_test(tc, what_is_on_its_way_to_it_is_lost);
	return run_tests("partition", tc);
}
