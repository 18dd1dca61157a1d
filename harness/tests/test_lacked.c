/* SPDX-License-Identifier: MIT */
/* When what a guest lacked makes a verdict an error, and when the verdict stands. */
#include "harness/report/lacked.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, probe;
static struct scenario_result result;

static char *name(const char *text)
{
	return arena_strdup(&w.arena, text);
}

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_app(&w, "server", world_host(&w, "server"));
	probe = world_app(&w, "probe", world_host(&w, "client"));
	*vec_push(&w.arena, &w.plan.apps.v[server].argv) = name("/usr/sbin/served");
	*vec_push(&w.arena, &w.plan.apps.v[probe].argv) = name("curl");
	see_start(&w, SEC(3), probe);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_status(int64_t status)
{
	struct plan_expect *e = world_expect(&w, "exits");

	e->spec.app = "probe";
	e->spec.status = status;
	world_list(&w, &e->apps, probe);
	return e;
}

/* Judges it with files of this machine that these programs looked for; NULL ends them. */
static void judge_with(const char *const *programs)
{
	VEC(struct not_packed_file) files = {0};

	world_judge(&w, &result);
	for (; *programs; programs++)
		*vec_push(&w.arena, &files) = (struct not_packed_file){
			.path = arena_printf(&w.arena, "/etc/%s.conf", *programs),
			.program = name(*programs),
		};
	result.not_packed = (struct not_packed){files.v, files.n};
	lacked_weigh(&result, &w.obs, &w.arena);
}

#define JUDGE_WITH(...) judge_with((const char *const[]){__VA_ARGS__, NULL})

static void is_error_with(const char *words)
{
	ck_assert_int_eq(result.verdict, VERDICT_ERROR);
	ck_assert_msg(strstr(result.reason, words) != NULL, "%s", result.reason);
}

START_TEST(an_app_that_ended_for_it)
{
	expect_status(0);
	see_exit(&w, SEC(6), probe, 1, 0, false);
	JUDGE_WITH("curl", "helper");
	is_error_with("observed status 1 after 3.000 s; the guest lacks what was looked for: "
		      "/etc/curl.conf (by curl), /etc/helper.conf (by helper)");
	is_error_with("guest: {files: [/etc/curl.conf]}");
}
END_TEST

START_TEST(by_a_signal)
{
	expect_status(0);
	see_exit(&w, SEC(6), probe, -1, 6, false);
	JUDGE_WITH("curl");
	is_error_with("/etc/curl.conf");
}
END_TEST

START_TEST(more_than_a_reason_holds)
{
	expect_status(0);
	see_exit(&w, SEC(6), probe, 1, 0, false);
	JUDGE_WITH("a", "b", "c", "d", "e");
	is_error_with("/etc/c.conf (by c) and 2 more (not-packed.txt)");
}
END_TEST

START_TEST(nothing_was_looked_for)
{
	expect_status(0);
	see_exit(&w, SEC(6), probe, 1, 0, false);
	judge_with((const char *const[]){NULL});
	ck_assert_int_eq(result.verdict, VERDICT_FAIL);
}
END_TEST

START_TEST(another_app_looked_for_it)
{
	expect_status(0);
	see_exit(&w, SEC(6), probe, 1, 0, false);
	JUDGE_WITH("served");
	ck_assert_int_eq(result.verdict, VERDICT_FAIL);
}
END_TEST

START_TEST(it_ended_as_asked_but_too_late)
{
	expect_status(28)->spec.within = SEC(1);
	see_exit(&w, SEC(6), probe, 28, 0, false);
	JUDGE_WITH("curl");
	ck_assert_int_eq(result.verdict, VERDICT_FAIL);
}
END_TEST

START_TEST(it_did_not_end_by_itself)
{
	expect_status(0);
	see_exit(&w, SEC(6), probe, -1, 15, true);
	JUDGE_WITH("curl");
	ck_assert_int_eq(result.verdict, VERDICT_FAIL);
}
END_TEST

START_TEST(all_passed)
{
	expect_status(0);
	see_exit(&w, SEC(6), probe, 0, 0, false);
	JUDGE_WITH("curl");
	ck_assert_int_eq(result.verdict, VERDICT_PASS);
	ck_assert_uint_eq(result.not_packed.n, 1);
}
END_TEST

START_TEST(other_expectations_fail)
{
	struct plan_expect *e = world_expect(&w, "connects");

	e->spec.app = "probe";
	e->spec.within = SEC(1);
	world_list(&w, &e->apps, probe);
	JUDGE_WITH("curl");
	ck_assert_int_ne(result.verdict, VERDICT_ERROR);
}
END_TEST

START_TEST(a_control_that_fails_where_it_must)
{
	expect_status(0);
	w.plan.control = name("without");
	world_list(&w, &w.plan.must_fail, 0);
	see_exit(&w, SEC(6), probe, 1, 0, false);
	JUDGE_WITH("curl");
	ck_assert_int_eq(result.verdict, VERDICT_PASS);
}
END_TEST

START_TEST(a_run_that_broke_off)
{
	expect_status(0);
	see_run(&w, SEC(4), EV_ERROR)->text = name("app server ended with status 1");
	JUDGE_WITH("served");
	is_error_with("app server ended with status 1; the guest lacks what was looked for: "
		      "/etc/served.conf (by served)");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("lacked");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, an_app_that_ended_for_it);
	tcase_add_test(c, by_a_signal);
	tcase_add_test(c, more_than_a_reason_holds);
	tcase_add_test(c, nothing_was_looked_for);
	tcase_add_test(c, another_app_looked_for_it);
	tcase_add_test(c, it_ended_as_asked_but_too_late);
	tcase_add_test(c, it_did_not_end_by_itself);
	tcase_add_test(c, all_passed);
	tcase_add_test(c, other_expectations_fail);
	tcase_add_test(c, a_control_that_fails_where_it_must);
	tcase_add_test(c, a_run_that_broke_off);
	return run_tests("lacked", c);
}
