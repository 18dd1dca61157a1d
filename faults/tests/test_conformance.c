/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "faults/tests/teststream.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/*
 * Streams of probes through a cable, against what the faults promise. The seeds are fixed, so a run
 * either passes always or never; the tolerances say how far from its promise a sound fault may be:
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
 *
 * WIRECUT_CONFORMANCE_FACTOR multiplies the number of probes, and so narrows all the intervals.
 */

#define SIGMAS_999  3.29
#define KS_999      1.95
#define RATE_WITHIN 0.02

#define PROBES 20000

/* Several seeds, for one may happen to be kind. */
static const uint64_t seeds[] = {1, 42, 1908180288};

static struct arena arena;
static struct plan *plan;

static void setup_seeded(uint64_t seed)
{
	plan = testplan_new(&arena, 2, seed);
}

static void teardown(void)
{
	arena_free(&arena);
}

static size_t n_probes(void)
{
	const char *factor = getenv("WIRECUT_CONFORMANCE_FACTOR");

	return PROBES * (factor ? strtoul(factor, NULL, 10) : 1);
}

static struct fault_spec *fault(const char *kind)
{
	return &testplan_fault(plan, &arena, NULL, kind, 0, 0, NSEC_NEVER)->fault;
}

static struct teststream *probe(nsec_t interval)
{
	return teststream_run(&arena, plan,
			      (struct teststream_of){.n = n_probes(), .interval = interval});
}

static void assert_share(double observed, double promised, double n)
{
	double error = sqrt(promised * (1 - promised) / n);

	ck_assert_double_eq_tol(observed, promised, SIGMAS_999 * error);
}

/* How many independent probes n correlated ones are worth. */
static double worth(double n, double rho)
{
	return n * (1 - rho) / (1 + rho);
}

/* Of x_i and x_(i + 1). */
static double autocorrelation(const double *x, size_t n)
{
	double mean = 0, variance = 0, covariance = 0;

	for (size_t i = 0; i < n; i++)
		mean += x[i] / (double)n;
	for (size_t i = 0; i < n; i++)
		variance += (x[i] - mean) * (x[i] - mean);
	for (size_t i = 0; i + 1 < n; i++)
		covariance += (x[i] - mean) * (x[i + 1] - mean);
	return covariance / variance;
}

/* -- delay ----------------------------------------------------------------------------------- */

#define MEAN   MSEC(100)
#define JITTER MSEC(10)

static double uniform_law(double x)
{
	return (x + 1) / 2;
}

static double normal_law(double z)
{
	return erfc(-z * M_SQRT1_2) / 2;
}

/* X^-3 is uniform; cut off at 5; a mean of 1.48 and a spread of 0.64 (faults/distribution.h). */
static double pareto_law(double x)
{
	double value = x * 0.64 + 1.48;

	return value >= 5 ? 1 : 1 - pow(fmax(value, 1), -3);
}

/* The law of z/4 + min((1 - P(z))^(-1/3), 5): found by halving, for it grows with z. */
static double paretonormal_law(double x)
{
	double value = x * 0.856752490 + 1.48, low = -9, high = 9;

	while (high - low > 1e-9) {
		double z = (low + high) / 2;
		double at = z / 4 + fmin(pow(erfc(z * M_SQRT1_2) / 2, -1.0 / 3), 5);

		*(at < value ? &low : &high) = z;
	}
	return normal_law(low);
}

static const struct shape {
	enum delay_distribution distribution;
	double (*law)(double x);
	double spread;   /* in jitters */
	double kurtosis; /* at most */
} shapes[] = {
	{DISTRIBUTION_UNIFORM, uniform_law, 0.57735, 1.8},
	{DISTRIBUTION_NORMAL, normal_law, 1, 3},
	/* The tail ends at 5.5 spreads, where 0.8 % lie: 7.3 of its fourth moment. */
	{DISTRIBUTION_PARETO, pareto_law, 1, 13},
	{DISTRIBUTION_PARETONORMAL, paretonormal_law, 1, 13},
};

static int compare_doubles(const void *va, const void *vb)
{
	const double *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

/* Each probe's deviation from the mean, in jitters. */
static double *deviations(const struct teststream *s)
{
	double *x = arena_new_array(&arena, double, s->n);

	for (size_t i = 0; i < s->n; i++) {
		ck_assert_int_eq(s->times[i], 1);
		x[i] = (double)(s->took[i] - MEAN) / (double)JITTER;
	}
	return x;
}

static void assert_moments(const double *x, double n, const struct shape *shape, double rho)
{
	double mean = 0, square = 0;
	double spread = shape->spread * sqrt((1 - rho) / (1 + rho));

	for (size_t i = 0; i < (size_t)n; i++) {
		mean += x[i] / n;
		square += x[i] * x[i] / n;
	}
	double error = spread / sqrt(worth(n, rho));
	ck_assert_double_eq_tol(mean, 0, SIGMAS_999 * error);
	ck_assert_double_eq_tol(sqrt(square - mean * mean), spread,
				SIGMAS_999 * error * sqrt((shape->kurtosis - 1) / 4));
}

/* The largest distance between the law and the share of x that is no larger. Sorts x. */
static double distance(double *x, size_t n, double (*law)(double))
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

static struct fault_spec *jittery_delay(enum delay_distribution distribution)
{
	struct fault_spec *spec = fault("delay");

	spec->mean = MEAN;
	spec->jitter = JITTER;
	spec->distribution = distribution;
	return spec;
}

START_TEST(delays_have_their_mean_spread_and_shape)
{
	const struct shape *shape = &shapes[_i];

	for (size_t seed = 0; seed < ARRAY_SIZE(seeds); seed++) {
		setup_seeded(seeds[seed]);
		jittery_delay(shape->distribution);
		struct teststream *s = probe(NSEC_PER_MSEC);
		double *x = deviations(s);

		assert_moments(x, (double)s->n, shape, 0);
		ck_assert_double_eq_tol(autocorrelation(x, s->n), 0,
					SIGMAS_999 / sqrt((double)s->n));
		ck_assert_double_le(distance(x, s->n, shape->law), KS_999 / sqrt((double)s->n));
	}
}
END_TEST

/* The distance does tell shapes apart: each law against the draws of the next. */
START_TEST(another_shape_is_not_taken_for_it)
{
	setup_seeded(seeds[0]);
	jittery_delay(shapes[_i].distribution);
	struct teststream *s = probe(NSEC_PER_MSEC);
	double *x = deviations(s);
	const struct shape *other = &shapes[(size_t)(_i + 1) % ARRAY_SIZE(shapes)];

	ck_assert_double_gt(distance(x, s->n, other->law), KS_999 / sqrt((double)s->n));
}
END_TEST

START_TEST(correlated_delays_keep_the_mean_and_lose_spread)
{
	static const double rhos[] = {0.25, 0.5, 0.9};
	double rho = rhos[_i];

	setup_seeded(seeds[0]);
	for (size_t i = 0; i < ARRAY_SIZE(shapes); i++) {
		plan->steps.n = 0;
		jittery_delay(shapes[i].distribution)->correlation = rho;
		struct teststream *s = probe(NSEC_PER_MSEC);
		double *x = deviations(s);

		assert_moments(x, (double)s->n, &shapes[i], rho);
		ck_assert_double_eq_tol(autocorrelation(x, s->n), rho,
					SIGMAS_999 / sqrt((double)s->n));
	}
}
END_TEST

/* The normal law has no least value, the cable has. */
START_TEST(no_delay_is_below_zero)
{
	setup_seeded(seeds[0]);
	struct fault_spec *spec = jittery_delay(DISTRIBUTION_NORMAL);
	spec->jitter = spec->mean;
	struct teststream *s = probe(NSEC_PER_MSEC);
	size_t at_once = 0;
	for (size_t i = 0; i < s->n; i++) {
		ck_assert_int_ge(s->took[i], 0);
		at_once += !s->took[i];
	}
	assert_share((double)at_once / (double)s->n, normal_law(-1), (double)s->n);
}
END_TEST

/* -- loss ------------------------------------------------------------------------------------ */

static double *lost(const struct teststream *s)
{
	double *x = arena_new_array(&arena, double, s->n);

	for (size_t i = 0; i < s->n; i++)
		x[i] = !s->times[i];
	return x;
}

static double sum(const double *x, size_t n)
{
	double total = 0;

	for (size_t i = 0; i < n; i++)
		total += x[i];
	return total;
}

START_TEST(losses_have_their_rate_and_correlation)
{
	static const struct {
		double rate, rho;
	} cases[] = {{0.01, -1}, {0.3, -1}, {0.01, 0.25}, {0.1, 0.5}, {0.5, 0.9}};

	setup_seeded(seeds[0]);
	struct fault_spec *spec = fault("loss");
	spec->rate = cases[_i].rate;
	spec->correlation = cases[_i].rho;
	struct teststream *s = probe(1000);
	double *x = lost(s), n = (double)s->n, rho = fmax(cases[_i].rho, 0);

	assert_share(sum(x, s->n) / n, spec->rate, worth(n, rho));
	/* Of two values of which one is rare, the estimate is as good as that of the rare ones. */
	ck_assert_double_eq_tol(autocorrelation(x, s->n), rho,
				SIGMAS_999 / sqrt(n * fmin(spec->rate, 0.25) * 4));
	ck_assert_uint_eq(s->did.dropped, (uint64_t)sum(x, s->n));
	ck_assert_uint_eq(s->did.matched, s->n);
}
END_TEST

static size_t n_bursts(const double *x, size_t n)
{
	size_t bursts = 0;

	for (size_t i = 0; i < n; i++)
		bursts += x[i] > 0 && (!i || x[i - 1] == 0);
	return bursts;
}

/* A bad spell takes 1/r packets on average (a geometric law), and the share of them is p / (p + r). */
START_TEST(a_gemodel_has_its_bursts)
{
	const double p = 0.02, r = 0.2;

	for (size_t seed = 0; seed < ARRAY_SIZE(seeds); seed++) {
		setup_seeded(seeds[seed]);
		struct fault_spec *spec = fault("loss");
		spec->gemodel.p = p;
		spec->gemodel.r = r;
		struct teststream *s = probe(1000);
		double *x = lost(s), n = (double)s->n, total = sum(x, s->n);
		double bursts = (double)n_bursts(x, s->n);

		assert_share(total / n, p / (p + r), worth(n, 1 - p - r));
		ck_assert_double_eq_tol(total / bursts, 1 / r,
					SIGMAS_999 * sqrt(1 - r) / r / sqrt(bursts));
		ck_assert_double_eq_tol(autocorrelation(x, s->n), 1 - p - r,
					SIGMAS_999 / sqrt(n * 4 * p));
	}
}
END_TEST

/* With losses in the good state and arrivals in the bad one. */
START_TEST(a_gemodel_has_its_four_figures)
{
	setup_seeded(seeds[0]);
	struct fault_spec *spec = fault("loss");
	spec->gemodel =
		(struct gemodel_spec){.p = 0.1, .r = 0.3, .loss_in_bad = 0.8, .loss_in_good = 0.05};
	struct teststream *s = probe(1000);
	double n = (double)s->n;
	assert_share(sum(lost(s), s->n) / n, 0.25 * 0.8 + 0.75 * 0.05, worth(n, 1 - 0.1 - 0.3));
}
END_TEST

START_TEST(every_nth_is_exact)
{
	setup_seeded(seeds[0]);
	fault("loss")->every_nth = 7;
	struct teststream *s = probe(1000);
	for (size_t i = 0; i < s->n; i++)
		ck_assert_int_eq(s->times[i], (i + 1) % 7 != 0);
}
END_TEST

START_TEST(the_nth_are_exact)
{
	static int64_t numbers[] = {1, 3, 1000};

	setup_seeded(seeds[0]);
	fault("loss")->nth = (struct count_list){numbers, ARRAY_SIZE(numbers)};
	struct teststream *s = probe(1000);
	for (size_t i = 0; i < s->n; i++)
		ck_assert_int_eq(s->times[i], i != 0 && i != 2 && i != 999);
	ck_assert_uint_eq(s->did.dropped, ARRAY_SIZE(numbers));
}
END_TEST

/* -- duplicate, corrupt, reorder --------------------------------------------------------------- */

static const struct {
	double rate, rho;
} chances[] = {{0.05, -1}, {0.5, -1}, {0.1, 0.5}};

START_TEST(duplicates_have_their_rate)
{
	size_t twice = 0;

	setup_seeded(seeds[0]);
	struct fault_spec *spec = fault("duplicate");
	spec->rate = chances[_i].rate;
	spec->correlation = chances[_i].rho;
	struct teststream *s = probe(1000);
	for (size_t i = 0; i < s->n; i++) {
		ck_assert(s->times[i] == 1 || s->times[i] == 2);
		twice += s->times[i] == 2;
	}
	assert_share((double)twice / (double)s->n, spec->rate,
		     worth((double)s->n, fmax(chances[_i].rho, 0)));
	ck_assert_uint_eq(s->did.duplicated, twice);
}
END_TEST

START_TEST(corruption_has_its_rate_and_is_one_bit)
{
	setup_seeded(seeds[0]);
	struct fault_spec *spec = fault("corrupt");
	spec->rate = chances[_i].rate;
	spec->correlation = chances[_i].rho;
	struct teststream *s = probe(1000);
	assert_share((double)s->n_bent / (double)s->n, spec->rate,
		     worth((double)s->n, fmax(chances[_i].rho, 0)));
	ck_assert_uint_eq(s->most_bits, 1);
	ck_assert_uint_eq(s->did.corrupted, s->n_bent);
}
END_TEST

/* Ten are on their way at any time, so each that skips the delay arrives ahead of ten. */
static struct fault_spec *delay_and_reorder(double rate)
{
	fault("delay")->mean = MSEC(10);
	struct fault_spec *spec = fault("reorder");
	spec->rate = rate;
	return spec;
}

START_TEST(reordering_has_its_rate)
{
	size_t ahead = 0;

	setup_seeded(seeds[0]);
	struct fault_spec *spec = delay_and_reorder(chances[_i].rate);
	spec->correlation = chances[_i].rho;
	struct teststream *s = probe(MSEC(1));
	for (size_t i = 0; i < s->n; i++) {
		ck_assert(s->took[i] == 0 || s->took[i] == MSEC(10));
		ahead += !s->took[i];
	}
	assert_share((double)ahead / (double)s->n, spec->rate,
		     worth((double)s->n, fmax(chances[_i].rho, 0)));
	ck_assert_uint_eq(s->did.reordered, ahead);
	ck_assert_uint_gt(s->n_late, ahead / 2);
}
END_TEST

START_TEST(a_gap_is_exact_at_a_full_rate)
{
	setup_seeded(seeds[0]);
	delay_and_reorder(1)->gap = 5;
	struct teststream *s = probe(MSEC(1));
	for (size_t i = 0; i < s->n; i++)
		ck_assert_int_eq(s->took[i], (i + 1) % 5 ? MSEC(10) : 0);
}
END_TEST

START_TEST(without_a_delay_nothing_is_reordered)
{
	setup_seeded(seeds[0]);
	fault("reorder")->rate = 1;
	struct teststream *s = probe(MSEC(1));
	ck_assert_uint_eq(s->did.reordered, 0);
	ck_assert_uint_eq(s->n_late, 0);
}
END_TEST

/* -- rate -------------------------------------------------------------------------------------- */

START_TEST(a_rate_is_met)
{
	static const int64_t rates[] = {64000, 1000000, 1000000000};
	const size_t len = 1250;
	size_t arrived = 0;

	setup_seeded(seeds[0]);
	struct fault_spec *spec = fault("rate");
	spec->bits_per_s = rates[_i];
	spec->limit.packets = 100;
	nsec_t on_line = (nsec_t)len * 8 * NSEC_PER_SEC / rates[_i];
	/* Three packets are offered where the line takes two. */
	struct teststream *s = teststream_run(
		&arena, plan,
		(struct teststream_of){.n = n_probes(), .interval = on_line * 2 / 3, .len = len});
	for (size_t i = 0; i < s->n; i++)
		arrived += (size_t)s->times[i];
	double seconds = (double)s->last / (double)NSEC_PER_SEC;
	double measured = (double)(arrived * len * 8) / seconds;
	ck_assert_double_eq_tol(measured / (double)rates[_i], 1, RATE_WITHIN);
	ck_assert_uint_eq(s->did.dropped, s->n - arrived);
	/* None of those that arrive has waited for more than the queue holds. */
	for (size_t i = 0; i < s->n; i++)
		if (s->times[i])
			ck_assert_int_le(s->took[i], on_line * 100);
}
END_TEST

/* -- what is not meant ------------------------------------------------------------------------- */

static void touch_all(struct fault_spec *spec)
{
	spec->mean = MSEC(1);
	spec->rate = 1;
	spec->bits_per_s = 1000;
}

static struct plan_step *touching(const char *kind, nsec_t on, nsec_t off)
{
	struct plan_step *step = testplan_fault(plan, &arena, NULL, kind, 0, on, off);

	touch_all(&step->fault);
	return step;
}

static const char *const kinds[] = {"delay", "loss", "duplicate", "corrupt", "reorder", "rate"};

static void assert_untouched(const struct teststream *s, size_t from, size_t to)
{
	for (size_t i = from; i < to; i++) {
		ck_assert_int_eq(s->took[i], 0);
		ck_assert_int_eq(s->times[i], 1);
	}
}

/* A probe each 10 ms; the fault is on for the 100th to the 199th of 1000, and touches each of them. */
START_TEST(nothing_outside_its_window_is_touched)
{
	setup_seeded(seeds[0]);
	touching(kinds[_i], MSEC(1000), MSEC(2000));
	struct teststream *s = teststream_run(
		&arena, plan, (struct teststream_of){.n = 1000, .interval = MSEC(10)});
	assert_untouched(s, 0, 99);
	assert_untouched(s, 199, 1000);
	ck_assert_uint_eq(s->did.matched, 100);
}
END_TEST

START_TEST(nothing_in_the_other_direction_is_touched)
{
	setup_seeded(seeds[0]);
	touching(kinds[_i], 0, NSEC_NEVER)->fault.direction = DIRECTION_TO_HOST;
	struct teststream *s = teststream_run(
		&arena, plan, (struct teststream_of){.n = 100, .interval = MSEC(10)});
	assert_untouched(s, 0, s->n);
	ck_assert_uint_eq(s->did.matched, 0);
}
END_TEST

START_TEST(nothing_that_does_not_match_is_touched)
{
	setup_seeded(seeds[0]);
	touching(kinds[_i], 0, NSEC_NEVER)->fault.match.protocol = MATCH_TCP;
	struct teststream *s = teststream_run(
		&arena, plan, (struct teststream_of){.n = 100, .interval = MSEC(10)});
	assert_untouched(s, 0, s->n);
	ck_assert_uint_eq(s->did.matched, 0);
}
END_TEST

#define ADD_EACH(tc, test, cases) tcase_add_loop_test(tc, test, 0, (int)ARRAY_SIZE(cases))

int main(void)
{
	TCase *tc = tcase_create("engine");
	static const int three[3];

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 0); /* as long as the factor makes it */
	ADD_EACH(tc, delays_have_their_mean_spread_and_shape, shapes);
	ADD_EACH(tc, another_shape_is_not_taken_for_it, shapes);
	ADD_EACH(tc, correlated_delays_keep_the_mean_and_lose_spread, three);
	tcase_add_test(tc, no_delay_is_below_zero);
	tcase_add_loop_test(tc, losses_have_their_rate_and_correlation, 0, 5);
	tcase_add_test(tc, a_gemodel_has_its_bursts);
	tcase_add_test(tc, a_gemodel_has_its_four_figures);
	tcase_add_test(tc, every_nth_is_exact);
	tcase_add_test(tc, the_nth_are_exact);
	ADD_EACH(tc, duplicates_have_their_rate, chances);
	ADD_EACH(tc, corruption_has_its_rate_and_is_one_bit, chances);
	ADD_EACH(tc, reordering_has_its_rate, chances);
	tcase_add_test(tc, a_gap_is_exact_at_a_full_rate);
	tcase_add_test(tc, without_a_delay_nothing_is_reordered);
	ADD_EACH(tc, a_rate_is_met, three);
	ADD_EACH(tc, nothing_outside_its_window_is_touched, kinds);
	ADD_EACH(tc, nothing_in_the_other_direction_is_touched, kinds);
	ADD_EACH(tc, nothing_that_does_not_match_is_touched, kinds);
	return run_tests("conformance", tc);
}
