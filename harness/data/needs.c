/* SPDX-License-Identifier: MIT */
#include "harness/data/needs.h"

#include <stdio.h>
#include <string.h>

#include "harness/base/field.h"

/* 6.12.9: what is behind them (-rc1, +deb13) says nothing that two kernels can be compared by. */
#define VERSION_PARTS 3

bool needs_is_kernel(const char *text)
{
	return field_pattern_matches(NEEDS_KERNEL_PATTERN, text);
}

/* Returns how many parts there are; those that are not there are 0. */
static int read_version(const char *text, int part[VERSION_PARTS])
{
	memset(part, 0, VERSION_PARTS * sizeof(*part));
	int n = sscanf(text, "%4d.%4d.%4d", &part[0], &part[1], &part[2]);
	return n < 0 ? 0 : n;
}

/* Below 0, 0 or above it as the kernel is older, the same or newer, by the first n parts. */
static int compare(const int kernel[VERSION_PARTS], const int asked[VERSION_PARTS], int n)
{
	for (int i = 0; i < n; i++)
		if (kernel[i] != asked[i])
			return kernel[i] - asked[i];
	return 0;
}

bool needs_kernel(const char *text, const char *release)
{
	int asked[VERSION_PARTS], kernel[VERSION_PARTS];

	if (!needs_is_kernel(text) || read_version(release, kernel) == 0)
		return false;
	const char *comparison = text + strcspn(text, "<=>");
	int n = read_version(comparison + strspn(comparison, "<=> "), asked);
	int order = compare(kernel, asked, n);
	bool or_equal = comparison[0] == '=' || comparison[1] == '=';

	if (order == 0)
		return or_equal;
	return order < 0 ? comparison[0] == '<' : comparison[0] == '>';
}

/* NULL: the need is met. */
static char *lacking(const char *need, const struct needs_target *target, struct arena *a)
{
	const char *why = "nothing here finds out whether the kernel has it";

	if (needs_is_kernel(need))
		return needs_kernel(need, target->release)
			       ? NULL
			       : arena_printf(a, "needs %s, and this one is %s", need,
					      target->release);
	if (!strcmp(need, NEEDS_NETEM))
		why = target->netem_lack(target->ctx);
	return why ? arena_printf(a, "needs %s: %s", need, why) : NULL;
}

char *needs_lacking(const struct strings *needs, const struct needs_target *target, struct arena *a)
{
	char *why = NULL;

	vec_foreach (need, needs)
		if (!why)
			why = lacking(*need, target, a);
	return why;
}
