/* SPDX-License-Identifier: MIT */
/* Needs of the kernel's version, as text against the release of a kernel. */
#include "harness/data/needs.h"

#include <check.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

static struct arena arena;

static void tear_down(void)
{
	arena_free(&arena);
}

static const struct {
	const char *need, *release;
	bool met;
} rows[] = {
	{"kernel < 6.5", "6.1.0-41-cloud-amd64", true},
	{"kernel < 6.5", "6.5.0-rc1", false},
	{"kernel < 6.5", "6.12.9", false},
	{"kernel < 6.5", "5.19.17", true},
	{"kernel >= 6.5", "6.4.16", false},
	{"kernel >= 6.5", "6.5", true},
	{"kernel >= 6.5", "6.12.57+deb13-cloud-amd64", true},
	{"kernel >= 6.5", "7.0.1", true},
	/* Only the parts that are written count. */
	{"kernel = 6.1", "6.1.170", true},
	{"kernel = 6.1", "6.10.2", false},
	{"kernel = 6", "6.12.1", true},
	{"kernel > 6.1", "6.1.170", false},
	{"kernel > 6.1", "6.2.0", true},
	{"kernel <= 6.1", "6.1.170", true},
	{"kernel <= 6.1", "6.2.0", false},
	{"kernel > 6.1.9", "6.1.10", true},
	{"kernel < 6.1.10", "6.1.9-cloud", true},
	/* Blanks may be left out. */
	{"kernel>=6.5", "6.6.1", true},
	/* What is no such need, and what is no release, is never met. */
	{"kernel ~ 6.5", "6.5.0", false},
	{"kernel < ", "6.5.0", false},
	{"kernel < 6.5 or so", "6.1.0", false},
	{"netem", "6.5.0", false},
	{"kernel < 6.5", "", false},
	{"kernel < 6.5", "unknown", false},
};

START_TEST(a_need_is_met_or_not)
{
	ck_assert_msg(needs_kernel(rows[_i].need, rows[_i].release) == rows[_i].met, "'%s' on '%s'",
		      rows[_i].need, rows[_i].release);
}
END_TEST

START_TEST(the_form_is_told)
{
	ck_assert(needs_is_kernel(NEEDS_KERNEL_EXAMPLE));
	ck_assert(needs_is_kernel("kernel<6"));
	ck_assert(!needs_is_kernel("kernel 6.5"));
	ck_assert(!needs_is_kernel("kernel == 6.5"));
	ck_assert(!needs_is_kernel("kernel >= 6.5.1.2"));
	ck_assert(!needs_is_kernel("ipvs"));
}
END_TEST

START_TEST(the_first_that_is_not_met_is_told)
{
	char *older[] = {"kernel >= 5.10", "kernel < 6.5", "ipvs"};
	struct strings needs = {older, ARRAY_SIZE(older)};
	const struct needs_target newer = {.release = "6.12.9"}, old = {.release = "6.1.0"};

	ck_assert_str_eq(needs_lacking(&needs, &newer, &arena),
			 "needs kernel < 6.5, and this one is 6.12.9");
	ck_assert_str_eq(needs_lacking(&needs, &old, &arena),
			 "needs ipvs: nothing here finds out whether the kernel has it");
	needs.n--;
	ck_assert_ptr_null(needs_lacking(&needs, &old, &arena));
	needs.n = 0;
	ck_assert_ptr_null(needs_lacking(&needs, &old, &arena));
}
END_TEST

struct netem_answer {
	const char *lack;
	int asked;
};

static const char *answer(void *ctx)
{
	struct netem_answer *netem = ctx;

	netem->asked++;
	return netem->lack;
}

/* It is the target's own kernel that is asked, and only for a scenario that needs it. */
START_TEST(netem_is_asked_of_the_kernel)
{
	char *texts[] = {"kernel >= 6.5", "netem"};
	struct strings needs = {texts, ARRAY_SIZE(texts)};
	struct netem_answer netem = {0};
	struct needs_target target = {.release = "6.1.0", .netem_lack = answer, .ctx = &netem};

	ck_assert_str_eq(needs_lacking(&needs, &target, &arena),
			 "needs kernel >= 6.5, and this one is 6.1.0");
	ck_assert_int_eq(netem.asked, 0);
	target.release = "6.12.9";
	ck_assert_ptr_null(needs_lacking(&needs, &target, &arena));
	netem.lack = "no module";
	ck_assert_str_eq(needs_lacking(&needs, &target, &arena), "needs netem: no module");
	ck_assert_int_eq(netem.asked, 2);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("needs");

	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_loop_test(t, a_need_is_met_or_not, 0, ARRAY_SIZE(rows));
	tcase_add_test(t, the_form_is_told);
	tcase_add_test(t, the_first_that_is_not_met_is_told);
	tcase_add_test(t, netem_is_asked_of_the_kernel);
	return run_tests("needs", t);
}
