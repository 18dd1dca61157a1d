/* SPDX-License-Identifier: MIT */
#include "faults/tests/statistics.h"

#include <math.h>
#include <stdbool.h>
#include <stdlib.h>

double stat_sum(const double *x, size_t n)
{
	double total = 0;

	for (size_t i = 0; i < n; i++)
		total += x[i];
	return total;
}

double stat_mean(const double *x, size_t n)
{
	double mean = 0;

	for (size_t i = 0; i < n; i++)
		mean += x[i] / (double)n;
	return mean;
}

/* The sum of the squares of the deviations from the mean. */
static double squares(const double *x, size_t n)
{
	double mean = stat_mean(x, n), total = 0;

	for (size_t i = 0; i < n; i++)
		total += (x[i] - mean) * (x[i] - mean);
	return total;
}

double stat_spread(const double *x, size_t n)
{
	return n ? sqrt(squares(x, n) / (double)n) : 0;
}

double stat_autocorrelation(const double *x, size_t n)
{
	double mean = stat_mean(x, n), covariance = 0;

	for (size_t i = 0; i + 1 < n; i++)
		covariance += (x[i] - mean) * (x[i + 1] - mean);
	return covariance / squares(x, n);
}

double stat_worth(double n, double rho)
{
	return n * (1 - rho) / (1 + rho);
}

double stat_share_within(double share, double n)
{
	return SIGMAS_999 * sqrt(share * (1 - share) / n);
}

/* Of two values of which one is rare, the estimate is as good as that of the rare ones. */
double stat_rho_within(double share, double n)
{
	return SIGMAS_999 / sqrt(n * fmin(share, 0.25) * 4);
}

size_t stat_bursts(const double *x, size_t n)
{
	size_t bursts = 0;

	for (size_t i = 0; i < n; i++)
		bursts += x[i] > 0 && (!i || x[i - 1] <= 0);
	return bursts;
}

/* -- laws ------------------------------------------------------------------------------------ */

/* The numbers are those of faults/distribution.h. */
#define PARETO_MEAN         1.48
#define PARETO_SPREAD       0.64
#define PARETO_MOST         5
#define PARETONORMAL_SPREAD 0.856752490

static double uniform_law(double x)
{
	return fmin(fmax((x + 1) / 2, 0), 1);
}

static double normal_law(double z)
{
	return erfc(-z * M_SQRT1_2) / 2;
}

/* X^-3 is uniform; cut off at 5; a mean of 1.48 and a spread of 0.64. */
static double pareto_law(double x)
{
	double value = x * PARETO_SPREAD + PARETO_MEAN;

	return value >= PARETO_MOST ? 1 : 1 - pow(fmax(value, 1), -3);
}

/* The law of z/4 + min((1 - P(z))^(-1/3), 5): found by halving, for it grows with z. */
static double paretonormal_law(double x)
{
	double value = x * PARETONORMAL_SPREAD + PARETO_MEAN, low = -9, high = 9;

	while (high - low > 1e-9) {
		double z = (low + high) / 2;
		double at = z / 4 + fmin(pow(erfc(z * M_SQRT1_2) / 2, -1.0 / 3), PARETO_MOST);

		*(at < value ? &low : &high) = z;
	}
	return normal_law(low);
}

const struct delay_law delay_laws[] = {
	[DISTRIBUTION_UNIFORM] = {uniform_law, 0.57735, 1.8, -1, 1},
	[DISTRIBUTION_NORMAL] = {normal_law, 1, 3, -INFINITY, INFINITY},
	/* The tail ends at 5.5 spreads, where 0.8 % lie: 7.3 of its fourth moment. */
	[DISTRIBUTION_PARETO] = {pareto_law, 1, 13, (1 - PARETO_MEAN) / PARETO_SPREAD,
				 (PARETO_MOST - PARETO_MEAN) / PARETO_SPREAD},
	[DISTRIBUTION_PARETONORMAL] = {paretonormal_law, 1, 13, -INFINITY, INFINITY},
};

static int compare_doubles(const void *va, const void *vb)
{
	const double *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

double stat_distance(double *x, size_t n, double (*law)(double x))
{
	double most = 0;

	qsort(x, n, sizeof(*x), compare_doubles);
	for (size_t i = 0; i < n; i++) {
		double below = (double)i / (double)n, upto = (double)(i + 1) / (double)n;
		bool is_last_of_its_value = i + 1 == n || x[i + 1] > x[i];

		if (!i || x[i] > x[i - 1])
			most = fmax(most, law(x[i] - 1e-6) - below);
		if (is_last_of_its_value)
			most = fmax(most, upto - law(x[i] + 1e-6));
	}
	return most;
}
