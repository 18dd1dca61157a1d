/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "reference-app/latency.h"
#include "reference-app/tests/support.h"

static struct latency latency;

static void setup(void)
{
	memset(&latency, 0, sizeof(latency));
}

static const nsec_t times[] = {
	0,
	1,
	63,
	64,
	65,
	127,
	128,
	1000,
	123456,
	NSEC_PER_MSEC,
	NSEC_PER_SEC + 1,
	600 * NSEC_PER_SEC,
};

START_TEST(a_time_alone_is_every_percentile)
{
	latency_add(&latency, times[_i]);
	ck_assert_int_eq(latency_percentile(&latency, 50), times[_i]);
	ck_assert_int_eq(latency_percentile(&latency, 99), times[_i]);
	ck_assert_int_eq(latency.max, times[_i]);
}
END_TEST

START_TEST(no_time_falls_below_itself_or_a_64th_above)
{
	nsec_t got;

	latency_add(&latency, times[_i]);
	latency_add(&latency, 1000 * NSEC_PER_SEC);
	got = latency_percentile(&latency, 50);
	ck_assert_int_ge(got, times[_i]);
	ck_assert_int_le(got, times[_i] + times[_i] / 64);
}
END_TEST

/* 1 to 10000 us: the percentile is known. */
START_TEST(percentiles_of_many)
{
	const double percents[] = {1, 50, 90, 99, 99.9};

	for (nsec_t i = 10000; i >= 1; i--)
		latency_add(&latency, i * NSEC_PER_USEC);
	for (size_t i = 0; i < sizeof(percents) / sizeof(percents[0]); i++) {
		nsec_t exact = (nsec_t)(percents[i] * 100 * NSEC_PER_USEC);

		ck_assert_int_ge(latency_percentile(&latency, percents[i]), exact);
		ck_assert_int_le(latency_percentile(&latency, percents[i]), exact + exact / 64);
	}
	ck_assert_int_eq(latency_percentile(&latency, 100), 10000 * NSEC_PER_USEC);
}
END_TEST

START_TEST(the_ends_hold)
{
	ck_assert_int_eq(latency_percentile(&latency, 99), 0);
	latency_add(&latency, -5);
	ck_assert_int_eq(latency_percentile(&latency, 99), 0);
	latency_add(&latency, INT64_MAX);
	ck_assert_int_eq(latency.max, INT64_MAX);
	ck_assert_int_gt(latency_percentile(&latency, 99), 0);
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
	Suite *suite = suite_create("latency");
	TCase *tc = tcase_create("latency");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, a_time_alone_is_every_percentile, 0, COUNT(times));
	tcase_add_loop_test(tc, no_time_falls_below_itself_or_a_64th_above, 0, COUNT(times));
	tcase_add_test(tc, percentiles_of_many);
	tcase_add_test(tc, the_ends_hold);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
