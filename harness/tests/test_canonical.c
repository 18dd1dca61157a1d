/* SPDX-License-Identifier: MIT */
/* What a guest is told of its plan: nothing of the way in which the run was asked for. */
#include <check.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/folder.h"
#include "harness/tests/suite.h"
#include "harness/virtual/canonical.h"
#include "harness/virtual/pack.h"

#define ROOMY ((uint64_t)1 << 30)

static struct folder f;
static struct plan plan;
static struct canonical c;

static void setup(void)
{
	folder_make(&f);
	folder_put_text(&f, "work/talker", "");
	folder_put_link(&f, "link", "work");
	plan = (struct plan){.file = "work/a.yaml", .slug = "a+seed7"};
}

static void teardown(void)
{
	folder_remove(&f);
}

static void make(void)
{
	canonical_make(&plan, f.path, &f.arena, &c);
}

static void add_app(const char *program, const char *word)
{
	struct plan_app *app = vec_push(&f.arena, &plan.apps);

	*vec_push(&f.arena, &app->argv) = arena_strdup(&f.arena, program);
	*vec_push(&f.arena, &app->argv) = arena_strdup(&f.arena, word);
}

static void add_step(char *file)
{
	vec_push(&f.arena, &plan.steps)->pos.file = file;
}

START_TEST(test_no_slug)
{
	make();
	const char *one = c.in_guest.slug;
	plan.slug = "b+2";
	make();
	ck_assert_str_eq(c.in_guest.slug, one);
	ck_assert_str_eq(plan.slug, "b+2");
}
END_TEST

START_TEST(test_programs_by_their_real_folder)
{
	static const char *const spellings[] = {"work/talker", "./work/./talker", "link/talker",
						"work/../work/talker"};

	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++)
		add_app(spellings[i], "./word");
	add_app("talker", "");
	add_app("absent/talker", "");
	make();
	for (size_t i = 0; i < ARRAY_SIZE(spellings); i++) {
		ck_assert_str_eq(c.in_guest.apps.v[i].argv.v[0], folder_path(&f, "work/talker"));
		ck_assert_str_eq(c.in_guest.apps.v[i].argv.v[1], "./word");
		ck_assert_str_eq(plan.apps.v[i].argv.v[0], spellings[i]);
	}
	/* One of PATH; and one that is not there, which the error will name. */
	ck_assert_str_eq(c.plan.apps.v[ARRAY_SIZE(spellings)].argv.v[0], "talker");
	ck_assert_str_eq(c.plan.apps.v[ARRAY_SIZE(spellings) + 1].argv.v[0],
			 folder_path(&f, "absent/talker"));
}
END_TEST

/* A program may look at the name by which it is called: busybox does. */
START_TEST(test_the_last_link_stays)
{
	folder_put_link(&f, "work/echo", "talker");
	add_app("link/echo", "");
	make();
	ck_assert_str_eq(c.plan.apps.v[0].argv.v[0], folder_path(&f, "work/echo"));
}
END_TEST

START_TEST(test_files_by_number)
{
	add_step("work/part.yaml");
	add_step("work/a.yaml");
	make();
	ck_assert_str_eq(c.plan.file, folder_path(&f, "work/a.yaml"));
	ck_assert_str_eq(c.in_guest.steps.v[1].pos.file, c.in_guest.file);
	ck_assert_str_ne(c.in_guest.steps.v[0].pos.file, c.in_guest.file);
	ck_assert_ptr_null(strstr(c.in_guest.steps.v[0].pos.file, "part"));
	/* Packing tells them as they were typed. */
	ck_assert_str_eq(c.plan.steps.v[0].pos.file, "work/part.yaml");
}
END_TEST

START_TEST(test_names_are_put_back)
{
	plan.file = "a \"b\".yaml";
	add_step("part.yaml");
	make();
	const char *text = arena_printf(&f.arena, "%s:3: %s:4 and %s:5", c.in_guest.file,
					c.in_guest.steps.v[0].pos.file, c.in_guest.file);
	ck_assert_str_eq(canonical_restore(&c, text, &f.arena),
			 "a \"b\".yaml:3: part.yaml:4 and a \"b\".yaml:5");
	ck_assert_str_eq(canonical_restore_json(&c, text, &f.arena),
			 "a \\\"b\\\".yaml:3: part.yaml:4 and a \\\"b\\\".yaml:5");
	ck_assert_ptr_eq(canonical_restore(&c, plan.file, &f.arena), plan.file);
}
END_TEST

/* It ends, too, where a file is named like what stands for it. */
START_TEST(test_a_file_named_as_its_number)
{
	make();
	plan.file = arena_printf(&f.arena, "x%s", c.in_guest.file);
	make();
	ck_assert_str_eq(canonical_restore(&c, c.in_guest.file, &f.arena), plan.file);
}
END_TEST

/* --- folders that are kept --- */

static struct strings keep(const char *start_dir, const char *packed)
{
	struct pack_input in = {.plan = &c.plan, .start_dir = start_dir, .path = ""};
	const char *const dirs[] = {start_dir, folder_path(&f, "work"), NULL};
	struct fileset set;
	struct err err = {0};

	make();
	fileset_init(&set, ROOMY, &f.arena);
	ck_assert_int_eq(fileset_add_folder(&set, dirs[1], &err), 0);
	if (packed)
		ck_assert_int_eq(fileset_add_bytes(&set, packed, FILESET_FILE_MODE, "", 0, &err),
				 0);
	return pack_keep_dirs(&in, dirs, &set);
}

START_TEST(test_wirecuts_folder_only_where_it_is_needed)
{
	/* The scenario's own, once; and from elsewhere, or from above, the same. */
	ck_assert_uint_eq(keep(folder_path(&f, "work"), NULL).n, 1);
	const struct strings from_above = keep(f.path, NULL);
	ck_assert_uint_eq(from_above.n, 1);
	ck_assert_str_eq(from_above.v[0], folder_path(&f, "work"));
	ck_assert_uint_eq(keep("/usr", NULL).n, 1);
	ck_assert_uint_eq(keep(f.path, folder_path(&f, "work/file")).n, 1);
	/* A file there is to be seen. */
	ck_assert_uint_eq(keep(f.path, folder_path(&f, "file")).n, 2);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("canonical");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_no_slug);
	tcase_add_test(tests, test_programs_by_their_real_folder);
	tcase_add_test(tests, test_the_last_link_stays);
	tcase_add_test(tests, test_files_by_number);
	tcase_add_test(tests, test_names_are_put_back);
	tcase_add_test(tests, test_a_file_named_as_its_number);
	tcase_add_test(tests, test_wirecuts_folder_only_where_it_is_needed);
	return run_tests("canonical", tests);
}
