/* SPDX-License-Identifier: MIT */
#include "harness/report/claims.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/data/verdict.h"
#include "harness/judge/say.h"
#include "harness/report/clean.h"

enum column { CLAIM, ARITHMETIC, ALLOWED, MEASURED, KERNEL, N_COLUMNS };

static const char *const headings[N_COLUMNS] = {"claim", "arithmetic", "allowed", "measured",
						"kernel"};

/* --- what a verdict says of its claim --- */

/* A bound on a time is a range; any other is said by the expectation itself. */
static char *say_allowed(const struct expect_result *r, struct arena *a)
{
	const struct expect_spec *spec = &r->expect->spec;

	if (spec->within == NSEC_UNSET || spec->not_before == NSEC_UNSET)
		return arena_strdup(a, r->bound ? r->bound : "");
	return arena_printf(a, "%s to %s", say_duration(spec->not_before, a),
			    say_duration(spec->within, a));
}

/* A time alone; a number as it was observed, of sockets at a moment with since when it had been so. */
static char *say_measured(const struct expect_result *r, struct arena *a)
{
	const char *observed = r->observed ? r->observed : "nothing";

	if (r->unit && strcmp(r->unit, "s") == 0)
		return arena_printf(a, "%.3f s", r->value);
	if (r->unit && strcmp(r->unit, "sockets") == 0 && r->expect->spec.at && r->t != NSEC_UNSET)
		return arena_printf(a, "%s, since %s", observed, say_seconds(r->t, a));
	return arena_strdup(a, observed);
}

static char *join(char *text, char *more, struct arena *a)
{
	return text ? arena_printf(a, "%s; %s", text, more) : more;
}

json_t *claim_to_json(const struct scenario_result *r)
{
	_cleanup_arena_ struct arena a = {0};
	const struct plan *plan = r->plan;
	char *allowed = NULL, *measured = NULL;

	if (!plan->claim.says)
		return json_null();
	vec_foreach (index, &plan->claim_expects) {
		vec_foreach (e, &r->expects) {
			if (e->expect != &plan->expects.v[*index])
				continue;
			allowed = join(allowed, say_allowed(e, &a), &a);
			measured = join(measured, say_measured(e, &a), &a);
		}
	}
	return json_pack("{s:s, s:s?, s:s?, s:s?}", "says", plan->claim.says, "arithmetic",
			 plan->claim.arithmetic, "allowed", allowed, "measured", measured);
}

/* --- the table --- */

static const char *text_of(const json_t *object, const char *key, struct arena *a)
{
	return clean_line(json_string_value(json_object_get(object, key)), a);
}

/* What was measured and is not within what is allowed must not look as if it were. */
static const char *with_verdict(const char *measured, const char *verdict, struct arena *a)
{
	if (strcmp(verdict, verdict_names[VERDICT_PASS]) == 0)
		return measured;
	return arena_printf(a, "%s (%s)", *measured ? measured : "-", verdict);
}

/* A control has no row, nor has a scenario that was skipped: neither has measured the claim. */
static void add_row(struct table *table, const json_t *scenario, struct arena *a)
{
	const json_t *claim = json_object_get(scenario, "claim");
	const char *verdict = text_of(scenario, "verdict", a);

	if (!json_is_object(claim) || json_is_string(json_object_get(scenario, "control")) ||
	    strcmp(verdict, verdict_names[VERDICT_SKIP]) == 0)
		return;
	*vec_push(a, &table->rows) = (struct table_row){{
		[CLAIM] = text_of(claim, "says", a),
		[ARITHMETIC] = text_of(claim, "arithmetic", a),
		[ALLOWED] = text_of(claim, "allowed", a),
		[MEASURED] = with_verdict(text_of(claim, "measured", a), verdict, a),
		[KERNEL] = text_of(scenario, "kernel", a),
	}};
}

/* Scenarios stand in the order in which they ended, which is another each time. */
static int by_claim(const void *left, const void *right)
{
	const struct table_row *x = left, *y = right;
	int order = strcmp(x->cell[CLAIM], y->cell[CLAIM]);

	return order != 0 ? order : strcmp(x->cell[KERNEL], y->cell[KERNEL]);
}

size_t claims_print(FILE *out, const json_t *run, enum table_format format)
{
	_cleanup_arena_ struct arena a = {0};
	struct table table = {.headings = headings, .n_columns = N_COLUMNS};
	size_t i;
	json_t *scenario;

	json_array_foreach(json_object_get(run, "scenarios"), i, scenario)
	{
		add_row(&table, scenario, &a);
	}
	if (table.rows.n == 0)
		return 0;
	qsort(table.rows.v, table.rows.n, sizeof(*table.rows.v), by_claim);
	table_print(out, &table, format);
	return table.rows.n;
}
