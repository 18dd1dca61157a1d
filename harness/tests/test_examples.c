/* SPDX-License-Identifier: MIT */
/*
 * The examples of faults/README.md are what `wirecut check` accepts, and each kind of fault, and each step
 * that acts on programs, has one; in a section of its own name if there is such a section.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>

#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/build/build.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

#define FENCE      "```"
#define FENCE_YAML FENCE "yaml\n"

static struct arena arena;

static void tear_down(void)
{
	arena_free(&arena);
}

/* What the text above the examples says that there is. */
static const char head[] = "version: 1\nname: an example\n"
			   "hosts: {server: {}, client: {count: 3}, other: {}}\napps:\n"
			   "  server: {host: server, run: \"server :8000\"}\n"
			   "  client: {host: client, run: \"client server:8000\"}\n"
			   "expect:\n  - connects: {app: client}\ntimeline:\n";

struct example {
	const char *section; /* "idle-drop"; or any other heading */
	int line;
	const struct scenario *scenario;
};
struct examples {
	VEC(struct example) list;
};

static char *no_files(const char *path, struct arena *a, struct err *err)
{
	(void)a;
	err_set(err, "%s: an example reads no file", path);
	return NULL;
}

/* What `wirecut check` says of a timeline; "": nothing. *ret is the scenario around it. */
static const char *complaints(const char *timeline, const char *where, const struct scenario **ret)
{
	const struct build_options options = {.seed = 1, .read_file = no_files};
	struct diags diags = {.arena = &arena};
	char *text = arena_printf(&arena, "%s%s", head, timeline), *said = NULL;
	size_t len;
	FILE *f = open_memstream(&said, &len);

	*ret = parse_scenario(where, text, strlen(text), &arena, &diags);
	if (*ret)
		build_plan(*ret, NULL, &options, &arena, &diags);
	diags_print(f, &diags, false);
	fclose(f);
	char *copy = arena_strdup(&arena, said);
	free(said);
	return copy;
}

static const char *heading_of(const char *line, size_t len)
{
	const char *start = memchr(line, '`', len);
	const char *end = start ? memchr(start + 1, '`', len - (size_t)(start + 1 - line)) : NULL;

	return end ? arena_strndup(&arena, start + 1, (size_t)(end - start - 1)) : "";
}

static struct examples read_examples(const char *text)
{
	struct examples all = {0};
	const char *section = "";
	int number = 1;

	for (const char *line = text; *line; number++) {
		const char *next = strchrnul(line, '\n');
		size_t len = (size_t)(next - line);

		if (!strncmp(line, "## ", 3) || !strncmp(line, "### ", 4))
			section = heading_of(line, len);
		if (!strncmp(line, FENCE_YAML, strlen(FENCE_YAML))) {
			const char *end = strstr(line + strlen(FENCE_YAML), FENCE);

			ck_assert_ptr_nonnull(end);
			const char *start = next + 1;
			char *timeline = arena_strndup(&arena, start, (size_t)(end - start));
			char *where = arena_printf(&arena, "faults/README.md, line %d", number);
			struct example e = {.section = section, .line = number};
			const char *said = complaints(timeline, where, &e.scenario);
			ck_assert_msg(!*said, "%s", said);
			*vec_push(&arena, &all.list) = e;
			for (; next < end; number++)
				next = strchrnul(next + 1, '\n');
		}
		line = next + (*next == '\n');
	}
	return all;
}

static bool shows(const struct scenario *s, const char *kind)
{
	vec_foreach (step, &s->timeline) {
		const char *its = step->kind == STEP_FAULT ? step->fault.ops->name
							   : step_kind_names[step->kind];
		if (!strcmp(its, kind))
			return true;
	}
	return false;
}

static void assert_is_shown(const struct examples *all, const char *text, const char *kind)
{
	bool has_section = strstr(text, arena_printf(&arena, "\n### `%s`\n", kind)) != NULL;
	bool found = false;

	vec_foreach (e, &all->list)
		found |= shows(e->scenario, kind) && (!has_section || !strcmp(e->section, kind));
	ck_assert_msg(found, "faults/README.md has no example of '%s'%s", kind,
		      has_section ? " in its section" : "");
}

START_TEST(each_fault_has_an_example_that_is_right)
{
	static const char *const steps[] = {"pause", "resume", "kill", "restart"};
	struct err err = {0};
	_cleanup_close_ int dir = open("faults", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *text = io_read_file_at(dir, "README.md", NULL, &arena, &err);

	ck_assert_msg(text != NULL, "%s (run it in the project's top folder)", err.msg);
	struct examples all = read_examples(text);
	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
		assert_is_shown(&all, text, (*ops)->name);
	for (size_t i = 0; i < ARRAY_SIZE(steps); i++)
		assert_is_shown(&all, text, steps[i]);
}
END_TEST

/* Else it would not matter what the examples say. */
START_TEST(a_wrong_example_is_found)
{
	static const char *const wrong[] = {
		"- {at: 1s, blackhole: {cable: sever}, for: 1s}\n",
		"- {at: 1s, blackhole: {cable: server}, fro: 1s}\n",
	};
	const struct scenario *s;

	ck_assert_str_eq(complaints("- {at: 1s, blackhole: {cable: server}, for: 1s}\n", "x", &s),
			 "");
	ck_assert(shows(s, "blackhole") && !shows(s, "loss"));
	for (size_t i = 0; i < ARRAY_SIZE(wrong); i++)
		ck_assert_str_ne(complaints(wrong[i], "x", &s), "");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("examples");

	tcase_add_checked_fixture(t, NULL, tear_down);
	tcase_add_test(t, each_fault_has_an_example_that_is_right);
	tcase_add_test(t, a_wrong_example_is_found);
	return run_tests("examples", t);
}
