/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "faults/tests/testplan.h"
#include "faults/wire/heap.h"
#include "faults/wire/lag.h"

/* The registry, what a scenario may not ask for, and the engine's two small tools. */

static struct arena arena;

static struct fault_spec spec_of(const char *kind)
{
	struct plan *plan = testplan_new(&arena, 2, 1);
	struct fault_spec spec = testplan_fault(plan, &arena, NULL, kind, 0, 0, 1)->fault;

	arena_free(&arena);
	return spec;
}

static void accept_spec(const struct fault_spec *spec)
{
	struct flaw flaw;

	ck_assert(!spec->ops->check || spec->ops->check(spec, &flaw));
}

static void refuse_spec(const struct fault_spec *spec, const char *about)
{
	struct flaw flaw;

	ck_assert(!spec->ops->check(spec, &flaw));
	ck_assert_msg(strstr(flaw.message, about) != NULL, "%s", flaw.message);
	ck_assert_ptr_nonnull(flaw.hint);
}

START_TEST(each_kind_is_found_by_its_name)
{
	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
		ck_assert_ptr_eq(fault_find((*ops)->name), *ops);
	ck_assert_ptr_null(fault_find("blackhol"));
}
END_TEST

START_TEST(jitter_at_most_the_mean)
{
	struct fault_spec spec = spec_of("delay");

	spec.mean = MSEC(10);
	accept_spec(&spec);
	spec.jitter = MSEC(10);
	accept_spec(&spec);
	spec.jitter = MSEC(10) + 1;
	refuse_spec(&spec, "jitter");
}
END_TEST

/* What lies below 0 is cut off: a law of which much would is not the law that was asked for. */
START_TEST(laws_without_a_least_value_need_room)
{
	struct fault_spec spec = spec_of("delay");

	spec.mean = MSEC(30);
	spec.distribution = DISTRIBUTION_NORMAL;
	spec.jitter = MSEC(10);
	accept_spec(&spec);
	spec.jitter = MSEC(10) + 1;
	refuse_spec(&spec, "before they were sent");
	spec.distribution = DISTRIBUTION_PARETO; /* never more than 0.75 jitters below its mean */
	accept_spec(&spec);
	spec.distribution = DISTRIBUTION_PARETONORMAL;
	spec.jitter = MSEC(20);
	accept_spec(&spec);
	spec.jitter = MSEC(20) + 2;
	refuse_spec(&spec, "before they were sent");
}
END_TEST

START_TEST(loss_above_zero)
{
	struct fault_spec spec = spec_of("loss");

	spec.rate = 0.01;
	accept_spec(&spec);
	spec.rate = 0;
	refuse_spec(&spec, "0%");
}
END_TEST

START_TEST(rst_takes_neither_kind_nor_direction)
{
	static char *kinds[] = {"data"};
	struct fault_spec spec = spec_of("rst");

	accept_spec(&spec);
	spec.match.protocol = MATCH_TCP;
	accept_spec(&spec);
	spec.match.protocol = MATCH_UDP;
	refuse_spec(&spec, "protocol");
	spec = spec_of("rst");
	spec.match.kind = (struct strings){kinds, 1};
	refuse_spec(&spec, "kind");
	spec = spec_of("rst");
	spec.direction = DIRECTION_BOTH;
	accept_spec(&spec);
	spec.direction = DIRECTION_TO_HOST;
	refuse_spec(&spec, "direction");
}
END_TEST

START_TEST(the_heap_sorts_and_keeps_ties_in_order)
{
	enum { N = 5000, N_TIMES = 50 };
	static int items[N];
	struct heap h = {0};
	struct rng rng;
	nsec_t last_t = -1;
	const int *last = NULL;

	rng_init(&rng, 1, "heap");
	ck_assert_int_eq(heap_next(&h), NSEC_NEVER);
	for (int i = 0; i < N; i++) {
		items[i] = (int)(rng_u64(&rng) % N_TIMES);
		heap_push(&h, items[i], &items[i]);
	}
	for (int i = 0; i < N; i++) {
		nsec_t t = heap_next(&h);
		const int *item = heap_pop(&h);

		ck_assert_int_eq(*item, t);
		ck_assert_int_ge(t, last_t);
		ck_assert(t > last_t || item > last);
		last_t = t;
		last = item;
	}
	ck_assert_ptr_null(heap_pop(&h));
	heap_free(&h);
}
END_TEST

START_TEST(lag_tells_the_worst_of_each_window)
{
	struct lag_meter m = {0};
	struct observation o;

	ck_assert(!lag_note(&m, MSEC(1000), MSEC(3), &o));
	ck_assert(!lag_note(&m, MSEC(1050), MSEC(7), &o));
	ck_assert(!lag_note(&m, MSEC(1060), MSEC(2), &o));
	/* The next window: now the first is told. */
	ck_assert(lag_note(&m, MSEC(1100), MSEC(1) - 1, &o));
	ck_assert_int_eq(o.event, EV_STALL);
	ck_assert_int_eq(o.t, MSEC(1050));
	ck_assert_int_eq(o.lag.lag, MSEC(7));
	/* One below a millisecond is not. */
	ck_assert(!lag_note(&m, MSEC(1200), MSEC(1), &o));
	ck_assert(lag_close_window(&m, &o));
	ck_assert_int_eq(o.lag.lag, MSEC(1));
	ck_assert(!lag_close_window(&m, &o));
	o = lag_worst(&m, MSEC(2000));
	ck_assert_int_eq(o.lag.lag, MSEC(7));
	ck_assert_int_eq(o.t, MSEC(1050));
}
END_TEST

START_TEST(no_lag_is_told_too)
{
	struct lag_meter m = {0};
	struct observation o = lag_worst(&m, MSEC(5));

	ck_assert_int_eq(o.lag.lag, 0);
	ck_assert_int_eq(o.t, MSEC(5));
}
END_TEST

int main(void)
{
	Suite *s = suite_create("faults");
	TCase *tc = tcase_create("specs");
	TCase *tools = tcase_create("tools");

	tcase_add_test(tc, each_kind_is_found_by_its_name);
	tcase_add_test(tc, jitter_at_most_the_mean);
	tcase_add_test(tc, laws_without_a_least_value_need_room);
	tcase_add_test(tc, loss_above_zero);
	tcase_add_test(tc, rst_takes_neither_kind_nor_direction);
	tcase_add_test(tools, the_heap_sorts_and_keeps_ties_in_order);
	tcase_add_test(tools, lag_tells_the_worst_of_each_window);
	tcase_add_test(tools, no_lag_is_told_too);
	suite_add_tcase(s, tc);
	suite_add_tcase(s, tools);

	SRunner *sr = srunner_create(s);
	srunner_run_all(sr, CK_NORMAL);
	int failed = srunner_ntests_failed(sr);
	srunner_free(sr);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}
