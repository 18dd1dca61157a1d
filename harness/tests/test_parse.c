/* SPDX-License-Identifier: MIT */
/*
 * Whole scenario files. Each good/NAME.yaml must parse and build; each bad/NAME.yaml must give
 * exactly the text of bad/NAME.expected. After a message has been changed on purpose,
 * WIRECUT_UPDATE_EXPECTED=1 writes the expected texts anew: read the difference before committing.
 */
#include <check.h>
#include <glob.h>
#include <stdlib.h>

#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/build/build.h"
#include "harness/judge/expect.h"
#include "harness/parse/node.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

#define GOOD "harness/tests/good/"
#define BAD  "harness/tests/bad/"
/* So few that a glob which finds none, or a folder half checked out, is seen. */
#define GOOD_LEAST 8
#define BAD_LEAST  45

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

struct text {
	char *bytes;
	size_t len;
};

static struct text read_whole(const char *path)
{
	struct text text = {0};
	struct err err;

	text.bytes = io_read_file(path, &text.len, &arena, &err);
	return text;
}

static char *read_beside(const char *path, struct arena *a, struct err *err)
{
	struct text text = read_whole(path);

	(void)a;
	if (!text.bytes)
		err_errno(err, "cannot read '%s'", path);
	return text.bytes;
}

static struct scenario_list parse_all(const char *path, const struct text *text)
{
	struct scenario_list list;

	parse_scenarios(path, text->bytes, text->len, io_read_file, &arena, &diags, &list);
	return list;
}

/* The first; NULL: nothing of it could be read. */
static struct scenario *parse(const char *path, const struct text *text)
{
	struct scenario_list list = parse_all(path, text);

	return list.n ? list.v[0] : NULL;
}

/* As `wirecut check` does: what is parsed is built, each cell and each of its controls. */
static void parse_and_build(const char *path, const struct text *text)
{
	const struct build_options options = {.seed = 1, .read_file = read_beside};
	struct scenario_list list = parse_all(path, text);

	vec_foreach (s, &list) {
		build_plan(*s, NULL, &options, &arena, &diags);
		vec_foreach (control, &(*s)->controls)
			build_plan(*s, control, &options, &arena, &diags);
	}
	diags_sort(&diags, 0);
}

static char *printed_diags(void)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	diags_print(f, &diags, false);
	fclose(f);
	return out;
}

static void all_files(const char *pattern, size_t least, glob_t *ret)
{
	ck_assert_int_eq(glob(pattern, 0, NULL, ret), 0);
	ck_assert_uint_ge(ret->gl_pathc, least);
}

START_TEST(good_files_have_no_diags)
{
	glob_t files;

	all_files(GOOD "*.yaml", GOOD_LEAST, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct text text = read_whole(files.gl_pathv[i]);

		parse_and_build(files.gl_pathv[i], &text);
		_cleanup_free_ char *out = printed_diags();
		ck_assert_str_eq(out, "");
	}
	globfree(&files);
}
END_TEST

static char *expected_path(const char *yaml)
{
	return arena_printf(&arena, "%.*s.expected", (int)(strlen(yaml) - strlen(".yaml")), yaml);
}

static void check_or_update(const char *path, const char *out)
{
	if (getenv("WIRECUT_UPDATE_EXPECTED")) {
		_cleanup_fclose_ FILE *f = fopen(path, "we");

		ck_assert_ptr_nonnull(f);
		fputs(out, f);
		return;
	}
	struct text expected = read_whole(path);
	ck_assert_msg(expected.bytes != NULL, "%s is missing", path);
	ck_assert_msg(!strcmp(out, expected.bytes), "%s\nexpected:\n%s\ngot:\n%s", path,
		      expected.bytes, out);
}

START_TEST(bad_files_have_exactly_their_diags)
{
	glob_t files;

	all_files(BAD "*.yaml", BAD_LEAST, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct text text = read_whole(files.gl_pathv[i]);

		diags = (struct diags){.arena = &arena};
		parse_and_build(files.gl_pathv[i], &text);
		_cleanup_free_ char *out = printed_diags();
		ck_assert_msg(diags.list.n > 0, "%s has no diag", files.gl_pathv[i]);
		check_or_update(expected_path(files.gl_pathv[i]), out);
	}
	globfree(&files);
}
END_TEST

/* Every map of the good files, by the place of its keys: "apps.*" has host, run, ... */
struct seen {
	VEC(char *) paths;
};

static bool is_list_of_names(const char *path)
{
	static const char *const parents[] = {"hosts", "files", "apps", "controls"};

	for (size_t i = 0; i < ARRAY_SIZE(parents); i++)
		if (!strcmp(path, parents[i]))
			return true;
	return false;
}

static void collect(struct seen *seen, const struct node *n, const char *path)
{
	*vec_push(&arena, &seen->paths) = arena_strdup(&arena, path);
	vec_foreach (item, &n->items)
		collect(seen, *item, arena_printf(&arena, "%s.*", path));
	vec_foreach (pair, &n->pairs) {
		const char *key = is_list_of_names(path) ? "*" : pair->key->text;

		collect(seen, pair->value, *path ? arena_printf(&arena, "%s.%s", path, key) : key);
	}
}

static bool has_path(const struct seen *seen, const char *path)
{
	vec_foreach (one, &seen->paths)
		if (!strcmp(*one, path))
			return true;
	return false;
}

static void assert_keys_seen(const struct seen *seen, const char *prefix,
			     const struct field *fields)
{
	for (const struct field *f = fields; f->name; f++) {
		const char *path =
			arena_printf(&arena, "%s%s%s", prefix, *prefix ? "." : "", f->name);

		ck_assert_msg(has_path(seen, path), "no good file has %s", path);
		if (f->of && f->type == FIELD_RECORD)
			assert_keys_seen(seen, path, f->of);
		if (f->of && f->type == FIELD_NAMED)
			assert_keys_seen(seen, arena_printf(&arena, "%s.*", path), f->of);
	}
}

/* The common keys need not stand in each kind of fault: in any. */
static void assert_common_keys_seen(const struct seen *seen, const struct field *fields,
				    const char *between)
{
	for (const struct field *f = fields; f->name; f++) {
		bool found = false;

		for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
			found |= has_path(seen, arena_printf(&arena, "timeline.*.%s%s.%s",
							     (*ops)->name, between, f->name));
		ck_assert_msg(found, "no good file has a fault with %s", f->name);
	}
}

START_TEST(every_key_is_in_a_good_file)
{
	struct seen seen = {0};
	glob_t files;

	all_files(GOOD "*.yaml", GOOD_LEAST, &files);
	for (size_t i = 0; i < files.gl_pathc; i++) {
		struct text text = read_whole(files.gl_pathv[i]);

		collect(&seen, parse(files.gl_pathv[i], &text)->root, "");
	}
	globfree(&files);
	assert_keys_seen(&seen, "", scenario_fields);
	assert_keys_seen(&seen, "timeline.*", step_fields);
	assert_keys_seen(&seen, "controls.*", control_fields);
	assert_keys_seen(&seen, "expect.*", expect_common_fields);
	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++)
		assert_keys_seen(&seen, arena_printf(&arena, "expect.*.%s", (*ops)->name),
				 (*ops)->fields);
	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++) {
		const char *prefix = arena_printf(&arena, "timeline.*.%s", (*ops)->name);

		ck_assert_msg(has_path(&seen, prefix), "no good file has %s", prefix);
		assert_keys_seen(&seen, prefix, (*ops)->fields);
	}
	assert_common_keys_seen(&seen, fault_common_fields, "");
	assert_common_keys_seen(&seen, fault_host_fields, "");
	assert_common_keys_seen(&seen, fault_app_fields, "");
	assert_common_keys_seen(&seen, match_fields, ".match");
	ck_assert(!has_path(&seen, "apps.*.no-such-key"));
}
END_TEST

START_TEST(every_key_is_in_the_reference)
{
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	parse_print_reference(f);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(out, "| `ready-within` | duration | 10s | "));
	ck_assert_ptr_nonnull(strstr(out, "| `count` | whole number, 1 to 1000 | "));
	ck_assert_ptr_nonnull(strstr(out, "| `protocol` | word: `tcp`, `udp`, `icmp` | "));
	ck_assert_ptr_nonnull(strstr(out, "### `timeline[].blackhole`"));
	ck_assert_ptr_nonnull(strstr(out, "### `expect[].backoff`"));
	ck_assert_ptr_null(strstr(out, "(null)"));
	free(out);
}
END_TEST

static const char good_start[] = "version: 1\nname: x\nhosts: {h: {}}\n"
				 "apps: {a: {host: h, run: x}}\n";

static void parse_text(const char *rest)
{
	struct text text;

	text.bytes = arena_printf(&arena, "%s%s", good_start, rest);
	text.len = strlen(text.bytes);
	parse("x.yaml", &text);
}

START_TEST(all_errors_are_found_in_the_order_of_the_lines)
{
	parse_text("timeline: [{at: 1, kill: a}]\nexpect: [{exits: {app: a, statu: 1}}]\nfoo: 1\n");
	ck_assert_uint_eq(diags.list.n, 3);
	ck_assert_int_eq(diags.list.v[0].pos.line, 5);
	ck_assert_int_eq(diags.list.v[1].pos.line, 6);
	ck_assert_int_eq(diags.list.v[2].pos.line, 7);
	ck_assert_int_eq(diags.list.v[1].pos.column, 27);
	ck_assert_int_eq(diags.list.v[1].pos.width, 5);
}
END_TEST

START_TEST(columns_count_characters)
{
	parse_text("practice: {é: ü, 世: 1}\nexpect: [{exits: {app: a}}]\n");
	ck_assert_uint_eq(diags.list.n, 1);
	ck_assert_int_eq(diags.list.v[0].pos.column, 11);
	ck_assert_int_eq(diags.list.v[0].pos.width, 12);
}
END_TEST

START_TEST(a_place_is_found_by_its_path)
{
	struct text text = read_whole(GOOD "controls.yaml");
	struct scenario *s = parse("x", &text);

	ck_assert_int_eq(parse_locate(s, "timeline.0.blackhole.cable").line, 9);
	ck_assert_int_eq(parse_locate(s, "timeline.0.blackhole.cable").column, 42);
	ck_assert_int_eq(parse_locate(s, "files./etc/app.conf.text").column, 45);
	/* What is not there is where the innermost part is that is there. */
	ck_assert_int_eq(parse_locate(s, "timeline.1.blackhole.cable").line, 10);
	ck_assert_int_eq(parse_locate(s, "timeline.1.blackhole.cable").column, 5);
	ck_assert_int_eq(parse_locate(s, "timeline.7").line, 9);
}
END_TEST

START_TEST(a_control_has_the_variant)
{
	struct text text = read_whole(GOOD "controls.yaml");
	struct scenario *s = parse("x", &text);

	ck_assert_uint_eq(s->controls.n, 4);
	const struct scenario *no_heartbeat = s->controls.v[0].variant;
	ck_assert_str_eq(no_heartbeat->apps.v[1].run, "client --without heartbeat server:8000");
	ck_assert_str_eq(s->apps.v[1].run, "client server:8000");
	ck_assert_uint_eq(no_heartbeat->controls.n, 0);
	const struct scenario *longer = s->controls.v[1].variant;
	ck_assert_int_eq(longer->timeline.v[0].length, 12 * NSEC_PER_SEC);
	ck_assert_str_eq(longer->files.v[0].text, "b");
	ck_assert_int_eq(s->controls.v[2].variant->timeline.v[1].kind, STEP_KILL);
	ck_assert_str_eq(s->controls.v[3].variant->apps.v[1].env.v[0].name, "A");
	ck_assert_uint_eq(s->controls.v[3].fails.n, 2);
}
END_TEST

START_TEST(what_libfyaml_lets_pass_is_refused)
{
	static const struct {
		const char *rest;
		size_t len; /* 0: to its end */
		const char *message;
	} cases[] = {
		{"x: \"a\xff\"\n", 0, "this byte is not UTF-8"},
		{"x: \"\xc0\x80\"\n", 0, "this byte is not UTF-8"},
		{"x: \"\xed\xa0\x80\"\n", 0, "this byte is not UTF-8"},
		{"x: a\0b\n", 7, "a NUL byte"},
		{"x:\ta\n", 0, "a tab"},
		{"x: a\r\n", 0, "a carriage return ends the line, as Windows has it"},
		{"\xef\xbb\xbfx: a\n", 0, "a byte order mark"},
		{"x: a\xe2\x80\xa8z: b\n", 0, "a Unicode line break"},
		{"%YAML 1.1\n", 0, "a YAML directive"},
		{"---\nversion: 1\n", 0, "a second document"},
		{"...\nversion: 1\n", 0, "a second document"},
		{"x: \"\\0\"\n", 0, "a text must not hold the character NUL"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		size_t start = strlen(good_start);
		size_t len = cases[i].len ? cases[i].len : strlen(cases[i].rest);
		char *bytes = arena_alloc(&arena, start + len);

		/* NOLINTNEXTLINE(bugprone-not-null-terminated-result): the length goes beside it */
		memcpy(bytes, good_start, start);
		memcpy(bytes + start, cases[i].rest, len);
		diags.list.n = 0;
		parse_scenario("x.yaml", bytes, start + len, &arena, &diags);
		bool found = false;
		vec_foreach (d, &diags.list)
			found |= !strcmp(d->message, cases[i].message);
		ck_assert_msg(found, "case %zu: no diag '%s'", i, cases[i].message);
	}
}
END_TEST

/* Of a program each line has something, and the first NUL says it all. */
START_TEST(what_is_no_text_is_told_once)
{
	static const char bytes[] = "\x7f"
				    "ELF\0\1\n\0\2\n\0\3\n";

	parse_scenario("x", bytes, sizeof(bytes) - 1, &arena, &diags);
	ck_assert_uint_eq(diags.list.n, 1);
	ck_assert_ptr_nonnull(strstr(diags.list.v[0].hint, "is it a program?"));
}
END_TEST

START_TEST(an_empty_file_is_an_error)
{
	static const char *const empties[] = {"", "\n", "# nothing\n", "   \n\n"};

	for (size_t i = 0; i < ARRAY_SIZE(empties); i++) {
		diags.list.n = 0;
		parse_scenario("x.yaml", empties[i], strlen(empties[i]), &arena, &diags);
		ck_assert_uint_eq(diags.list.n, 1);
		ck_assert_str_eq(diags.list.v[0].message, "the file is empty");
		ck_assert_int_eq(diags.list.v[0].pos.line, 0);
	}
}
END_TEST

/* An alias bomb is refused by its first alias, and a tower of brackets by its height. */
START_TEST(bombs_end_soon)
{
	parse_text("a: &a [x, x]\nb: &b [*a, *a]\nc: [*b, *b, *b]\n");
	ck_assert_uint_gt(diags.list.n, 5);
	diags.list.n = 0;
	size_t height = 20000;
	char *tower = arena_alloc(&arena, height + 1);
	memset(tower, '[', height);
	parse_text(tower);
	ck_assert_uint_ge(diags.list.n, 1);
}
END_TEST

/* Any prefix of a file, and any of its bytes changed, is read to the end without harm. */
START_TEST(damaged_files_are_survived)
{
	struct text text = read_whole(GOOD "heartbeat.yaml");
	static const char bytes[] = "{}[]:,&*!|>'\"%@`-?# \n\0z9";

	for (size_t i = 0; i < text.len; i += 3) {
		struct arena a = {0};
		struct diags d = {.arena = &a};
		char *copy = arena_strndup(&a, text.bytes, text.len);

		parse_scenario("x", text.bytes, i, &a, &d);
		copy[i] = bytes[i % sizeof(bytes)];
		parse_scenario("x", copy, text.len, &a, &d);
		arena_free(&a);
	}
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("files");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_set_timeout(c, 60);
	tcase_add_test(c, good_files_have_no_diags);
	tcase_add_test(c, bad_files_have_exactly_their_diags);
	tcase_add_test(c, every_key_is_in_a_good_file);
	tcase_add_test(c, every_key_is_in_the_reference);
	tcase_add_test(c, all_errors_are_found_in_the_order_of_the_lines);
	tcase_add_test(c, columns_count_characters);
	tcase_add_test(c, a_place_is_found_by_its_path);
	tcase_add_test(c, a_control_has_the_variant);
	tcase_add_test(c, what_libfyaml_lets_pass_is_refused);
	tcase_add_test(c, what_is_no_text_is_told_once);
	tcase_add_test(c, an_empty_file_is_an_error);
	tcase_add_test(c, bombs_end_soon);
	tcase_add_test(c, damaged_files_are_survived);
	return run_tests("parse", c);
}
