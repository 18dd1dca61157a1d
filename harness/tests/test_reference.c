/* SPDX-License-Identifier: MIT */
/*
 * The table of every key in scenarios/README.md is the one that the parser's own tables print.
 * UPDATE=1 writes it there instead.
 */
#include <check.h>
#include <fcntl.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

#define README "README.md"
#define BEGIN  "<!-- keys: written by UPDATE=1 build/harness/tests/test_reference -->\n"
#define END    "<!-- end of keys -->\n"

static char *reference(struct arena *a)
{
	char *text = NULL;
	size_t len;
	FILE *f = open_memstream(&text, &len);

	parse_print_reference(f);
	fclose(f);
	char *copy = arena_strdup(a, text);
	free(text);
	return copy;
}

START_TEST(test_readme_has_the_table)
{
	_cleanup_arena_ struct arena a = {0};
	struct err err = {0};
	_cleanup_close_ int dir = open("scenarios", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	char *readme = io_read_file_at(dir, README, NULL, &a, &err);

	ck_assert_msg(readme != NULL, "%s (run it in the project's top folder)", err.msg);
	char *begin = strstr(readme, BEGIN), *end = strstr(readme, END);
	ck_assert_msg(begin && end && begin < end, "scenarios/README.md has lost its markers");
	char *wanted = arena_printf(&a, "%.*s\n%s\n%s", (int)(begin - readme + (int)strlen(BEGIN)),
				    readme, reference(&a), end);
	if (getenv("UPDATE"))
		ck_assert_msg(io_write_file_at(dir, README, wanted, strlen(wanted), &err) == 0,
			      "%s", err.msg);
	else
		ck_assert_msg(!strcmp(readme, wanted),
			      "scenarios/README.md does not show the parser's keys: UPDATE=1 "
			      "build/harness/tests/test_reference");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("reference");

	tcase_add_test(t, test_readme_has_the_table);
	return run_tests("reference", t);
}
