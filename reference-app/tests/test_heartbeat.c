/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "reference-app/heartbeat.h"
#include "reference-app/tests/support.h"

#define I (5 * NSEC_PER_SEC)
#define K 3u
/* Any time will do; not 0, so that a forgotten `now` shows. */
#define START (1000 * NSEC_PER_SEC)

static const struct heartbeat_policy policy = {.interval = I, .max_misses = K};
static struct heartbeat hb;

static void setup(void)
{
	heartbeat_start(&hb, &policy, START);
}

START_TEST(nothing_before_the_interval)
{
	ck_assert_int_eq(heartbeat_tick(&hb, START + I - 1), HEARTBEAT_EARLY);
	ck_assert_int_eq(heartbeat_tick(&hb, START + I), HEARTBEAT_PING);
}
END_TEST

START_TEST(the_first_ping_is_no_miss)
{
	ck_assert_int_eq(heartbeat_tick(&hb, START + I), HEARTBEAT_PING);
	ck_assert_uint_eq(hb.misses, 0);
}
END_TEST

START_TEST(dead_at_the_kth_consecutive_miss)
{
	ck_assert_int_eq(heartbeat_tick(&hb, START + 1 * I), HEARTBEAT_PING);
	ck_assert_int_eq(heartbeat_tick(&hb, START + 2 * I), HEARTBEAT_MISS);
	ck_assert_int_eq(heartbeat_tick(&hb, START + 3 * I), HEARTBEAT_MISS);
	ck_assert_int_eq(heartbeat_tick(&hb, START + 4 * I), HEARTBEAT_DEAD);
	ck_assert_uint_eq(hb.misses, K);
}
END_TEST

START_TEST(one_answer_starts_the_count_afresh)
{
	heartbeat_tick(&hb, START + 1 * I);
	heartbeat_tick(&hb, START + 2 * I);
	heartbeat_tick(&hb, START + 3 * I);
	heartbeat_received(&hb, START + 3 * I + 1);
	ck_assert_uint_eq(hb.misses, 0);
	ck_assert_int_eq(heartbeat_tick(&hb, START + 4 * I), HEARTBEAT_EARLY);
	ck_assert_int_eq(heartbeat_tick(&hb, START + 4 * I + 1), HEARTBEAT_PING);
	ck_assert_int_eq(heartbeat_tick(&hb, START + 5 * I + 1), HEARTBEAT_MISS);
}
END_TEST

START_TEST(traffic_spares_the_pings)
{
	for (nsec_t now = START; now < START + 10 * I; now += I / 2) {
		ck_assert_int_eq(heartbeat_tick(&hb, now), HEARTBEAT_EARLY);
		heartbeat_received(&hb, now);
	}
}
END_TEST

START_TEST(a_single_miss_is_enough_when_k_is_1)
{
	const struct heartbeat_policy one = {.interval = I, .max_misses = 1};

	heartbeat_start(&hb, &one, START);
	ck_assert_int_eq(heartbeat_tick(&hb, START + I), HEARTBEAT_PING);
	ck_assert_int_eq(heartbeat_tick(&hb, START + 2 * I), HEARTBEAT_DEAD);
}
END_TEST

START_TEST(a_stall_of_our_own_is_one_tick)
{
	heartbeat_tick(&hb, START + I);
	/* A minute of SIGSTOP: one miss, not twelve, and the next a whole interval later. */
	ck_assert_int_eq(heartbeat_tick(&hb, START + 12 * I), HEARTBEAT_MISS);
	ck_assert_int_eq(heartbeat_tick(&hb, START + 12 * I + 1), HEARTBEAT_EARLY);
	ck_assert_int_eq(hb.due, START + 13 * I);
}
END_TEST

/* Plays an idle connection whose peer answers each PING rtt later and dies at `cut`; returns how long
 * after the cut it is noticed. */
static nsec_t detection(nsec_t rtt, nsec_t cut)
{
	nsec_t answer_at = NSEC_NEVER;

	heartbeat_start(&hb, &policy, START);
	for (;;) {
		nsec_t now = hb.due < answer_at ? hb.due : answer_at;

		if (now == answer_at) {
			if (now < cut)
				heartbeat_received(&hb, now);
			answer_at = NSEC_NEVER;
			continue;
		}
		switch (heartbeat_tick(&hb, now)) {
		case HEARTBEAT_PING:
		case HEARTBEAT_MISS:
			answer_at = now + rtt;
			break;
		case HEARTBEAT_DEAD:
			return now - cut;
		case HEARTBEAT_EARLY:
			ck_abort_msg("due, and yet early");
		}
	}
}

START_TEST(detection_lies_in_its_bounds)
{
	const nsec_t rtts[] = {NSEC_PER_MSEC, 100 * NSEC_PER_MSEC, NSEC_PER_SEC};
	nsec_t least = NSEC_NEVER;
	nsec_t most = 0;

	for (size_t i = 0; i < sizeof(rtts) / sizeof(rtts[0]); i++)
		for (nsec_t cut = START + 2 * I; cut < START + 5 * I; cut += 7 * NSEC_PER_MSEC) {
			nsec_t took = detection(rtts[i], cut);

			ck_assert_int_ge(took, K * I - rtts[i]);
			ck_assert_int_le(took, (K + 1) * I);
			least = took < least ? took : least;
			most = took > most ? took : most;
		}
	/* The bounds are tight: both ends are nearly reached. */
	ck_assert_int_lt(least, K * I);
	ck_assert_int_gt(most, (K + 1) * I - 50 * NSEC_PER_MSEC);
}
END_TEST

START_TEST(the_answering_side_waits_k_plus_1_intervals)
{
	ck_assert_int_eq(heartbeat_silence_deadline(&policy, START), START + (K + 1) * I);
}
END_TEST

START_TEST(the_defaults_are_those_documented)
{
	ck_assert_int_eq(heartbeat_default.interval, 5 * NSEC_PER_SEC);
	ck_assert_uint_eq(heartbeat_default.max_misses, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("heartbeat");
	TCase *tc = tcase_create("heartbeat");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, nothing_before_the_interval);
	tcase_add_test(tc, the_first_ping_is_no_miss);
	tcase_add_test(tc, dead_at_the_kth_consecutive_miss);
	tcase_add_test(tc, one_answer_starts_the_count_afresh);
	tcase_add_test(tc, traffic_spares_the_pings);
	tcase_add_test(tc, a_single_miss_is_enough_when_k_is_1);
	tcase_add_test(tc, a_stall_of_our_own_is_one_tick);
	tcase_add_test(tc, detection_lies_in_its_bounds);
	tcase_add_test(tc, the_answering_side_waits_k_plus_1_intervals);
	tcase_add_test(tc, the_defaults_are_those_documented);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
