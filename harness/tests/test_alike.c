/* SPDX-License-Identifier: MIT */
/* What is shown of failures that several seeds have in common. */
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/report/alike.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static struct alike alike;
static struct terminal terminal;
static char *text;
static size_t text_len;

static void setup(void)
{
	world_init(&w, SEC(30));
	world_expect(&w, "detects")->label = arena_strdup(&w.arena, "detects");
	alike = (struct alike){.arena = &w.arena, .seeds = 9};
	terminal = (struct terminal){.out = open_memstream(&text, &text_len)};
	ck_assert_ptr_nonnull(terminal.out);
}

static void teardown(void)
{
	fclose(terminal.out);
	free(text);
	world_free(&w);
}

/* With an expectation that has this verdict, if `observed` is given. */
static void show(const char *slug, uint64_t seed, enum verdict verdict, const char *observed)
{
	struct plan *plan = arena_new(&w.arena, struct plan);
	struct scenario_result r = {
		.plan = plan, .verdict = verdict, .reason = arena_strdup(&w.arena, "in 7 ways")};

	*plan = w.plan;
	plan->seed = seed;
	plan->slug = arena_strdup(&w.arena, slug);
	plan->name = arena_strdup(&w.arena, "a test");
	if (observed)
		*vec_push(&w.arena, &r.expects) = (struct expect_result){
			.expect = &w.plan.expects.v[0],
			.verdict = verdict,
			.subject = arena_printf(&w.arena, "client:4%lu", seed),
			.bound = arena_strdup(&w.arena, "within 1s"),
			.observed = arena_strdup(&w.arena, observed),
			.t = NSEC_UNSET,
		};
	alike_show(&alike, &terminal, &r, NULL, NULL);
	fflush(terminal.out);
}

static size_t count(const char *part)
{
	size_t n = 0;

	for (const char *at = text; (at = strstr(at, part)); at++)
		n++;
	return n;
}

START_TEST(the_same_but_for_figures)
{
	show("a+seed7", 7, VERDICT_FAIL, "0.879 s");
	show("a+seed9", 9, VERDICT_FAIL, "12 s");
	show("a+seed8", 8, VERDICT_FAIL, "1.5 s");
	alike_print(&alike, terminal.out);
	fflush(terminal.out);
	ck_assert_uint_eq(count("observed"), 1);
	contains(text, "observed  0.879 s");
	ck_assert_uint_eq(count("the same as with seed 7\n"), 2);
	contains(text, "\na+seed7: the same with seeds 8, 9\n");
}
END_TEST

/* Each of these is another failure than the first. */
START_TEST(not_the_same)
{
	show("a+seed1", 1, VERDICT_FAIL, "0.879 s");
	show("b+seed2", 2, VERDICT_FAIL, "0.879 s");
	show("a+linux-6.1+seed3", 3, VERDICT_FAIL, "0.879 s");
	show("a+seed4+2", 4, VERDICT_FAIL, "0.879 s");
	show("a+seed5", 5, VERDICT_FAIL, "never");
	show("a+seed6", 6, VERDICT_VOID, "0.879 s");
	alike_print(&alike, terminal.out);
	fflush(terminal.out);
	ck_assert_uint_eq(count("the same"), 0);
	ck_assert_uint_eq(count("observed"), 6);
}
END_TEST

/* Where there is nothing but a reason that is compared; of what broke off it is all that counts. */
START_TEST(reasons)
{
	show("a+seed1", 1, VERDICT_ERROR, NULL);
	show("a+seed2", 2, VERDICT_ERROR, "never");
	show("a+seed3", 3, VERDICT_PASS, "never");
	show("a+seed4", 4, VERDICT_PASS, "never");
	alike_print(&alike, terminal.out);
	fflush(terminal.out);
	ck_assert_uint_eq(count("the same as with seed 1\n"), 1);
	contains(text, "\na+seed1: the same with seed 2\n");
}
END_TEST

START_TEST(in_full_where_it_is_asked_for)
{
	alike.seeds = _i ? 9 : 1;
	terminal.verbosity = _i ? REPORT_VERBOSE : REPORT_NORMAL;
	show("a+seed1", 1, VERDICT_FAIL, "0.879 s");
	show("a+seed2", 2, VERDICT_FAIL, "0.879 s");
	ck_assert_uint_eq(count("observed"), 2);
	ck_assert_uint_eq(count("the same"), 0);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("alike");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_same_but_for_figures);
	tcase_add_test(t, not_the_same);
	tcase_add_test(t, reasons);
	tcase_add_loop_test(t, in_full_where_it_is_asked_for, 0, 2);
	return run_tests("alike", t);
}
