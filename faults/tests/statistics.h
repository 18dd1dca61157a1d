/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_TESTS_STATISTICS_H
#define WIRECUT_FAULTS_TESTS_STATISTICS_H

#include <stddef.h>

#include "harness/data/spec.h"

/*
 * How far from its promise a sound fault may be, for tests of chance whose seeds are fixed: such a
 * test passes always or never.
 *
 * - A share, a mean or a correlation that is estimated from n probes is nearly normal around the
 *   truth. It must lie in the interval that holds 99.9 % of that law: 3.29 standard errors. The
 *   standard error of a share is sqrt(p (1 - p) / n) (the binomial law's), of a mean s / sqrt(n), of
 *   a spread s sqrt((kurtosis - 1) / (4 n)), of a correlation at most 1 / sqrt(n).
 * - Correlated probes tell less: with an autocorrelation of rho^k as much as n (1 - rho) / (1 + rho)
 *   independent ones.
 * - A shape is measured by Kolmogorov and Smirnov's distance between the law and what was drawn,
 *   which exceeds 1.95 / sqrt(n) in one case of a thousand.
 * - A rate must be met within 2 %.
 * - What is not chance is exact.
 */
#define SIGMAS_999  3.29
#define KS_999      1.95
#define RATE_WITHIN 0.02

double stat_sum(const double *x, size_t n);
double stat_mean(const double *x, size_t n);

/* The standard deviation; of no values 0. */
double stat_spread(const double *x, size_t n);

/* Of x_i and x_(i + 1). Not a number when all are the same. */
double stat_autocorrelation(const double *x, size_t n);

/* How many independent probes n correlated ones are worth. */
double stat_worth(double n, double rho);

/* Half the width of the interval that holds 99.9 % of the shares observed in n independent probes. */
double stat_share_within(double share, double n);

/* The same of the autocorrelation of probes of which that share is struck. */
double stat_rho_within(double share, double n);

/* Rows of values above 0, each as long as it can be. */
size_t stat_bursts(const double *x, size_t n);

/*
 * The law of a distribution's deviations from the mean, in jitters. `kurtosis` is at most that, for
 * the tolerance of a spread.
 */
struct delay_law {
	double (*law)(double x); /* the share that is no larger */
	double spread;           /* in jitters */
	double kurtosis;
	double least; /* in jitters; -INFINITY: there is no least one */
	double most;
};
extern const struct delay_law delay_laws[]; /* by enum delay_distribution */
#define N_DELAY_LAWS 4

/* The largest distance between the law and the share of x that is no larger. Sorts x. */
double stat_distance(double *x, size_t n, double (*law)(double x));

#endif
