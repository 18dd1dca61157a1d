/* SPDX-License-Identifier: MIT */
/*
 * The JSON Schema: scenarios/schema.json is what the tables print, every scenario of the suite names
 * it for editors, and a validator that is not ours agrees with the parser, as far as a schema can:
 * good files are valid, bad ones are not, but for those in bad/beyond-schema.list. UPDATE=1 writes
 * all three.
 */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <glob.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/field.h"
#include "harness/base/io.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

#define SCHEMA "scenarios/schema.json"
/* Files of parts begin with an underscore, and are no scenarios. */
#define SUITE    "scenarios/*/[!_]*.yaml"
#define GOOD     "harness/tests/good/*.yaml"
#define BAD      "harness/tests/bad/*.yaml"
#define BEYOND   "harness/tests/bad/beyond-schema.list"
#define CHECKER  "harness/tests/check-schema.py"
#define MODELINE "# yaml-language-server: $schema=../schema.json\n"
#define REMAKE   "UPDATE=1 build/harness/tests/test_schema"
/* What check-schema.py exits with when it has no validator. */
#define NO_VALIDATOR 77

static struct arena arena;

static void tear_down(void)
{
	arena_free(&arena);
}

static bool is_update(void)
{
	return getenv("UPDATE") != NULL;
}

static char *read_text(const char *path)
{
	struct err err = {0};
	char *text = io_read_file(path, NULL, &arena, &err);

	ck_assert_msg(text != NULL, "%s (run it in the project's top folder)", err.msg);
	return text;
}

static void write_text(const char *path, const char *text)
{
	_cleanup_fclose_ FILE *f = fopen(path, "we");

	ck_assert_ptr_nonnull(f);
	ck_assert_int_ge(fputs(text, f), 0);
}

/* The text of the file is this; or it is made to be. */
static void same_or_update(const char *path, const char *wanted)
{
	if (is_update())
		write_text(path, wanted);
	else
		ck_assert_msg(!strcmp(read_text(path), wanted), "%s is out of date: " REMAKE, path);
}

START_TEST(the_committed_schema_is_the_printed_one)
{
	_cleanup_json_ json_t *schema = parse_schema();
	_cleanup_free_ char *text = json_dumps(schema, JSON_FILE_FLAGS);

	same_or_update(SCHEMA, arena_printf(&arena, "%s\n", text));
}
END_TEST

START_TEST(every_scenario_names_the_schema)
{
	glob_t files;

	ck_assert_int_eq(glob(SUITE, 0, NULL, &files), 0);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		const char *path = files.gl_pathv[i];
		char *text = read_text(path);
		bool has_it = !strncmp(text, MODELINE, strlen(MODELINE));

		if (!has_it && is_update())
			write_text(path, arena_printf(&arena, MODELINE "%s", text));
		else
			ck_assert_msg(has_it, "%s:1: it must begin with " MODELINE "%s", path,
				      REMAKE);
	}
	globfree(&files);
}
END_TEST

/* An object that lets anything in, or a key without a word about it, would help nobody. */
static void assert_closed(const json_t *node, const char *path)
{
	const char *key;
	json_t *value;
	const json_t *properties = json_object_get(node, "properties");
	bool is_type = json_object_get(node, "type") != NULL;

	ck_assert_msg(!is_type || !properties || json_object_get(node, "additionalProperties"),
		      "%s is open", path);
	json_object_foreach((json_t *)properties, key, value)
	{
		const char *below = arena_printf(&arena, "%s.%s", path, key);

		ck_assert_msg(!is_type || json_object_get(value, "description"), "%s has no doc",
			      below);
		ck_assert_msg(json_object_size(value) > 0, "%s says nothing", below);
		assert_closed(value, below);
	}
}

START_TEST(every_key_has_a_type_and_a_doc)
{
	_cleanup_json_ json_t *schema = parse_schema();
	size_t i;
	json_t *kind;
	json_t *properties = json_object_get(schema, "properties");
	json_t *timeline = json_object_get(properties, "timeline");

	assert_closed(schema, "");
	json_array_foreach(json_object_get(json_object_get(timeline, "items"), "oneOf"), i, kind)
	{
		assert_closed(kind, "timeline[]");
	}
	ck_assert_uint_gt(i, 7); /* the actions alone are so many */
}
END_TEST

/* Runs the checker on these files; what it printed, or NULL if there is no validator. */
static char *check_files(const glob_t *files)
{
	char **argv = arena_new_array(&arena, char *, files->gl_pathc + 3);
	int out[2], status = 0;
	char *text = arena_alloc(&arena, 1);
	ssize_t n;

	argv[0] = arena_strdup(&arena, CHECKER);
	argv[1] = arena_strdup(&arena, SCHEMA);
	memcpy(argv + 2, files->gl_pathv, files->gl_pathc * sizeof(*argv));
	ck_assert_int_eq(pipe2(out, O_CLOEXEC), 0);
	pid_t pid = fork();
	ck_assert_int_ge(pid, 0);
	if (pid == 0) {
		dup2(out[1], STDOUT_FILENO);
		execvp(argv[0], argv);
		_exit(errno == ENOENT ? NO_VALIDATOR : 126); /* no Python at all */
	}
	close(out[1]);
	for (char part[4096]; (n = read(out[0], part, sizeof(part))) > 0;)
		text = arena_printf(&arena, "%s%.*s", text, (int)n, part);
	close(out[0]);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert(WIFEXITED(status));
	if (WEXITSTATUS(status) == 127 || WEXITSTATUS(status) == NO_VALIDATOR)
		return NULL;
	ck_assert_int_eq(WEXITSTATUS(status), 0);
	return text;
}

static bool skip_without_validator(const char *verdicts)
{
	if (verdicts)
		return false;
	ck_assert_msg(!getenv("CI"), "no validator: install python3-jsonschema and python3-yaml");
	printf("skipped: no validator (python3-jsonschema, python3-yaml)\n");
	return true;
}

START_TEST(good_files_are_valid)
{
	glob_t files;

	ck_assert_int_eq(glob(GOOD, 0, NULL, &files), 0);
	ck_assert_int_eq(glob(SUITE, GLOB_APPEND, NULL, &files), 0);
	char *verdicts = check_files(&files);
	globfree(&files);
	if (skip_without_validator(verdicts))
		return;
	ck_assert_msg(!strncmp(verdicts, "valid ", strlen("valid ")), "%s", verdicts);
	ck_assert_msg(!strstr(verdicts, "invalid"), "%s", verdicts);
}
END_TEST

START_TEST(bad_files_are_not)
{
	static const char valid[] = "valid ";
	char *beyond = arena_strdup(&arena, "");
	glob_t files;

	ck_assert_int_eq(glob(BAD, 0, NULL, &files), 0);
	char *verdicts = check_files(&files);
	globfree(&files);
	if (skip_without_validator(verdicts))
		return;
	for (char *rest = verdicts, *line; (line = strsep(&rest, "\n"));)
		if (!strncmp(line, valid, strlen(valid)))
			beyond = arena_printf(&arena, "%s%s\n", beyond, line + strlen(valid));
	same_or_update(BEYOND, beyond);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("schema");

	tcase_add_checked_fixture(c, NULL, tear_down);
	tcase_set_timeout(c, 120); /* a guard: Python on a busy machine */
	tcase_add_test(c, the_committed_schema_is_the_printed_one);
	tcase_add_test(c, every_scenario_names_the_schema);
	tcase_add_test(c, every_key_has_a_type_and_a_doc);
	tcase_add_test(c, good_files_are_valid);
	tcase_add_test(c, bad_files_are_not);
	return run_tests("schema", c);
}
