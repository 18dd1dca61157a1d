/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_SUITE_H
#define WIRECUT_TESTS_SUITE_H

#include <check.h>

/* Runs one case in the suite of that name and gives main's exit status. */
int run_tests(const char *suite, TCase *tests);

/* Asserts that the part is somewhere in the text. */
void contains(const char *text, const char *part);

#endif
