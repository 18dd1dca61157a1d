/* SPDX-License-Identifier: MIT */
#include "harness/tests/suite.h"

#include <stdlib.h>
#include <string.h>

int run_tests(const char *suite, TCase *tests)
{
	Suite *s = suite_create(suite);
	SRunner *r = srunner_create(s);

	suite_add_tcase(s, tests);
	srunner_run_all(r, CK_NORMAL);
	int failed = srunner_ntests_failed(r);
	srunner_free(r);
	return failed ? EXIT_FAILURE : EXIT_SUCCESS;
}

void contains(const char *text, const char *part)
{
	ck_assert_msg(strstr(text, part) != NULL, "'%s' is not in:\n%s", part, text);
}
