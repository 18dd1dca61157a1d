/* SPDX-License-Identifier: MIT */
/*
 * The suite's controls: each expectation of each scenario is one that some control says it kills. That
 * the control does so, its run tells; what is left for `wirecut matrix` to find is nothing then.
 */
#include <check.h>
#include <glob.h>
#include <string.h>

#include "harness/base/io.h"
#include "harness/build/build.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

/* Files of parts begin with an underscore, and are no scenarios. */
#define SUITE "scenarios/*/[!_]*.yaml"

static struct arena arena;

static void tear_down(void)
{
	arena_free(&arena);
}

static char *read_nothing(const char *path, struct arena *a, struct err *err)
{
	(void)path;
	(void)err;
	return arena_strdup(a, "");
}

static const struct plan *plan_of(const struct scenario *s, const struct scenario_control *control,
				  struct diags *diags)
{
	const struct build_options options = {.read_file = read_nothing};

	return build_plan(s, control, &options, &arena, diags);
}

static bool must_fail(const struct plan *control, const char *label)
{
	vec_foreach (i, &control->must_fail)
		if (!strcmp(control->expects.v[*i].label, label))
			return true;
	return false;
}

static bool is_named(const struct scenario *s, const char *label, struct diags *diags)
{
	vec_foreach (control, &s->controls)
		if (must_fail(plan_of(s, control, diags), label))
			return true;
	return false;
}

/* Returns how many expectations the scenarios of the file have. */
static size_t check_file(const char *path)
{
	struct diags diags = {.arena = &arena};
	struct err err = {0};
	struct scenario_list made;
	size_t n = 0;
	char *text = io_read_file(path, NULL, &arena, &err);

	ck_assert_msg(text != NULL, "%s (run it in the project's top folder)", err.msg);
	parse_scenarios(path, text, strlen(text), io_read_file, &arena, &diags, &made);
	vec_foreach (s, &made) {
		const struct plan *plan = plan_of(*s, NULL, &diags);

		vec_foreach (e, &plan->expects) {
			ck_assert_msg(is_named(*s, e->label, &diags),
				      "%s:%d: no control's 'fails' names '%s': nothing shows that "
				      "it can fail",
				      e->spec.pos.file, e->spec.pos.line, e->label);
			n++;
		}
	}
	ck_assert_uint_eq(diags.list.n, 0);
	return n;
}

START_TEST(each_expectation_of_the_suite_has_a_control)
{
	glob_t files;
	size_t n = 0;

	ck_assert_int_eq(glob(SUITE, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++)
		n += check_file(files.gl_pathv[i]);
	ck_assert_uint_gt(n, files.gl_pathc);
	globfree(&files);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("controls");

	tcase_add_checked_fixture(c, NULL, tear_down);
	tcase_set_timeout(c, 120);
	tcase_add_test(c, each_expectation_of_the_suite_has_a_control);
	return run_tests("controls", c);
}
