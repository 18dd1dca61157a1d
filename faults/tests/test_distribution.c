/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>

#include "faults/distribution.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/* The formulas of the distributions, by integrals over their quantile functions: no chance here. */

START_TEST(the_normal_quantile_inverts_the_normal_law)
{
	ck_assert_double_eq_tol(distribution_normal_quantile(0.5), 0, 1e-15);
	/* Table values: of 97.5 % and of 99.9 %. */
	ck_assert_double_eq_tol(distribution_normal_quantile(0.975), 1.959963984540054, 1e-13);
	ck_assert_double_eq_tol(distribution_normal_quantile(0.001), -3.090232306167813, 1e-13);
	for (int eighths = -64; eighths <= 64; eighths++) {
		double z = eighths / 8.0;
		double u = erfc(-z * M_SQRT1_2) / 2;

		/* Near 1 a double has no more digits of the distance to 1. */
		ck_assert_double_eq_tol(distribution_normal_quantile(u), z, z < 4 ? 1e-9 : 0.1);
	}
	/* The outermost that a stream can draw are finite. */
	ck_assert_double_ge(distribution_normal_quantile(0x1p-53), -8.3);
	ck_assert_double_le(distribution_normal_quantile(1 - 0x1p-53), 8.3);
}
END_TEST

/* E of the n-th power of the deviation; by the normal law's z, which spreads the tails out. */
static double moment(enum delay_distribution distribution, int n)
{
	const int n_steps = 16000;
	const double end = 8, step = 2 * end / n_steps;
	double sum = 0;

	for (int i = 0; i < n_steps; i++) {
		double z = -end + (i + 0.5) * step;
		double u = erfc(-z * M_SQRT1_2) / 2;
		double density = exp(-z * z / 2) / sqrt(2 * M_PI);

		sum += pow(distribution_deviation(distribution, u), n) * density * step;
	}
	return sum;
}

START_TEST(mean_and_spread_are_what_is_said)
{
	static const struct {
		enum delay_distribution distribution;
		double variance;
	} cases[] = {
		{DISTRIBUTION_UNIFORM, 1.0 / 3},
		{DISTRIBUTION_NORMAL, 1},
		{DISTRIBUTION_PARETO, 1},
		{DISTRIBUTION_PARETONORMAL, 1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		ck_assert_double_eq_tol(moment(cases[i].distribution, 1), 0, 1e-5);
		ck_assert_double_eq_tol(moment(cases[i].distribution, 2), cases[i].variance, 1e-5);
	}
}
END_TEST

START_TEST(bounds_are_what_is_said)
{
	ck_assert_double_eq_tol(distribution_deviation(DISTRIBUTION_UNIFORM, 0x1p-53), -1, 1e-9);
	ck_assert_double_eq_tol(distribution_deviation(DISTRIBUTION_UNIFORM, 1 - 0x1p-53), 1, 1e-9);
	ck_assert_double_eq_tol(distribution_deviation(DISTRIBUTION_PARETO, 0x1p-53), -0.75, 1e-9);
	ck_assert_double_eq_tol(distribution_deviation(DISTRIBUTION_PARETO, 1 - 0x1p-53), 5.5,
				1e-9);
	/* 1 - 5^-3 = 99.2 % lie below the end. */
	ck_assert_double_lt(distribution_deviation(DISTRIBUTION_PARETO, 0.9919), 5.5);
	ck_assert_double_eq_tol(distribution_deviation(DISTRIBUTION_PARETO, 0.9921), 5.5, 1e-9);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("formulas");

	tcase_add_test(tc, the_normal_quantile_inverts_the_normal_law);
	tcase_add_test(tc, mean_and_spread_are_what_is_said);
	tcase_add_test(tc, bounds_are_what_is_said);
	return run_tests("distribution", tc);
}
