/* SPDX-License-Identifier: MIT */
/* The kill matrix, from results written down by hand, and the command that prints it. */
#include "harness/report/matrix.h"

#include <check.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/report/report.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

static struct cli c;

static void set_up(void)
{
	cli_start(&c);
}

static void tear_down(void)
{
	cli_finish(&c);
}

/* --- what a verdict says of it --- */

START_TEST(a_control_says_which_it_names)
{
	int64_t named = 1;
	struct plan plan = {.file = "s.yaml",
			    .name = "s",
			    .slug = "s",
			    .control = "c",
			    .must_fail = {&named, 1}};
	struct scenario_result result = {.plan = &plan};
	const struct suite_info info = {.kernel = "6.1.0"};

	for (int i = 0; i < 2; i++) {
		struct plan_expect *e = vec_push(&c.arena, &plan.expects);

		expect_spec_unset(&e->spec);
		e->spec.ops = expect_find("sockets");
		e->label = arena_printf(&c.arena, "e%d", i);
	}
	for (size_t i = 0; i < 2; i++)
		*vec_push(&c.arena, &result.expects) =
			(struct expect_result){.expect = &plan.expects.v[i], .t = NSEC_UNSET};
	_cleanup_json_ json_t *verdict = results_verdict(&result, &info);
	const json_t *expects = json_object_get(verdict, "expectations");
	for (size_t i = 0; i < 2; i++)
		ck_assert_int_eq(
			json_is_true(json_object_get(json_array_get(expects, i), "must_fail")),
			i == 1);
}
END_TEST

#define NAN_VALUE (0.0 / 0.0)

/* Which side of its bound a failure broke; "": neither, or it has but one. */
START_TEST(a_failure_says_which_side_it_broke)
{
	static const struct {
		nsec_t not_before, within;
		int64_t at_least, at_most;
		double value;
		const char *unit, *broken;
	} cases[] = {
		{2 * NSEC_PER_SEC, 4 * NSEC_PER_SEC, COUNT_UNSET, COUNT_UNSET, 1.9, "s",
		 "not-before"},
		{2 * NSEC_PER_SEC, 4 * NSEC_PER_SEC, COUNT_UNSET, COUNT_UNSET, 4.1, "s", "within"},
		{2 * NSEC_PER_SEC, 4 * NSEC_PER_SEC, COUNT_UNSET, COUNT_UNSET, NAN_VALUE, NULL,
		 "within"},
		{2 * NSEC_PER_SEC, 4 * NSEC_PER_SEC, COUNT_UNSET, COUNT_UNSET, 3, "s",
		 ""}, /* by its status, say */
		{NSEC_UNSET, 4 * NSEC_PER_SEC, COUNT_UNSET, COUNT_UNSET, 4.1, "s", ""},
		{NSEC_UNSET, NSEC_UNSET, 3, 5, 2, "sockets", "at-least"},
		{NSEC_UNSET, NSEC_UNSET, 3, 5, 6, "sockets", "at-most"},
		{NSEC_UNSET, NSEC_UNSET, 3, COUNT_UNSET, 2, "sockets", ""},
		{NSEC_UNSET, 4 * NSEC_PER_SEC, 3, 5, 6, "s", ""}, /* its time, not its number */
	};
	struct plan_expect e = {0};
	struct expect_result r = {.expect = &e, .verdict = VERDICT_FAIL};

	expect_spec_unset(&e.spec);
	e.spec.not_before = cases[_i].not_before;
	e.spec.within = cases[_i].within;
	e.spec.at_least = cases[_i].at_least;
	e.spec.at_most = cases[_i].at_most;
	r.value = cases[_i].value;
	r.unit = (char *)cases[_i].unit;
	const char *broken = expect_broken_side(&r);
	ck_assert_str_eq(broken ? broken : "", cases[_i].broken);
	/* One that fails by its status fails without any bound. */
	r.otherwise = true;
	ck_assert_ptr_null(expect_broken_side(&r));
	r.otherwise = false;
	r.verdict = VERDICT_PASS;
	ck_assert_ptr_null(expect_broken_side(&r));
}
END_TEST

/* --- the table --- */

#define EXPECT(line, label, verdict, must)                                                         \
	"{\"file\": \"b.yaml\", \"line\": " #line ", \"label\": \"" label                          \
	"\", \"verdict\": \"" verdict "\", \"must_fail\": " must "}"
#define RECORD(file, cell, control, verdict, expects)                                              \
	RECORD_OF("b", file, cell, control, verdict, expects)
#define RECORD_OF(slug, file, cell, control, verdict, expects)                                     \
	"{\"slug\": \"" slug "\", \"file\": \"" file "\", \"cell\": " cell                         \
	", \"control\": " control ", \"verdict\": \"" verdict "\", \"expectations\": [" expects    \
	"]}"
#define RUN(records) "{\"scenarios\": [" records "]}"

/* Two expectations and two controls; the second expectation fails in both, and one names it. */
#define SCENARIO                                                                                   \
	RECORD("b.yaml", "null", "null", "pass",                                                   \
	       EXPECT(9, "second", "pass", "false") ", " EXPECT(8, "first", "pass", "false"))
#define CONTROL_Y                                                                                  \
	RECORD("b.yaml", "null", "\"y\"", "pass",                                                  \
	       EXPECT(8, "first", "fail", "true") ", " EXPECT(9, "second", "fail", "false"))
#define CONTROL_X                                                                                  \
	RECORD("b.yaml", "null", "\"x\"", "pass",                                                  \
	       EXPECT(8, "first", "pass", "false") ", " EXPECT(9, "second", "fail", "true"))

#define HEAD                                                                                       \
	"| scenario | expectation | fails in the control |\n"                                      \
	"| --- | --- | --- |\n"

static struct cli_result matrix_of(const char *run)
{
	cli_write(&c, "run.json", run);
	return CLI(&c, "matrix", ".");
}

#define NOTE "\n(CONTROL): it failed there too, but the control's `fails` does not name it\n"

START_TEST(each_expectation_has_a_row_with_its_controls)
{
	struct cli_result r = matrix_of(RUN(CONTROL_Y ", " SCENARIO ", " CONTROL_X));

	ck_assert_str_eq(r.out, HEAD "| b.yaml | first | y |\n"
				     "| b.yaml | second | x, (y) |\n" NOTE
				     "\n2 of 2 expectations are killed by a control\n");
	ck_assert_int_eq(r.code, 0);
	r = CLI(&c, "matrix", "--format", "text", ".");
	ck_assert_str_eq(r.out, "scenario  expectation  fails in the control\n"
				"b.yaml    first        y\n"
				"b.yaml    second       x, (y)\n" NOTE
				"\n2 of 2 expectations are killed by a control\n");
}
END_TEST

#define SIDES(verdict, broken)                                                                     \
	"{\"file\": \"b.yaml\", \"line\": 8, \"label\": \"first\", \"verdict\": \"" verdict        \
	"\", \"must_fail\": true, \"sides\": [\"not-before\", \"within\"], "                       \
	"\"broken_side\": " broken "}"

/* Too late in the one control, by another thing in the next: nobody has shown that it can be too early. */
START_TEST(each_side_of_a_bound_counts)
{
	static const char scenario[] =
		RECORD("b.yaml", "null", "null", "pass", SIDES("pass", "null"));
	static const char late[] =
		RECORD("b.yaml", "null", "\"late\"", "pass", SIDES("fail", "\"within\""));
	static const char other[] =
		RECORD("b.yaml", "null", "\"other\"", "pass", SIDES("fail", "null"));
	static const char early[] =
		RECORD("b.yaml", "null", "\"early\"", "pass", SIDES("fail", "\"not-before\""));
	static const char note[] =
		"\nEXPECTATION, KEY: that side of a bound that has two; each side counts\n\n";
	struct cli_result r =
		matrix_of(arena_printf(&c.arena, RUN("%s, %s, %s"), scenario, late, other));

	ck_assert_str_eq(r.out, arena_printf(&c.arena,
					     HEAD "| b.yaml | first, not-before | none |\n"
						  "| b.yaml | first, within | late |\n%s"
						  "1 of 2 expectations are killed by a control; by "
						  "none:\n\n- b.yaml:8: first, not-before\n",
					     note));
	ck_assert_int_eq(r.code, 1);
	r = matrix_of(arena_printf(&c.arena, RUN("%s, %s, %s"), scenario, late, early));
	ck_assert_str_eq(r.out, arena_printf(&c.arena,
					     HEAD "| b.yaml | first, not-before | early |\n"
						  "| b.yaml | first, within | late |\n%s"
						  "2 of 2 expectations are killed by a control\n",
					     note));
	ck_assert_int_eq(r.code, 0);
}
END_TEST

/* To fail in passing is no proof: the control may come to fail by something else alone. */
START_TEST(what_no_control_names_is_listed)
{
	struct cli_result r = matrix_of(RUN(SCENARIO ", " CONTROL_Y));

	ck_assert_str_eq(r.out, HEAD "| b.yaml | first | y |\n"
				     "| b.yaml | second | none (y) |\n" NOTE
				     "\n1 of 2 expectations are killed by a control; by none:\n\n"
				     "- b.yaml:9: second\n");
	ck_assert_int_eq(r.code, 1);
}
END_TEST

/* A control that survived, or was in error, has killed nothing, whatever failed in it. */
START_TEST(a_control_that_did_not_do_its_work_does_not_count)
{
	static const char *const verdicts[] = {"fail", "error", "inconclusive", "skip"};
	char *run = arena_printf(&c.arena,
				 "{\"scenarios\": [%s, {\"file\": \"b.yaml\", "
				 "\"cell\": null, \"control\": \"y\", \"verdict\": "
				 "\"%s\", \"expectations\": [%s]}]}",
				 SCENARIO, verdicts[_i], EXPECT(8, "first", "fail", "true"));
	struct cli_result r = matrix_of(run);

	ck_assert_msg(strstr(r.out, "0 of 2 expectations are killed") != NULL, "%s", r.out);
	ck_assert_int_eq(r.code, 1);
}
END_TEST

/* What holds in one cell of a matrix is no proof for another. */
START_TEST(each_cell_is_by_itself)
{
	static const char run[] = RUN(RECORD(
		"b.yaml", "\"k=1\"", "null", "pass",
		EXPECT(8, "first", "pass",
		       "false")) ", " RECORD("b.yaml", "\"k=1\"", "\"y\"", "pass",
					     EXPECT(8, "first", "fail",
						    "true")) ", " RECORD("b.yaml", "\"k=2\"",
									 "null", "pass",
									 EXPECT(8, "first", "pass",
										"false")));
	struct cli_result r = matrix_of(run);

	ck_assert_str_eq(r.out, HEAD "| b.yaml (k=1) | first | y |\n"
				     "| b.yaml (k=2) | first | none |\n"
				     "\n1 of 2 expectations are killed by a control; by none:\n\n"
				     "- b.yaml:8: first (k=2)\n");
	ck_assert_int_eq(r.code, 1);
}
END_TEST

/* The same scenario on a second kernel: no rows of its own. */
START_TEST(several_runs_of_one_scenario_are_one)
{
	struct cli_result r =
		matrix_of(RUN(SCENARIO ", " CONTROL_Y ", " SCENARIO ", " CONTROL_X ", " CONTROL_Y));

	ck_assert_msg(strstr(r.out, "2 of 2 expectations are killed") != NULL, "%s", r.out);
	ck_assert_msg(strstr(r.out, "| second | x, (y) |") != NULL, "%s", r.out);
}
END_TEST

#define NO_PROOF                                                                                   \
	"\n[CONTROL]: it failed there too, but the scenario itself did not pass: no proof\n"

#define BASE(slug, cell, verdict)                                                                  \
	RECORD_OF(slug, "b.yaml", cell, "null", verdict, EXPECT(8, "first", verdict, "false"))
#define CONTROL(slug, cell, name)                                                                  \
	RECORD_OF(slug, "b.yaml", cell, "\"" name "\"", "pass", EXPECT(8, "first", "fail", "true"))

/* Each with what stands in the row of the expectation, and how many of how many are killed. */
static const struct {
	const char *run, *row, *killed;
} beside[] = {
	{RUN(CONTROL("b--y", "null", "y") ", " BASE("b", "null", "pass")), "| b.yaml | first | y |",
	 "1 of 1"},
	/* A control may end first. */
	{RUN(CONTROL("b--y", "null", "y") ", " BASE("b", "null", "fail")),
	 "| b.yaml | first | none [y] |", "0 of 1"},
	{RUN(BASE("b", "null", "inconclusive") ", " CONTROL("b--y+again1", "null", "y")),
	 "| b.yaml | first | none [y] |", "0 of 1"},
	{RUN(BASE("b+again2", "null", "void") ", " CONTROL("b--y", "null", "y")),
	 "| b.yaml | first | none [y] |", "0 of 1"},
	/* The same seed, repetition, kernel and cell decides; what is proven once is proven. */
	{RUN(BASE("b+seed1", "null", "fail") ", " CONTROL("b--y+seed1", "null", "y") ", " BASE(
		 "b+seed2", "null", "pass") ", " CONTROL("b--y+seed2", "null", "y")),
	 "| b.yaml | first | y |", "1 of 1"},
	{RUN(BASE("b+seed1", "null", "fail") ", " CONTROL("b--y+seed1", "null", "y") ", " BASE(
		 "b+seed2", "null", "pass") ", " CONTROL("b--z+seed2", "null", "z")),
	 "| b.yaml | first | z, [y] |", "1 of 1"},
	{RUN(BASE("b+1", "null", "pass") ", " BASE("b+2", "null",
						   "fail") ", " CONTROL("b--y+2", "null", "y")),
	 "| b.yaml | first | none [y] |", "0 of 1"},
	{RUN(BASE("b+linux-6.1", "null", "fail") ", " BASE(
		 "b+linux-6.12", "null", "pass") ", " CONTROL("b--y+linux-6.1", "null", "y")),
	 "| b.yaml | first | none [y] |", "0 of 1"},
	{RUN(BASE("b@k=1", "\"k=1\"", "fail") ", " BASE("b@k=2", "\"k=2\"", "pass") ", " CONTROL(
		 "b@k=1--y", "\"k=1\"", "y") ", " CONTROL("b@k=2--y", "\"k=2\"", "y")),
	 "| b.yaml (k=1) | first | none [y] |\n| b.yaml (k=2) | first | y |", "1 of 2"},
};

/* Of what fails by itself nobody knows what the control has added. */
START_TEST(a_control_beside_a_scenario_that_did_not_pass_is_no_proof)
{
	struct cli_result r = matrix_of(beside[_i].run);
	bool noted = strstr(r.out, NO_PROOF) != NULL, bracketed = strchr(beside[_i].row, '[');
	bool all = beside[_i].killed[0] == beside[_i].killed[strlen("1 of ")];

	ck_assert_msg(strstr(r.out, beside[_i].row) != NULL, "%s", r.out);
	ck_assert_msg(strstr(r.out, beside[_i].killed) != NULL, "%s", r.out);
	ck_assert_msg(noted == bracketed, "%s", r.out);
	ck_assert_int_eq(r.code, all ? 0 : 1);
}
END_TEST

#define ALONE                                                                                      \
	"\n[CONTROL]: it failed there too, but the scenario itself did not run: no proof. Run it " \
	"with its controls, all as one run:\n\n"

/* As after `wirecut run --controls only`: nobody has shown that the scenario passes. */
static const struct {
	const char *run, *row, *named;
} alone[] = {
	{RUN(CONTROL("b--y", "null", "y")), "| b.yaml | first | none [y] |", "- b.yaml\n"},
	{RUN(CONTROL("b--y", "null", "y") ", " BASE("b", "null", "skip")),
	 "| b.yaml | first | none [y] |", "- b.yaml\n"},
	/* Named once; with another seed, or in another cell, it is another. */
	{RUN(CONTROL("b--y", "null", "y") ", " CONTROL("b--z", "null", "z")),
	 "| b.yaml | first | none [y], [z] |", "- b.yaml\n"},
	{RUN(BASE("b+seed1", "null", "pass") ", " CONTROL("b--y+seed2", "null", "y")),
	 "| b.yaml | first | none [y] |", "- b.yaml\n"},
	{RUN(CONTROL("b@k=1--y", "\"k=1\"", "y") ", " BASE("b@k=2", "\"k=2\"", "pass") ", " CONTROL(
		 "b@k=2--y", "\"k=2\"", "y")),
	 "| b.yaml (k=1) | first | none [y] |\n| b.yaml (k=2) | first | y |", "- b.yaml (k=1)\n"},
};

START_TEST(a_control_without_its_scenario_is_no_proof)
{
	struct cli_result r = matrix_of(alone[_i].run);
	char *note = arena_printf(&c.arena, ALONE "%s\n", alone[_i].named);

	ck_assert_msg(strstr(r.out, alone[_i].row) != NULL, "%s", r.out);
	ck_assert_msg(strstr(r.out, note) != NULL, "%s", r.out);
	ck_assert_ptr_null(strstr(r.out, NO_PROOF));
	ck_assert_int_eq(r.code, 1);
}
END_TEST

/* That it does not name it, too, is not said then. */
START_TEST(what_it_does_not_name_is_no_proof_either)
{
	struct cli_result r = matrix_of(RUN(BASE("b", "null", "fail") ", " RECORD_OF(
		"b--y", "b.yaml", "null", "\"y\"", "pass", EXPECT(8, "first", "fail", "false"))));

	ck_assert_str_eq(r.out, HEAD "| b.yaml | first | none [y] |\n" NO_PROOF
				     "\n0 of 1 expectations are killed by a control; by none:\n\n"
				     "- b.yaml:8: first\n");
}
END_TEST

START_TEST(what_is_no_run_is_told)
{
	struct cli_result r = CLI(&c, "matrix");
	ck_assert_int_eq(r.code, 3);
	ck_assert_msg(strstr(r.err, "results/latest/run.json") != NULL, "%s", r.err);
	r = matrix_of("{\"scenarios\": []}");
	ck_assert_int_eq(r.code, 4);
	ck_assert_msg(strstr(r.err, "no expectation was judged") != NULL, "%s", r.err);
	ck_assert_str_eq(r.out, "");
	ck_assert_int_eq(CLI(&c, "matrix", "one", "two").code, 2);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("matrix");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_set_timeout(t, 60);
	tcase_add_test(t, a_control_says_which_it_names);
	tcase_add_loop_test(t, a_failure_says_which_side_it_broke, 0, 9);
	tcase_add_test(t, each_side_of_a_bound_counts);
	tcase_add_test(t, each_expectation_has_a_row_with_its_controls);
	tcase_add_test(t, what_no_control_names_is_listed);
	tcase_add_loop_test(t, a_control_that_did_not_do_its_work_does_not_count, 0, 4);
	tcase_add_test(t, each_cell_is_by_itself);
	tcase_add_test(t, several_runs_of_one_scenario_are_one);
	tcase_add_loop_test(t, a_control_beside_a_scenario_that_did_not_pass_is_no_proof, 0,
			    ARRAY_SIZE(beside));
	tcase_add_loop_test(t, a_control_without_its_scenario_is_no_proof, 0, ARRAY_SIZE(alone));
	tcase_add_test(t, what_it_does_not_name_is_no_proof_either);
	tcase_add_test(t, what_is_no_run_is_told);
	return run_tests("matrix", t);
}
