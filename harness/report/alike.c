/* SPDX-License-Identifier: MIT */
#include "harness/report/alike.h"

#include <ctype.h>
#include <inttypes.h>
#include <stdlib.h>

#include "harness/report/reporter.h"
#include "harness/report/slug.h"

/* A copy with one '#' for each number. */
static char *without_figures(const char *text, struct arena *a)
{
	char *copy = arena_alloc(a, strlen(text) + 1), *out = copy;

	for (const char *in = text; *in;) {
		if (!isdigit((unsigned char)*in)) {
			*out++ = *in++;
			continue;
		}
		*out++ = '#';
		while (isdigit((unsigned char)*in) || (*in == '.' && isdigit((unsigned char)in[1])))
			in++;
	}
	*out = '\0';
	return copy;
}

static char *signature_of(const struct scenario_result *r, struct arena *a)
{
	char *text = arena_printf(a, "%s %s\n", slug_without_seed(r->plan->slug, a),
				  verdict_names[r->verdict]);

	if (!r->expects.n || r->verdict == VERDICT_ERROR)
		return arena_printf(a, "%s%s\n", text, without_figures(explain_reason(r, a), a));
	vec_foreach (e, &r->expects)
		text = arena_printf(
			a, "%s%s %s %s\n", text, e->expect->label, verdict_names[e->verdict],
			e->verdict == VERDICT_PASS ? "" : without_figures(explain_expect(e, a), a));
	return text;
}

/*
 * Takes a result in. The failure that it is the same as, if there was one before; NULL: it is the first of
 * its kind, or no failure at all.
 */
static const struct failure *add(struct alike *alike, const struct scenario_result *r)
{
	if (r->verdict == VERDICT_PASS || r->verdict == VERDICT_SKIP)
		return NULL;
	char *signature = signature_of(r, alike->arena);
	vec_foreach (known, &alike->list) {
		if (strcmp((*known)->signature, signature) != 0)
			continue;
		*vec_push(alike->arena, &(*known)->others) = r->plan->seed;
		return *known;
	}
	struct failure *f = arena_new(alike->arena, struct failure);
	f->signature = signature;
	f->slug = arena_strdup(alike->arena, r->plan->slug);
	f->seed = r->plan->seed;
	*vec_push(alike->arena, &alike->list) = f;
	return NULL;
}

void alike_show(struct alike *alike, const struct terminal *t, const struct scenario_result *r,
		const struct observations *obs, const char *folder)
{
	const struct failure *first = NULL;

	if (alike->seeds > 1 && t->verbosity < REPORT_VERBOSE)
		first = add(alike, r);
	if (first)
		terminal_same(t, r, first->seed);
	else
		terminal_result(t, r, obs, folder);
}

static int by_number(const void *a, const void *b)
{
	uint64_t x = *(const uint64_t *)a, y = *(const uint64_t *)b;

	return (x > y) - (x < y);
}

void alike_print(const struct alike *alike, FILE *out)
{
	vec_foreach (f, &alike->list) {
		size_t n = (*f)->others.n;

		if (!n)
			continue;
		qsort((*f)->others.v, n, sizeof(*(*f)->others.v), by_number);
		fprintf(out, "%s: the same with seed%s", (*f)->slug, n > 1 ? "s" : "");
		for (size_t i = 0; i < n; i++)
			fprintf(out, "%s %" PRIu64, i ? "," : "", (*f)->others.v[i]);
		fputc('\n', out);
	}
}
