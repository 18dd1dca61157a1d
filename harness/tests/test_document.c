/* SPDX-License-Identifier: MIT */
/*
 * What becomes of a document before it is read: included parts, the cells of a matrix, defaults.
 * What is refused is in harness/tests/bad/.
 */
#include <check.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/build/build.h"
#include "harness/judge/expect.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

#define GOOD "harness/tests/good/"

static struct arena arena;
static struct diags diags;

static void set_up(void)
{
	diags = (struct diags){.arena = &arena};
}

static void tear_down(void)
{
	arena_free(&arena);
}

static char *read_without_length(const char *path, struct arena *a, struct err *err)
{
	return io_read_file(path, NULL, a, err);
}

static struct scenario_list parse_file(const char *path)
{
	struct scenario_list list;
	struct err err = {0};
	size_t len;
	char *text = io_read_file(path, &len, &arena, &err);

	ck_assert_msg(text != NULL, "%s", err.msg);
	parse_scenarios(path, text, len, io_read_file, &arena, &diags, &list);
	vec_foreach (d, &diags.list)
		ck_abort_msg("%s:%d: %s", d->pos.file, d->pos.line, d->message);
	return list;
}

static struct plan *build(const struct scenario *s, const struct scenario_control *control)
{
	const struct build_options options = {.seed = 1, .read_file = read_without_length};
	struct plan *plan = build_plan(s, control, &options, &arena, &diags);

	vec_foreach (d, &diags.list)
		ck_abort_msg("%s:%d: %s", d->pos.file, d->pos.line, d->message);
	return plan;
}

/* --- texts --- */

/* libfyaml before 0.9.5 reads more than one '' in a row as something else. */
START_TEST(quotes_in_single_quotes)
{
	struct scenario_list list = parse_file(GOOD "quotes.yaml");
	const struct plan *plan = build(list.v[0], NULL);
	const struct string_pair *env = plan->apps.v[1].env.v;

	ck_assert_str_eq(plan->name, "it''s quoted");
	ck_assert_str_eq(plan->apps.v[1].argv.v[1], "server:8000");
	ck_assert_str_eq(env[0].value, "echo '''' '");
	ck_assert_str_eq(env[1].value, "");
	ck_assert_str_eq(env[2].value, "'");
	ck_assert_str_eq(env[3].name, "D");
	ck_assert_str_eq(env[3].value, "a \\ \u00e9\"\\n");
	ck_assert_str_eq(env[4].value, "one line's end\nand another");
}
END_TEST

/* --- matrix --- */

START_TEST(cells_come_in_the_order_of_nested_loops)
{
	struct scenario_list list = parse_file(GOOD "matrix.yaml");

	ck_assert_uint_eq(list.n, 18); /* 2 * 3 * 1 * 3 */
	ck_assert_str_eq(list.v[0]->cell, "loss=1%, rtt=1ms, clients=2, where=server:8000");
	ck_assert_str_eq(list.v[1]->cell, "loss=1%, rtt=1ms, clients=2, where=Server 8000");
	ck_assert_str_eq(list.v[3]->cell, "loss=1%, rtt=1.5ms, clients=2, where=server:8000");
	ck_assert_str_eq(list.v[17]->cell, "loss=10%, rtt=100ms, clients=2, where=server-8000");
}
END_TEST

START_TEST(a_cell_has_its_values_everywhere)
{
	const struct scenario *s = parse_file(GOOD "matrix.yaml").v[9 + 3];

	ck_assert_str_eq(s->name, "losses of 10% [loss=10%, rtt=1.5ms, clients=2, "
				  "where=server:8000]");
	ck_assert_str_eq(s->tags.v[1], "1.5ms");
	ck_assert_int_eq(s->hosts.v[1].count, 2);
	ck_assert_double_eq(s->timeline.v[0].fault.rate, 0.1);
	ck_assert_int_eq(s->timeline.v[1].fault.mean, 1500 * NSEC_PER_USEC);
	ck_assert_str_eq(s->apps.v[1].shell, "client server:8000 ${HOME} $HOME ${");
}
END_TEST

START_TEST(slugs_are_names_of_folders)
{
	struct scenario_list list = parse_file(GOOD "matrix.yaml");

	ck_assert_str_eq(build(list.v[0], NULL)->slug,
			 "good-matrix@loss=1pct,rtt=1ms,clients=2,where=server-8000");
	/* Three values that differ only in what a slug cannot hold. */
	ck_assert_str_eq(build(list.v[1], NULL)->slug,
			 "good-matrix@loss=1pct,rtt=1ms,clients=2,where=server-8000-2");
	ck_assert_str_eq(build(list.v[5], NULL)->slug,
			 "good-matrix@loss=1pct,rtt=1.5ms,clients=2,where=server-8000-3");
}
END_TEST

START_TEST(each_cell_has_the_controls)
{
	struct scenario_list list = parse_file(GOOD "matrix.yaml");

	vec_foreach (s, &list) {
		const struct scenario_control *control = &(*s)->controls.v[0];
		struct plan *plan = build(*s, control);

		ck_assert_str_eq(plan->name, (*s)->name);
		ck_assert_str_eq(plan->cell, (*s)->cell);
		ck_assert_str_eq(plan->slug,
				 arena_printf(&arena, "good-matrix%s--no-loss", (*s)->cell_slug));
		ck_assert_double_eq(plan->steps.v[0].fault.rate, 0.005);
	}
}
END_TEST

START_TEST(without_a_matrix_there_is_no_cell)
{
	struct scenario_list list = parse_file(GOOD "minimal.yaml");

	ck_assert_uint_eq(list.n, 1);
	ck_assert_ptr_null(list.v[0]->cell);
	ck_assert_ptr_null(strchr(build(list.v[0], NULL)->slug, '@'));
}
END_TEST

/* --- include --- */

START_TEST(this_file_is_laid_on_top)
{
	const struct scenario *s = parse_file(GOOD "include.yaml").v[0];

	ck_assert_str_eq(s->practice, "common");
	ck_assert_uint_eq(s->tags.n, 1);
	ck_assert_str_eq(s->tags.v[0], "second"); /* of two parts the later one wins */
	ck_assert_uint_eq(s->hosts.v[1].sysctl.n, 2);
	ck_assert_int_eq(s->hosts.v[1].count, 2);
	ck_assert_str_eq(s->apps.v[0].name, "server");
	ck_assert_ptr_null(s->apps.v[0].run); /* displaced by `shell` */
	ck_assert_int_eq(s->apps.v[0].ready.listening, COUNT_UNSET);
	ck_assert_str_eq(s->apps.v[0].ready.log, "listening");
	ck_assert_str_eq(s->apps.v[1].env.v[0].value, "1");
	ck_assert_str_eq(s->apps.v[1].env.v[1].value, "2");
	ck_assert_uint_eq(s->controls.v[0].fails.n, 2);
}
END_TEST

START_TEST(lists_of_parts_come_first_and_each_part_once)
{
	const struct scenario *s = parse_file(GOOD "include.yaml").v[0];

	ck_assert_uint_eq(s->timeline.n, 3);
	ck_assert_str_eq(s->timeline.v[0].pos.file, GOOD "_parts/common.yaml");
	ck_assert_str_eq(s->timeline.v[1].pos.file, GOOD "_parts/cut.yaml");
	ck_assert_str_eq(s->timeline.v[2].pos.file, GOOD "include.yaml");
	ck_assert_uint_eq(s->expect.n, 2);
	ck_assert_str_eq(s->expect.v[0].ops->name, "detects");
	ck_assert_uint_eq(diags.sources.n, 4);
}
END_TEST

/* `from:` in a part is a path beside the part; places survive plan.json. */
START_TEST(places_are_those_of_the_part)
{
	struct plan *plan = build(parse_file(GOOD "include.yaml").v[0], NULL), again;
	_cleanup_json_ json_t *json = plan_to_json(plan);
	struct err err = {0};

	ck_assert_ptr_nonnull(plan->files.v[0].text);
	ck_assert_msg(plan_from_json(&again, json, &arena, &err) == 0, "%s", err.msg);
	ck_assert_str_eq(again.expects.v[0].spec.pos.file, GOOD "_parts/cut.yaml");
	ck_assert_str_eq(again.expects.v[1].spec.pos.file, GOOD "include.yaml");
	ck_assert_str_eq(again.steps.v[0].pos.file, GOOD "_parts/common.yaml");
}
END_TEST

START_TEST(without_a_reader_nothing_is_included)
{
	static const char text[] = "include: x.yaml\n";

	parse_scenario("x.yaml", text, strlen(text), &arena, &diags);
	ck_assert_str_eq(diags.list.v[0].message, "no file can be included here");
}
END_TEST

/* --- names of apps that are keys elsewhere --- */

static char *read_part(const char *path, size_t *ret_len, struct arena *a, struct err *err)
{
	static const char part[] = "apps: {run: {host: h, run: a}, ready: {host: h, run: b}}\n";

	(void)err;
	ck_assert_str_eq(path, "folder/_part.yaml");
	*ret_len = strlen(part);
	return arena_strdup(a, part);
}

START_TEST(an_app_may_be_called_like_a_key)
{
	static const char text[] = "version: 1\nname: x\ninclude: _part.yaml\nhosts: {h: {}}\n"
				   "apps: {shell: {host: h, run: c}, ready: {env: {A: b}}}\n"
				   "expect: [{exits: {app: run}}]\n";
	struct scenario_list list;

	parse_scenarios("folder/x.yaml", text, strlen(text), read_part, &arena, &diags, &list);
	ck_assert_uint_eq(diags.list.n, 0);
	ck_assert_uint_eq(list.v[0]->apps.n, 3);
	ck_assert_str_eq(list.v[0]->apps.v[1].run, "b");
}
END_TEST

/* --- defaults --- */

START_TEST(defaults_fill_what_is_not_set)
{
	const struct scenario *s = parse_file(GOOD "defaults.yaml").v[0];

	ck_assert_int_eq(s->hosts.v[0].count, 1);
	ck_assert_int_eq(s->hosts.v[1].count, 2);
	ck_assert_int_eq(s->hosts.v[0].nofile, 1024);
	ck_assert_ptr_null(s->apps.v[0].run); /* it has a shell */
	ck_assert_uint_eq(s->apps.v[0].env.n, 1);
	ck_assert_str_eq(s->apps.v[0].env.v[0].name, "B");
	ck_assert_str_eq(s->apps.v[1].host, "client");
	ck_assert_int_eq(s->apps.v[1].ready_within, 5 * NSEC_PER_SEC);
	ck_assert_int_eq(s->expect.v[0].within, 4 * NSEC_PER_SEC);
	ck_assert_int_eq(s->expect.v[1].within, 5 * NSEC_PER_SEC);
	ck_assert_str_eq(s->expect.v[2].app, "client");
	ck_assert_int_eq(s->expect.v[2].within, NSEC_UNSET); /* its kind has no `within` */
}
END_TEST

START_TEST(defaults_fill_what_a_control_replaces)
{
	const struct scenario *s = parse_file(GOOD "defaults.yaml").v[0];
	const struct scenario *variant = s->controls.v[0].variant;

	ck_assert_int_eq(variant->apps.v[1].start, START_MANUAL);
	ck_assert_str_eq(variant->apps.v[1].run, "client server:8000");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("document");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, quotes_in_single_quotes);
	tcase_add_test(c, cells_come_in_the_order_of_nested_loops);
	tcase_add_test(c, a_cell_has_its_values_everywhere);
	tcase_add_test(c, slugs_are_names_of_folders);
	tcase_add_test(c, each_cell_has_the_controls);
	tcase_add_test(c, without_a_matrix_there_is_no_cell);
	tcase_add_test(c, this_file_is_laid_on_top);
	tcase_add_test(c, lists_of_parts_come_first_and_each_part_once);
	tcase_add_test(c, places_are_those_of_the_part);
	tcase_add_test(c, without_a_reader_nothing_is_included);
	tcase_add_test(c, an_app_may_be_called_like_a_key);
	tcase_add_test(c, defaults_fill_what_is_not_set);
	tcase_add_test(c, defaults_fill_what_a_control_replaces);
	return run_tests("document", c);
}
