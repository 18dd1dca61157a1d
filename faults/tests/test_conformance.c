/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "faults/tests/statistics.h"
#include "faults/tests/teststream.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/*
 * Streams of probes through the engine, against what the faults promise. The seeds are fixed, so a run
 * either passes always or never; statistics.h has the tolerances.
 *
 * WIRECUT_CONFORMANCE_FACTOR multiplies the number of probes, and so narrows all the intervals.
 */

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
	ck_assert_double_eq_tol(observed, promised, stat_share_within(promised, n));
}

/* -- delay ----------------------------------------------------------------------------------- */

#define MEAN   MSEC(100)
#define JITTER MSEC(10)

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

static void assert_moments(const double *x, size_t n, const struct delay_law *law, double rho)
{
	double spread = law->spread * sqrt((1 - rho) / (1 + rho));
	double within = SIGMAS_999 * spread / sqrt(stat_worth((double)n, rho));

	ck_assert_double_eq_tol(stat_mean(x, n), 0, within);
	ck_assert_double_eq_tol(stat_spread(x, n), spread, within * sqrt((law->kurtosis - 1) / 4));
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
	enum delay_distribution shape = (enum delay_distribution)_i;

	for (size_t seed = 0; seed < ARRAY_SIZE(seeds); seed++) {
		setup_seeded(seeds[seed]);
		jittery_delay(shape);
		struct teststream *s = probe(NSEC_PER_MSEC);
		double *x = deviations(s);

		assert_moments(x, s->n, &delay_laws[shape], 0);
		ck_assert_double_eq_tol(stat_autocorrelation(x, s->n), 0,
					SIGMAS_999 / sqrt((double)s->n));
		ck_assert_double_le(stat_distance(x, s->n, delay_laws[shape].law),
				    KS_999 / sqrt((double)s->n));
	}
}
END_TEST

/* The distance does tell shapes apart: each law against the draws of the next. */
START_TEST(another_shape_is_not_taken_for_it)
{
	setup_seeded(seeds[0]);
	jittery_delay((enum delay_distribution)_i);
	struct teststream *s = probe(NSEC_PER_MSEC);
	double *x = deviations(s);
	const struct delay_law *other = &delay_laws[(_i + 1) % N_DELAY_LAWS];

	ck_assert_double_gt(stat_distance(x, s->n, other->law), KS_999 / sqrt((double)s->n));
}
END_TEST

START_TEST(correlated_delays_keep_the_mean_and_lose_spread)
{
	static const double rhos[] = {0.25, 0.5, 0.9};
	double rho = rhos[_i];

	setup_seeded(seeds[0]);
	for (size_t i = 0; i < N_DELAY_LAWS; i++) {
		plan->steps.n = 0;
		jittery_delay((enum delay_distribution)i)->correlation = rho;
		struct teststream *s = probe(NSEC_PER_MSEC);
		double *x = deviations(s);

		assert_moments(x, s->n, &delay_laws[i], rho);
		ck_assert_double_eq_tol(stat_autocorrelation(x, s->n), rho,
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
	assert_share((double)at_once / (double)s->n, delay_laws[DISTRIBUTION_NORMAL].law(-1),
		     (double)s->n);
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

	assert_share(stat_sum(x, s->n) / n, spec->rate, stat_worth(n, rho));
	ck_assert_double_eq_tol(stat_autocorrelation(x, s->n), rho, stat_rho_within(spec->rate, n));
	ck_assert_uint_eq(s->did.dropped, (uint64_t)stat_sum(x, s->n));
	ck_assert_uint_eq(s->did.matched, s->n);
}
END_TEST

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
		double *x = lost(s), n = (double)s->n, total = stat_sum(x, s->n);
		double bursts = (double)stat_bursts(x, s->n);

		assert_share(total / n, p / (p + r), stat_worth(n, 1 - p - r));
		ck_assert_double_eq_tol(total / bursts, 1 / r,
					SIGMAS_999 * sqrt(1 - r) / r / sqrt(bursts));
		ck_assert_double_eq_tol(stat_autocorrelation(x, s->n), 1 - p - r,
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
	assert_share(stat_sum(lost(s), s->n) / n, 0.25 * 0.8 + 0.75 * 0.05,
		     stat_worth(n, 1 - 0.1 - 0.3));
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
		     stat_worth((double)s->n, fmax(chances[_i].rho, 0)));
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
		     stat_worth((double)s->n, fmax(chances[_i].rho, 0)));
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
		     stat_worth((double)s->n, fmax(chances[_i].rho, 0)));
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
	tcase_add_loop_test(tc, delays_have_their_mean_spread_and_shape, 0, N_DELAY_LAWS);
	tcase_add_loop_test(tc, another_shape_is_not_taken_for_it, 0, N_DELAY_LAWS);
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
