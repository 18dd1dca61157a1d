/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

/* The words of a command line, each in [brackets]; or the error. */
static char *split(const char *text, struct arena *a)
{
	struct strings words;
	struct err err = {0};
	char *all = arena_strdup(a, "");

	if (parse_words(text, a, &words, &err))
		return arena_strdup(a, err.msg);
	for (size_t i = 0; i < words.n; i++)
		all = arena_printf(a, "%s[%s]", all, words.v[i]);
	return all;
}

START_TEST(words_are_split_as_a_shell_does)
{
	static const struct {
		const char *text, *words;
	} cases[] = {
		{"a", "[a]"},
		{"  a \t b\n\nc ", "[a][b][c]"},
		{"'a b' c", "[a b][c]"},
		{"\"a b\" c", "[a b][c]"},
		{"a' b'\" c\"d", "[a b cd]"},
		{"'' \"\" x", "[][][x]"},
		{"''", "[]"},
		{"a\\ b \\'c \\\\", "[a b]['c][\\]"},
		{"'a\\b' \"a\\b\"", "[a\\b][a\\b]"},
		{"\"\\$ \\` \\\" \\\\\"", "[$ ` \" \\]"},
		{"\"it's\" 'say \"x\"'", "[it's][say \"x\"]"},
		{"a\\\nb \"c\\\nd\"", "[ab][cd]"},
		{"$HOME * ~ `x` | > & ; #c", "[$HOME][*][~][`x`][|][>][&][;][#c]"},
		{"http://h/?a=1&b=2", "[http://h/?a=1&b=2]"},
		{"é '世 界'", "[é][世 界]"},
	};
	struct arena a = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_str_eq(split(cases[i].text, &a), cases[i].words);
	arena_free(&a);
}
END_TEST

START_TEST(unfinished_text_is_refused)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"a 'b", "a single quote ' is not closed"},
		{"a \"b", "a double quote \" is not closed"},
		{"a \"b\\", "a double quote \" is not closed"},
		{"a \"b\\\"", "a double quote \" is not closed"},
		{"a\\", "a backslash at the end keeps nothing"},
		{"", "there is no word in it"},
		{" \n\t", "there is no word in it"},
	};
	struct arena a = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_str_eq(split(cases[i].text, &a), cases[i].error);
	arena_free(&a);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("words");

	tcase_add_test(c, words_are_split_as_a_shell_does);
	tcase_add_test(c, unfinished_text_is_refused);
	return run_tests("words", c);
}
