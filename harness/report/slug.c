/* SPDX-License-Identifier: MIT */
#include "harness/report/slug.h"

#include <stdlib.h>
#include <string.h>

#include "harness/data/plan.h"

char *slug_of_scenario(const char *slug, const char *control, struct arena *a)
{
	const char *attempt = strstr(slug, SLUG_AGAIN), *at = NULL;
	size_t len = attempt ? (size_t)(attempt - slug) : strlen(slug);

	if (control)
		at = strstr(slug, arena_printf(a, "--%s", control));
	if (!at)
		return arena_strndup(a, slug, len);
	const char *rest = at + strlen("--") + strlen(control);
	return arena_printf(a, "%.*s%.*s", (int)(at - slug), slug, (int)(slug + len - rest), rest);
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

char *slug_without_attempt(const char *slug, struct arena *a)
{
	return slug_of_scenario(slug, NULL, a);
}

int slug_attempt(const char *slug)
{
	const char *again = strstr(slug, SLUG_AGAIN);

	return again ? atoi(again + strlen(SLUG_AGAIN)) + 1 : 1;
}
