/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "faults/tests/testwire.h"
#include "faults/wire/flow_counts.h"
#include "harness/base/rng.h"
#include "harness/tests/suite.h"

/* What a fault did by flow: the table alone, and as records of the engine. */

static struct arena arena;
static struct flow_counts counts;

static void setup(void)
{
	counts = (struct flow_counts){0};
}

static void teardown(void)
{
	flow_counts_free(&counts);
	arena_free(&arena);
}

static struct endpoint at(uint8_t host, uint16_t port)
{
	return (struct endpoint){.family = AF_INET, .addr = {10, 0, 0, host}, .port = port};
}

static void count(struct endpoint src, struct endpoint dst, enum flow_protocol protocol)
{
	flow_counts_of(&counts, &src, &dst, protocol)->matched++;
}

static uint64_t matched_of(size_t i)
{
	struct flow_count c;

	ck_assert(flow_counts_get(&counts, i, &c));
	return c.did.matched;
}

START_TEST(both_directions_are_one_flow)
{
	struct flow_count c;

	count(at(1, 40000), at(2, 8000), FLOW_TCP);
	count(at(2, 8000), at(1, 40000), FLOW_TCP);
	ck_assert_uint_eq(matched_of(0), 2);
	ck_assert(!flow_counts_get(&counts, 1, &c));
	flow_counts_get(&counts, 0, &c);
	ck_assert_uint_eq(c.flow.src.port, 40000); /* as it came first */
}
END_TEST

START_TEST(what_differs_in_anything_is_another)
{
	struct flow_count c;

	count(at(1, 40000), at(2, 8000), FLOW_TCP);
	count(at(1, 40000), at(2, 8000), FLOW_UDP);
	count(at(1, 40001), at(2, 8000), FLOW_TCP);
	count(at(1, 40000), at(3, 8000), FLOW_TCP);
	count(at(1, 8000), at(2, 40000), FLOW_TCP);
	for (size_t i = 0; i < 5; i++)
		ck_assert_uint_eq(matched_of(i), 1);
	ck_assert(!flow_counts_get(&counts, 5, &c));
}
END_TEST

/* However many come, and in whatever order: each with a place is exact, and none is lost. */
START_TEST(the_rest_is_added_up)
{
	uint64_t expected[FLOW_COUNTS_MAX] = {0}, others = 0;
	struct flow_count c;
	struct rng rng;

	rng_init(&rng, 7, "flows");
	for (uint16_t i = 0; i < FLOW_COUNTS_MAX; i++) {
		count(at(1, i), at(2, 8000), FLOW_TCP);
		expected[i]++;
	}
	ck_assert(!flow_counts_get(&counts, FLOW_COUNTS_MAX, &c)); /* just full */
	for (int i = 0; i < 10000; i++) {
		uint16_t port = (uint16_t)(rng_uniform(&rng) * 4 * FLOW_COUNTS_MAX);

		count(at(1, port), at(2, 8000), FLOW_TCP);
		if (port < FLOW_COUNTS_MAX)
			expected[port]++;
		else
			others++;
	}
	for (size_t i = 0; i < FLOW_COUNTS_MAX; i++)
		ck_assert_uint_eq(matched_of(i), expected[i]);
	ck_assert(flow_counts_get(&counts, FLOW_COUNTS_MAX, &c));
	ck_assert(c.flow.others);
	ck_assert_uint_eq(c.did.matched, others);
	ck_assert(!flow_counts_get(&counts, FLOW_COUNTS_MAX + 1, &c));
}
END_TEST

START_TEST(cleared_it_is_empty)
{
	struct flow_count c;

	count(at(1, 1), at(2, 2), FLOW_TCP);
	flow_counts_free(&counts);
	ck_assert(!flow_counts_get(&counts, 0, &c));
	count(at(1, 1), at(2, 2), FLOW_TCP);
	ck_assert_uint_eq(matched_of(0), 1);
}
END_TEST

/* Each window has records of its own, right behind its receipt, and they add up to it. */
START_TEST(the_engine_records_each_window)
{
	struct plan *plan = testplan_new(&arena, 3, 1);
	struct plan_step *s =
		testplan_fault(plan, &arena, "cut", "blackhole", 0, MSEC(10), MSEC(20));

	testplan_add_window(s, &arena, MSEC(30), NSEC_NEVER);
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(5), 0, testframe_udp(0, 1, 1)); /* outside */
	testwire_input(tw, MSEC(11), 0, testframe_tcp((struct testsegment){.to = 1}));
	testwire_input(tw, MSEC(12), 1, testframe_tcp((struct testsegment){.from = 1}));
	testwire_input(tw, MSEC(13), 0, testframe_udp(0, 2, 4));
	testwire_input(tw, MSEC(14), 1, testframe_udp(1, 2, 5)); /* another cable */
	testwire_input(tw, MSEC(31), 0, testframe_tcp((struct testsegment){.to = 1}));
	testwire_end(tw, MSEC(40));

	const struct observation *first = testwire_event(tw, EV_FLOW, 0);
	const struct observation *second = testwire_event(tw, EV_FLOW, 1);
	const struct observation *third = testwire_event(tw, EV_FLOW, 2);
	ck_assert_ptr_null(testwire_event(tw, EV_FLOW, 3));
	ck_assert_int_eq(first->fault.edge, 0);
	ck_assert_uint_eq(first->fault.did.dropped, 2);
	ck_assert_uint_eq(first->fault.flow.protocol, FLOW_TCP);
	ck_assert_uint_eq(second->fault.did.dropped, 1);
	ck_assert_uint_eq(second->fault.flow.protocol, FLOW_UDP);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 3);
	ck_assert_int_eq(third->fault.edge, 1);
	ck_assert_uint_eq(third->fault.did.dropped, 1);
	ck_assert_uint_eq(third->fault.flow.protocol, FLOW_TCP);
	ck_assert_uint_eq(third->fault.flow.dst.port, 8000);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("flow counts");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, both_directions_are_one_flow);
	tcase_add_test(t, what_differs_in_anything_is_another);
	tcase_add_test(t, the_rest_is_added_up);
	tcase_add_test(t, cleared_it_is_empty);
	tcase_add_test(t, the_engine_records_each_window);
	return run_tests("flow counts", t);
}
