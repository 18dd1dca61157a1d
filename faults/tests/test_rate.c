/* SPDX-License-Identifier: MIT */
#include <check.h>

#include "faults/tests/teststream.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/* The narrow line: its times and its queue are exact, and so they are compared exactly. */

#define KBIT INT64_C(1000)
#define LEN  INT64_C(1000) /* bytes a frame: 8 ms on a line of 1 Mbit/s */

static struct arena arena;
static struct plan *plan;

static void setup(void)
{
	plan = testplan_new(&arena, 2, 1);
}

static void teardown(void)
{
	arena_free(&arena);
}

static struct fault_spec *narrow(int64_t bits_per_s)
{
	struct fault_spec *spec =
		&testplan_fault(plan, &arena, NULL, "rate", 0, 0, NSEC_NEVER)->fault;

	spec->bits_per_s = bits_per_s;
	return spec;
}

static struct teststream *at_once(size_t n)
{
	return teststream_run(&arena, plan, (struct teststream_of){.n = n, .len = LEN});
}

static size_t n_arrived(const struct teststream *s)
{
	size_t n = 0;

	for (size_t i = 0; i < s->n; i++)
		n += (size_t)s->times[i];
	return n;
}

START_TEST(each_packet_takes_its_time_on_the_line)
{
	narrow(1000 * KBIT);
	struct teststream *s = at_once(100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(s->took[i], MSEC(8) * (i + 1));
	ck_assert_uint_eq(s->did.delayed, 100);
	ck_assert_uint_eq(s->did.dropped, 0);
}
END_TEST

/* 8000 bits at 7 bit/s, which no decimal fraction is: only each departure is rounded, not the sum. */
START_TEST(no_rounding_adds_up)
{
	narrow(7);
	struct teststream *s = at_once(700);
	for (int64_t i = 0; i < 700; i++)
		ck_assert_int_eq(s->took[i], (8000 * NSEC_PER_SEC * (i + 1) + 6) / 7);
}
END_TEST

START_TEST(a_slow_stream_only_takes_its_own_time)
{
	narrow(1000 * KBIT);
	struct teststream *s = teststream_run(
		&arena, plan, (struct teststream_of){.n = 50, .len = LEN, .interval = MSEC(8)});
	for (int i = 0; i < 50; i++)
		ck_assert_int_eq(s->took[i], MSEC(8));
}
END_TEST

START_TEST(a_burst_passes_at_once)
{
	narrow(1000 * KBIT)->burst_bytes = 5 * LEN;
	struct teststream *s = at_once(20);
	for (int i = 0; i < 20; i++)
		ck_assert_int_eq(s->took[i], i < 5 ? 0 : MSEC(8) * (i - 4));
	ck_assert_uint_eq(s->did.delayed, 15);
}
END_TEST

START_TEST(a_queue_of_packets_drops_at_its_tail)
{
	narrow(1000 * KBIT)->limit.packets = 10;
	struct teststream *s = at_once(100);
	for (int i = 0; i < 100; i++)
		ck_assert_int_eq(s->took[i], i < 10 ? MSEC(8) * (i + 1) : NSEC_NEVER);
	ck_assert_uint_eq(s->did.dropped, 90);
}
END_TEST

START_TEST(what_has_left_makes_room)
{
	narrow(1000 * KBIT)->limit.packets = 3;
	/* Twice as fast as the line: each second one finds room once the queue is full. */
	struct teststream *s = teststream_run(
		&arena, plan, (struct teststream_of){.n = 1000, .len = LEN, .interval = MSEC(4)});
	ck_assert_uint_ge(n_arrived(s), 500);
	ck_assert_uint_le(n_arrived(s), 503);
	for (size_t i = 0; i < s->n; i++)
		if (s->times[i])
			ck_assert_int_le(s->took[i], MSEC(8) * 3);
}
END_TEST

START_TEST(a_queue_of_bytes)
{
	narrow(1000 * KBIT)->limit.bytes = 10 * LEN + LEN / 2;
	ck_assert_uint_eq(n_arrived(at_once(100)), 10);
}
END_TEST

START_TEST(a_queue_of_a_time)
{
	narrow(1000 * KBIT)->limit.time = MSEC(80);
	struct teststream *s = at_once(100);
	/* The eleventh waits for 80 ms until the line is free. */
	ck_assert_uint_eq(n_arrived(s), 11);
	ck_assert_int_eq(s->took[10], MSEC(88));
}
END_TEST

START_TEST(a_thousand_packets_unless_it_is_said)
{
	narrow(1000 * KBIT);
	ck_assert_uint_eq(n_arrived(at_once(1500)), 1000);
}
END_TEST

START_TEST(a_free_line_takes_any_packet)
{
	narrow(1000 * KBIT)->limit.bytes = 1;
	struct teststream *s = teststream_run(
		&arena, plan, (struct teststream_of){.n = 50, .len = LEN, .interval = MSEC(8)});
	ck_assert_uint_eq(n_arrived(s), 50);
}
END_TEST

START_TEST(lifted_it_lets_the_queue_leave_in_its_time)
{
	narrow(1000 * KBIT);
	plan->steps.v[0].edges.v[0].off = MSEC(10);
	struct teststream *s = at_once(5);
	for (int i = 0; i < 5; i++)
		ck_assert_int_eq(s->took[i], MSEC(8) * (i + 1));
}
END_TEST

START_TEST(each_window_begins_with_an_empty_queue)
{
	struct fault_spec *spec = narrow(1000 * KBIT);

	spec->limit.packets = 4;
	plan->steps.v[0].edges.v[0].off = MSEC(5);
	testplan_add_window(&plan->steps.v[0], &arena, MSEC(5), NSEC_NEVER);
	/* Four at 1 to 4 ms fill the queue of the first window; at 5 ms there is a new one. */
	struct teststream *s = teststream_run(
		&arena, plan, (struct teststream_of){.n = 8, .len = LEN, .interval = MSEC(1)});
	ck_assert_uint_eq(n_arrived(s), 8);
	ck_assert_int_eq(s->took[4], MSEC(8));
}
END_TEST

START_TEST(two_lines_in_a_row_wait_for_each_other)
{
	narrow(1000 * KBIT);
	narrow(1000 * KBIT);
	struct teststream *s = at_once(3);
	/* As a pipeline of two: the second line is never the one that holds up. */
	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(s->took[i], MSEC(8) * (i + 2));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("rate");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, each_packet_takes_its_time_on_the_line);
	tcase_add_test(tc, no_rounding_adds_up);
	tcase_add_test(tc, a_slow_stream_only_takes_its_own_time);
	tcase_add_test(tc, a_burst_passes_at_once);
	tcase_add_test(tc, a_queue_of_packets_drops_at_its_tail);
	tcase_add_test(tc, what_has_left_makes_room);
	tcase_add_test(tc, a_queue_of_bytes);
	tcase_add_test(tc, a_queue_of_a_time);
	tcase_add_test(tc, a_thousand_packets_unless_it_is_said);
	tcase_add_test(tc, a_free_line_takes_any_packet);
	tcase_add_test(tc, lifted_it_lets_the_queue_leave_in_its_time);
	tcase_add_test(tc, each_window_begins_with_an_empty_queue);
	tcase_add_test(tc, two_lines_in_a_row_wait_for_each_other);
	return run_tests("rate", tc);
}
