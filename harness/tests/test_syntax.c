/* SPDX-License-Identifier: MIT */
/* Mistakes of YAML itself: each is told with what mends it. */
#include <check.h>

#include "harness/base/cleanup.h"
#include "harness/parse/node.h"
#include "harness/tests/suite.h"

static const struct mistake {
	const char *text;
	const char *hint; /* a part of it */
} mistakes[] = {
	/* A colon that is not there, or no blank behind it. */
	{"a: 1\nb 2\nc: 3\n", "'key: value'"},
	{"a: 1\nb:2\nc: 3\n", "'key: value'"},
	{"a\n  b: 1\n", "'key: value'"},
	{"a:\n  b\n    c: 1\n", "'key:' alone"},
	/* Indentation. */
	{"a:\n  b: 1\n    c: 2\n", "deeper than this key"},
	{"a:\n  b: 1\n c: 2\n", "keys of one map in the same column"},
	{"a:\n  - b\n - c\n", "the '-' of all items"},
	{"a:\n  - b: 1\n    - c: 2\n", "the keys of a map do not, and all"},
	{"a:\n  - b\n  c: 2\n", "the keys of a map do not"},
	{"a: - b\n", "begin the list in the next line"},
	/* Quotes. */
	{"a: \"b\nc: d\n", "with a \" in its line"},
	{"a: 'b\nc: d\n", "with a ' in its line"},
	{"a: \"b\n", "close the text with a \""},
	{"a: 'b\n", "close the text with a '"},
	{"a: \"b\" c\n", "all of the text in quotes"},
	{"a: 'b' c\n", "all of the text in quotes"},
	{"a: @b\n", "all of the text in quotes"},
	{"a: & b\n", "all of the text in quotes"},
	{"a: \"\\d\"\n", "a backslash"},
	{"a: b: c\n", "a text with ': ' in it"},
	{"a: | b\n", "begins in the next line"},
	{"a:\n  -{b: c, d: e}\n", "behind the '-'"},
	/* Brackets. */
	{"a: {b: {c: d}\ne: f\n", "is not closed before it"},
	{"a: [b\n", "the ] or }"},
	{"a: [b]]\n", "leave it out"},
	{"a: {b: c}}\n", "leave it out"},
	{"a: [b}\n", "what begins with {"},
	{"a: {b: c d: e}\n", "a comma parts"},
	{"a: [b: 1 c: 2]\n", "a comma parts"},
	{"a: {b: ${c}}\n", "${...} in quotes"},
};

START_TEST(each_has_its_mend)
{
	const struct mistake *m = &mistakes[_i];
	struct arena arena = {0};
	struct diags diags = {.arena = &arena};

	node_read("a.yaml", m->text, strlen(m->text), &arena, &diags);
	ck_assert_uint_eq(diags.list.n, 1);
	const struct diag *d = &diags.list.v[0];
	ck_assert_msg(d->hint && strstr(d->hint, m->hint), "%s%s: %s", m->text, d->message,
		      d->hint ? d->hint : "no hint");
	arena_free(&arena);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("syntax");

	tcase_add_loop_test(t, each_has_its_mend, 0, ARRAY_SIZE(mistakes));
	return run_tests("syntax", t);
}
