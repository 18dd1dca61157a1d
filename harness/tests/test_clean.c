/* SPDX-License-Identifier: MIT */
#include <check.h>

#include "harness/report/clean.h"
#include "harness/tests/suite.h"

#define NO "\xef\xbf\xbd"

static struct arena a;

static void teardown(void)
{
	arena_free(&a);
}

START_TEST(only_text_is_left)
{
	static const struct {
		const char *dirty, *clean;
	} cases[] = {
		{NULL, ""},
		{"", ""},
		{"a\tb\nc", "a\tb\nc"},
		{"a\r\nb\rc\r", "a\nb" NO "c" NO},
		{"\x01\x1b[31m\x7f", NO NO "[31m" NO},
		{"\xc2\x80\xc2\x9f\xc2\xa0", NO NO "\xc2\xa0"},     /* C1, then a real character */
		{"\xff\xfe", NO NO},                                /* no UTF-8 */
		{"\xc0\x80\xe0\x80\x80", NO NO NO NO NO},           /* overlong */
		{"\xed\xa0\x80", NO NO NO},                         /* a surrogate */
		{"\xf4\x90\x80\x80", NO NO NO NO},                  /* beyond U+10FFFF */
		{"\xe2\x82", NO NO},                                /* cut short */
		{"\xef\xbf\xbe\xef\xbf\xbf\xef\xbf\xbd", NO NO NO}, /* noncharacters; U+FFFD */
		{"\xe2\x82\xac\xf0\x9f\x98\x80", "\xe2\x82\xac\xf0\x9f\x98\x80"},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(cases[0]); i++)
		ck_assert_msg(!strcmp(clean_text(cases[i].dirty, &a), cases[i].clean),
			      "case %zu: '%s'", i, clean_text(cases[i].dirty, &a));
}
END_TEST

START_TEST(on_one_line)
{
	ck_assert_str_eq(clean_line("a\r\nb\n\tc\x02", &a), "a b  c" NO);
	ck_assert_str_eq(clean_line(NULL, &a), "");
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("clean");

	tcase_add_checked_fixture(tests, NULL, teardown);
	tcase_add_test(tests, only_text_is_left);
	tcase_add_test(tests, on_one_line);
	return run_tests("clean", tests);
}
