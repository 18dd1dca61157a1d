/* SPDX-License-Identifier: MIT */
/* The table of claims, from results written down by hand, and the command that prints it. */
#include "harness/report/claims.h"

#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

static struct cli c;
static struct plan plan;
static struct scenario_result result;

static void set_up(void)
{
	cli_start(&c);
	plan = (struct plan){.claim = {.says = "connect to silence", .arithmetic = "1 + 2 = 3 s"}};
	result = (struct scenario_result){.plan = &plan};
}

static void tear_down(void)
{
	cli_finish(&c);
}

/* --- what a verdict says of it --- */

/* An expectation that shows the claim, and what came of it; the bounds are set by the caller. */
static struct expect_result *shown_by(const char *kind)
{
	struct plan_expect *e = vec_push(&c.arena, &plan.expects);

	expect_spec_unset(&e->spec);
	e->spec.ops = expect_find(kind);
	*vec_push(&c.arena, &plan.claim_expects) = (int64_t)plan.expects.n - 1;
	struct expect_result *r = vec_push(&c.arena, &result.expects);
	*r = (struct expect_result){.value = 0, .t = NSEC_UNSET};
	/* The list may have moved. */
	for (size_t i = 0; i < result.expects.n; i++)
		result.expects.v[i].expect = &plan.expects.v[i];
	return r;
}

static void is_claim(const char *allowed, const char *measured)
{
	_cleanup_json_ json_t *claim = claim_to_json(&result);

	ck_assert_str_eq(json_string_value(json_object_get(claim, "says")), "connect to silence");
	ck_assert_str_eq(json_string_value(json_object_get(claim, "arithmetic")), "1 + 2 = 3 s");
	ck_assert_str_eq(json_string_value(json_object_get(claim, "allowed")), allowed);
	ck_assert_str_eq(json_string_value(json_object_get(claim, "measured")), measured);
}

START_TEST(a_time_is_a_range_and_a_number)
{
	struct expect_result *r = shown_by("gives-up");

	plan.expects.v[0].spec.not_before = 127 * NSEC_PER_SEC;
	plan.expects.v[0].spec.within = 131930 * NSEC_PER_MSEC;
	r->value = 130.8124;
	r->unit = arena_strdup(&c.arena, "s");
	r->observed = arena_strdup(&c.arena, "130.812 s, too early");
	is_claim("127s to 131.93s", "130.812 s");
}
END_TEST

START_TEST(numbers_are_joined_with_when_they_held)
{
	struct expect_result *r = shown_by("sockets");

	r->bound = arena_strdup(&c.arena, "at least 1 in TIME_WAIT at 60s");
	r->observed = arena_strdup(&c.arena, "1 socket");
	r = shown_by("sockets");
	r->bound = arena_strdup(&c.arena, "at most 0 in TIME_WAIT at 63s");
	r->observed = arena_strdup(&c.arena, "0 sockets");
	r->t = 61568 * NSEC_PER_MSEC;
	r->unit = arena_strdup(&c.arena, "sockets");
	plan.expects.v[1].spec.at = arena_strdup(&c.arena, "63s");
	is_claim("at least 1 in TIME_WAIT at 60s; at most 0 in TIME_WAIT at 63s",
		 "1 socket; 0 sockets, since 61.568 s");
}
END_TEST

/* When a counter was read last says nothing of when it reached its value. */
START_TEST(a_counter_stands_alone)
{
	struct expect_result *r = shown_by("counter");

	r->bound = arena_strdup(&c.arena, "at most 9 of TcpRetransSegs at the end");
	r->observed = arena_strdup(&c.arena, "9");
	r->unit = arena_strdup(&c.arena, "count");
	r->t = 60 * NSEC_PER_SEC;
	plan.expects.v[0].spec.at = arena_strdup(&c.arena, "end");
	is_claim("at most 9 of TcpRetransSegs at the end", "9");
}
END_TEST

START_TEST(a_run_that_broke_off_has_measured_nothing)
{
	shown_by("gives-up");
	result.expects.n = 0;
	_cleanup_json_ json_t *claim = claim_to_json(&result);
	ck_assert(json_is_null(json_object_get(claim, "measured")));
}
END_TEST

START_TEST(a_scenario_without_a_claim_says_none)
{
	plan.claim = (struct claim_spec){0};
	_cleanup_json_ json_t *claim = claim_to_json(&result);
	ck_assert(json_is_null(claim));
}
END_TEST

/* --- the table --- */

/* Two kernels, a failure, an error; and a control, a skip and a scenario without a claim. */
static const char run[] =
	"{\"scenarios\": ["
	"{\"verdict\": \"pass\", \"control\": null, \"kernel\": \"6.1.0\", \"claim\":"
	" {\"says\": \"b | c\", \"arithmetic\": \"1 + 2 = 3 s\", \"allowed\": \"3s to 4s\","
	"  \"measured\": \"3.5 s\"}},"
	"{\"verdict\": \"fail\", \"control\": null, \"kernel\": \"6.12\", \"claim\":"
	" {\"says\": \"a\", \"arithmetic\": null, \"allowed\": \"3s to 4s\","
	"  \"measured\": \"5 s\"}},"
	"{\"verdict\": \"error\", \"control\": null, \"kernel\": \"6.1.0\", \"claim\":"
	" {\"says\": \"a\", \"arithmetic\": null, \"allowed\": null, \"measured\": null}},"
	"{\"verdict\": \"pass\", \"control\": \"other\", \"kernel\": \"6.1.0\", \"claim\":"
	" {\"says\": \"control\"}},"
	"{\"verdict\": \"skip\", \"control\": null, \"kernel\": \"6.1.0\", \"claim\":"
	" {\"says\": \"skipped\"}},"
	"{\"verdict\": \"pass\", \"control\": null, \"kernel\": \"6.1.0\", \"claim\": null}]}";

static const char markdown[] = "| claim | arithmetic | allowed | measured | kernel |\n"
			       "| --- | --- | --- | --- | --- |\n"
			       "| a |  |  | - (error) | 6.1.0 |\n"
			       "| a |  | 3s to 4s | 5 s (fail) | 6.12 |\n"
			       "| b \\| c | 1 + 2 = 3 s | 3s to 4s | 3.5 s | 6.1.0 |\n";

static const char columns[] = "claim  arithmetic   allowed   measured    kernel\n"
			      "a                             - (error)   6.1.0\n"
			      "a                   3s to 4s  5 s (fail)  6.12\n"
			      "b | c  1 + 2 = 3 s  3s to 4s  3.5 s       6.1.0\n";

START_TEST(rows_stand_by_claim_and_kernel)
{
	cli_write(&c, "run.json", run);
	struct cli_result r = CLI(&c, "claims", ".");
	ck_assert_msg(r.code == 0, "%s", r.err);
	ck_assert_str_eq(r.out, markdown); /* it is no terminal */
	r = CLI(&c, "claims", "--format", "text", ".");
	ck_assert_int_eq(r.code, 0);
	ck_assert_str_eq(r.out, columns);
	r = CLI(&c, "claims", "--format", "markdown", ".");
	ck_assert_str_eq(r.out, markdown);
}
END_TEST

START_TEST(letters_of_several_bytes_keep_the_columns)
{
	cli_write(
		&c, "run.json",
		"{\"scenarios\": ["
		"{\"verdict\": \"pass\", \"kernel\": \"6\", \"claim\": {\"says\": \"2 \u00d7 3\"}},"
		"{\"verdict\": \"pass\", \"kernel\": \"6\", \"claim\": {\"says\": \"3 x 3\"}}]}");
	struct cli_result r = CLI(&c, "claims", "--format", "text", ".");
	ck_assert_int_eq(r.code, 0);
	ck_assert_msg(strstr(r.out, "2 \u00d7 3                                 6\n") != NULL, "%s",
		      r.out);
	ck_assert_msg(strstr(r.out, "3 x 3                                 6\n") != NULL, "%s",
		      r.out);
}
END_TEST

START_TEST(what_is_no_run_is_told)
{
	struct cli_result r = CLI(&c, "claims");
	ck_assert_int_eq(r.code, 3);
	ck_assert_msg(strstr(r.err, "results/latest/run.json") != NULL, "%s", r.err);
	cli_write(&c, "run.json", "{");
	r = CLI(&c, "claims", ".");
	ck_assert_int_eq(r.code, 3);
	ck_assert_msg(strstr(r.err, "./run.json:1:1:") != NULL, "%s", r.err);
	cli_write(&c, "run.json", "{\"scenarios\": []}");
	r = CLI(&c, "claims", ".");
	ck_assert_int_eq(r.code, 4);
	ck_assert_msg(strstr(r.err, "no scenario of this run has a claim") != NULL, "%s", r.err);
	ck_assert_str_eq(r.out, "");
	ck_assert_int_eq(CLI(&c, "claims", "one", "two").code, 2);
	ck_assert_int_eq(CLI(&c, "claims", "--format", "html", ".").code, 2);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("claims");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_time_is_a_range_and_a_number);
	tcase_add_test(t, numbers_are_joined_with_when_they_held);
	tcase_add_test(t, a_counter_stands_alone);
	tcase_add_test(t, a_run_that_broke_off_has_measured_nothing);
	tcase_add_test(t, a_scenario_without_a_claim_says_none);
	tcase_add_test(t, rows_stand_by_claim_and_kernel);
	tcase_add_test(t, letters_of_several_bytes_keep_the_columns);
	tcase_add_test(t, what_is_no_run_is_told);
	return run_tests("claims", t);
}
