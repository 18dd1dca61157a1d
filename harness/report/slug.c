/* SPDX-License-Identifier: MIT */
#include "harness/report/slug.h"

#include <stdlib.h>
#include <string.h>

#include "harness/data/plan.h"

char *slug_without_attempt(const char *slug, struct arena *a)
{
	const char *again = strstr(slug, SLUG_AGAIN);

	return again ? arena_strndup(a, slug, (size_t)(again - slug)) : arena_strdup(a, slug);
}

char *slug_of_scenario(const char *slug, const char *control, struct arena *a)
{
	char *whole = slug_without_attempt(slug, a);

	if (!control)
		return whole;
	const char *name = arena_printf(a, "--%s", control), *at = strstr(whole, name);
	if (!at)
		return whole;
	return arena_printf(a, "%.*s%s", (int)(at - whole), whole, at + strlen(name));
}

char *slug_without_seed(const char *slug, struct arena *a)
{
	const char *seed = strstr(slug, SLUG_SEED);

	if (!seed)
		return arena_strdup(a, slug);
	const char *rest = seed + strlen(SLUG_SEED);
	return arena_printf(a, "%.*s%s", (int)(seed - slug), slug,
			    rest + strspn(rest, "0123456789"));
}

int slug_attempt(const char *slug)
{
	const char *again = strstr(slug, SLUG_AGAIN);

	return again ? atoi(again + strlen(SLUG_AGAIN)) + 1 : 1;
}
