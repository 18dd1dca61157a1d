/* SPDX-License-Identifier: MIT */
#include <limits.h>
#include <math.h>
#include <stdlib.h>

#include "reference-app/backoff.h"
#include "reference-app/rng.h"
#include "reference-app/tests/support.h"

#define S NSEC_PER_SEC
/* The largest value below 1. */
#define ALMOST_1 0x1.fffffffffffffp-1

START_TEST(waits_double_up_to_the_cap)
{
	const nsec_t expected[] = {1 * S, 2 * S, 4 * S, 8 * S, 16 * S, 32 * S, 64 * S, 64 * S};

	for (unsigned i = 0; i < sizeof(expected) / sizeof(expected[0]); i++)
		ck_assert_int_eq(backoff_wait(&backoff_default, i, 0), expected[i]);
}
END_TEST

START_TEST(jitter_adds_up_to_its_share_and_never_takes_away)
{
	for (unsigned i = 0; i < 10; i++) {
		nsec_t b = backoff_wait(&backoff_default, i, 0);

		ck_assert_int_eq(backoff_wait(&backoff_default, i, 0.5), b + b / 2);
		ck_assert_int_le(backoff_wait(&backoff_default, i, ALMOST_1), 2 * b);
		ck_assert_int_gt(backoff_wait(&backoff_default, i, ALMOST_1),
				 2 * b - NSEC_PER_MSEC);
	}
}
END_TEST

START_TEST(the_cap_holds_where_it_is_no_power_of_the_factor)
{
	const struct backoff_policy policy = {.base = S, .factor = 3, .cap = 10 * S};

	ck_assert_int_eq(backoff_wait(&policy, 2, 0), 9 * S);
	ck_assert_int_eq(backoff_wait(&policy, 3, 0), 10 * S);
}
END_TEST

START_TEST(no_step_overflows)
{
	ck_assert_int_eq(backoff_wait(&backoff_default, UINT_MAX, 0), 64 * S);
	ck_assert_int_eq(backoff_wait(&backoff_naive, UINT_MAX, 0), 100 * NSEC_PER_MSEC);
}
END_TEST

START_TEST(each_failure_is_one_step)
{
	struct backoff backoff;

	backoff_init(&backoff, &backoff_default);
	ck_assert_int_eq(backoff_next(&backoff, 0), 1 * S);
	ck_assert_int_eq(backoff_next(&backoff, 0), 2 * S);
	ck_assert_int_eq(backoff_next(&backoff, 0), 4 * S);
}
END_TEST

START_TEST(only_a_healthy_connection_resets)
{
	struct backoff backoff;

	backoff_init(&backoff, &backoff_default);
	backoff_next(&backoff, 0);
	backoff_next(&backoff, 0);
	backoff_lost(&backoff, backoff_default.healthy - 1);
	ck_assert_int_eq(backoff_next(&backoff, 0), 4 * S);
	backoff_lost(&backoff, backoff_default.healthy);
	ck_assert_int_eq(backoff_next(&backoff, 0), 1 * S);
}
END_TEST

START_TEST(the_healthy_time_follows_a_short_cap)
{
	ck_assert_int_eq(backoff_healthy_for(2 * S), 2 * S);
	ck_assert_int_eq(backoff_healthy_for(64 * S), 10 * S);
}
END_TEST

START_TEST(naive_waits_neither_grow_nor_spread)
{
	for (unsigned i = 0; i < 100; i++)
		ck_assert_int_eq(backoff_wait(&backoff_naive, i, ALMOST_1), 100 * NSEC_PER_MSEC);
}
END_TEST

/* How many of `clients` first waits fall into the fullest 100 ms. */
static unsigned fullest_bin(const struct backoff_policy *policy, unsigned clients)
{
	unsigned bins[64] = {0};
	unsigned most = 0;

	for (unsigned i = 0; i < clients; i++) {
		struct rng rng = rng_stream(42, 2 * (uint64_t)i);
		nsec_t wait = backoff_wait(policy, 0, rng_unit(&rng));
		unsigned *bin = &bins[wait / (100 * NSEC_PER_MSEC)];

		if (++*bin > most)
			most = *bin;
	}
	return most;
}

START_TEST(jitter_spreads_a_herd)
{
	struct backoff_policy together = backoff_default;

	together.jitter = 0;
	/* 1000 waits over 1 s: 100 a bin, and by far not 3 times that. */
	ck_assert_uint_le(fullest_bin(&backoff_default, 1000), 300);
	ck_assert_uint_eq(fullest_bin(&together, 1000), 1000);
}
END_TEST

START_TEST(streams_are_uniform_and_differ)
{
	double sum = 0;

	for (unsigned i = 0; i < 10000; i++) {
		struct rng rng = rng_stream(1, i);
		double first = rng_unit(&rng);

		ck_assert(first >= 0 && first < 1);
		ck_assert(first != rng_unit(&rng));
		sum += first;
	}
	/* The mean of 10000 uniform draws has a standard deviation of 0.0029. */
	ck_assert(fabs(sum / 10000 - 0.5) < 0.015);
}
END_TEST

START_TEST(a_seed_gives_the_same_draws_again)
{
	struct rng a = rng_stream(7, 3);
	struct rng b = rng_stream(7, 3);
	struct rng other = rng_stream(8, 3);

	ck_assert(rng_unit(&a) == rng_unit(&b));
	ck_assert(rng_unit(&a) != rng_unit(&other));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("backoff");
	TCase *tc = tcase_create("backoff");

	tcase_add_test(tc, waits_double_up_to_the_cap);
	tcase_add_test(tc, jitter_adds_up_to_its_share_and_never_takes_away);
	tcase_add_test(tc, the_cap_holds_where_it_is_no_power_of_the_factor);
	tcase_add_test(tc, no_step_overflows);
	tcase_add_test(tc, each_failure_is_one_step);
	tcase_add_test(tc, only_a_healthy_connection_resets);
	tcase_add_test(tc, the_healthy_time_follows_a_short_cap);
	tcase_add_test(tc, naive_waits_neither_grow_nor_spread);
	tcase_add_test(tc, jitter_spreads_a_herd);
	tcase_add_test(tc, streams_are_uniform_and_differ);
	tcase_add_test(tc, a_seed_gives_the_same_draws_again);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
