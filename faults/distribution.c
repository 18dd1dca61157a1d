/* SPDX-License-Identifier: MIT */
#include "faults/distribution.h"

#include <math.h>

/* Of min(X, 5) where X is Pareto's law with the exponent 3: E = 1 + (1 - 5^-2) / 2, and
 * E of the square = 1 + 2 (1 - 1/5), so that the variance is 0.64^2. */
#define PARETO_EXPONENT 3.0
#define PARETO_END      5.0
#define PARETO_MEAN     1.48
#define PARETO_SPREAD   0.64

/*
 * Of z/4 + x, both of one u: sqrt(1/16 + 0.64^2 + 2/4 Cov(z, x)). The covariance, 0.523849658, is an
 * integral that has no closed form; the test of this file computes it again.
 */
#define PARETONORMAL_SPREAD 0.856752490

/*
 * A first guess by Abramowitz and Stegun, Handbook of Mathematical Functions, 26.2.23 (wrong by
 * 4.5e-4 at most), and from there two steps of Halley's method, each of which triples the number of
 * good digits.
 */
double distribution_normal_quantile(double u)
{
	static const double c[] = {2.515517, 0.802853, 0.010328};
	static const double d[] = {1.432788, 0.189269, 0.001308};
	double tail = u < 0.5 ? u : 1 - u;
	double t = sqrt(-2 * log(tail));
	double z = (c[0] + t * (c[1] + t * c[2])) / (1 + t * (d[0] + t * (d[1] + t * d[2]))) - t;

	for (int i = 0; i < 2; i++) {
		double excess = erfc(-z * M_SQRT1_2) / 2 - tail;
		double step = excess * sqrt(2 * M_PI) * exp(z * z / 2);

		z -= step / (1 + z * step / 2);
	}
	return u < 0.5 ? z : -z;
}

static double pareto(double u)
{
	return fmin(pow(1 - u, -1 / PARETO_EXPONENT), PARETO_END) - PARETO_MEAN;
}

double distribution_deviation(enum delay_distribution distribution, double u)
{
	switch (distribution) {
	case DISTRIBUTION_NORMAL:
		return distribution_normal_quantile(u);
	case DISTRIBUTION_PARETO:
		return pareto(u) / PARETO_SPREAD;
	case DISTRIBUTION_PARETONORMAL:
		return (distribution_normal_quantile(u) / 4 + pareto(u)) / PARETONORMAL_SPREAD;
	case DISTRIBUTION_UNIFORM:
		break;
	}
	return 2 * u - 1;
}
