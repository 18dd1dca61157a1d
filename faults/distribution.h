/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_DISTRIBUTION_H
#define WIRECUT_FAULTS_DISTRIBUTION_H

#include "harness/data/spec.h"

/*
 * The shapes of `delay`: those for which tc-netem(8) has tables, by their formulas. Each is given by
 * its quantile function: of a u that is uniform in (0, 1) it makes a deviation from the mean, in
 * jitters. All have the mean 0; uniform lies in [-1, 1] (so its spread is 1/sqrt(3), as with netem),
 * and the spread of the others is 1.
 *
 * The formulas are those of iproute2's netem/normal.c, pareto.c and paretonormal.c, which go back to
 * NIST Net. Two things differ. Their Pareto law is scaled by 4/3, and cut off where a table of 16-bit
 * numbers ends, which leaves it a spread of 0.82 jitters: here it is scaled for a spread of 1. And
 * it is cut off at 5 times its smallest value instead of at 4.5.
 *
 * normal        z, the standard normal law
 * pareto        x = min((1 - u)^(-1/3), 5): the Pareto law of the exponent 3, which has a spread but
 *               no higher moment; from -0.75 jitters to 5.5, where 0.8 % of it lies
 * paretonormal  z/4 + x of the same u: below the mean rather normal, above it a long tail
 */
double distribution_deviation(enum delay_distribution distribution, double u);

/* The standard normal law's quantile function, u in (0, 1); to the precision of a double. */
double distribution_normal_quantile(double u);

#endif
