/* SPDX-License-Identifier: MIT */
#include "harness/report/matrix.h"

#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/report/clean.h"
#include "harness/report/report.h"
#include "harness/report/slug.h"

enum column { SCENARIO, EXPECTATION, KILLED_BY, N_COLUMNS };

static const char *const headings[N_COLUMNS] = {"scenario", "expectation", "fails in the control"};

/* What stands where no control kills it. */
#define BY_NONE "none"

/* What a control shows in which an expectation failed: by worth, of several runs the best counts. */
enum worth {
	ALONE,    /* its scenario did not run beside it */
	UNPROVEN, /* its scenario did not pass either */
	UNNAMED,  /* it does not say that it must */
	KILLS,
};

struct killer {
	const char *control;
	enum worth worth;
};

struct entry {
	const char *scenario; /* its file */
	const char *cell;     /* of its matrix, or empty */
	const char *file;     /* where the expectation is written: it, or one that it includes */
	json_int_t line;
	const char *label;
	const char *side; /* of a bound that has two: its key; else empty */
	VEC(struct killer) killers;
};

struct entries {
	VEC(struct entry) list;
	struct strings ran, passed; /* slugs of scenarios */
};

static const char *text_of(const json_t *object, const char *key, struct arena *a)
{
	return clean_line(json_string_value(json_object_get(object, key)), a);
}

static bool is(const json_t *object, const char *key, const char *value)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text && strcmp(text, value) == 0;
}

static struct entry *entry_of(struct entries *entries, const json_t *record, const json_t *expect,
			      const char *side, struct arena *a)
{
	const char *scenario = text_of(record, "file", a), *cell = text_of(record, "cell", a);
	const char *label = text_of(expect, "label", a);

	vec_foreach (e, &entries->list)
		if (!strcmp(e->scenario, scenario) && !strcmp(e->cell, cell) &&
		    !strcmp(e->label, label) && !strcmp(e->side, side))
			return e;
	struct entry *e = vec_push(a, &entries->list);
	*e = (struct entry){
		.scenario = scenario,
		.cell = cell,
		.file = text_of(expect, "file", a),
		.line = json_integer_value(json_object_get(expect, "line")),
		.label = label,
		.side = side,
	};
	return e;
}

static void add_killer(struct entry *e, const char *control, enum worth worth, struct arena *a)
{
	vec_foreach (k, &e->killers)
		if (!strcmp(k->control, control)) {
			k->worth = worth > k->worth ? worth : k->worth;
			return;
		}
	*vec_push(a, &e->killers) = (struct killer){control, worth};
}

/* The slug of the record's scenario: that of this very run of it. */
static char *scenario_of(const json_t *record, struct arena *a)
{
	return slug_of_scenario(text_of(record, "slug", a),
				json_string_value(json_object_get(record, "control")), a);
}

/* Before all else is read: a control may have ended before its scenario. */
static void note_scenario(struct entries *entries, const json_t *record, struct arena *a)
{
	if (*text_of(record, "control", a) || is(record, "verdict", verdict_names[VERDICT_SKIP]))
		return;
	char *slug = scenario_of(record, a);

	*vec_push(a, &entries->ran) = slug;
	if (is(record, "verdict", verdict_names[VERDICT_PASS]))
		*vec_push(a, &entries->passed) = slug;
}

static bool holds(const struct strings *slugs, const char *slug)
{
	vec_foreach (s, slugs)
		if (!strcmp(*s, slug))
			return true;
	return false;
}

/* The most that a control can be worth that did its work, by what stands beside it. */
static enum worth worth_beside(const struct entries *entries, const json_t *record, struct arena *a)
{
	const char *slug = scenario_of(record, a);

	if (!holds(&entries->ran, slug))
		return ALONE;
	return holds(&entries->passed, slug) ? KILLS : UNPROVEN;
}

static enum worth worth_of(const json_t *expect, enum worth most)
{
	if (most < KILLS)
		return most;
	return json_is_true(json_object_get(expect, "must_fail")) ? KILLS : UNNAMED;
}

/* One that is bounded on either side is two: no control breaks both. */
static void add_expectation(struct entries *entries, const json_t *record, const json_t *expect,
			    const char *control, enum worth worth, struct arena *a)
{
	const json_t *sides = json_object_get(expect, "sides");
	size_t n = json_array_size(sides);

	for (size_t i = 0; i < (n ? n : 1); i++) {
		const char *side = clean_line(json_string_value(json_array_get(sides, i)), a);
		struct entry *e = entry_of(entries, record, expect, side, a);

		if (control && (!*side || is(expect, "broken_side", side)))
			add_killer(e, control, worth, a);
	}
}

/* A scenario or a control. One that was skipped says nothing; a control counts if it did its work. */
static void add_record(struct entries *entries, const json_t *record, struct arena *a)
{
	const char *control = text_of(record, "control", a);
	bool killed = *control && is(record, "verdict", verdict_names[VERDICT_PASS]);
	enum worth most = killed ? worth_beside(entries, record, a) : KILLS;
	size_t i;
	json_t *expect;

	if (is(record, "verdict", verdict_names[VERDICT_SKIP]))
		return;
	json_array_foreach(json_object_get(record, "expectations"), i, expect)
	{
		bool failed = killed && is(expect, "verdict", verdict_names[VERDICT_FAIL]);

		add_expectation(entries, record, expect, failed ? control : NULL,
				worth_of(expect, most), a);
	}
}

static bool is_killed(const struct entry *e)
{
	vec_foreach (k, &e->killers)
		if (k->worth == KILLS)
			return true;
	return false;
}

/* Records stand in the order in which they ended, which is another each time. */
static int by_place(const void *left, const void *right)
{
	const struct entry *x = left, *y = right;
	int order = strcmp(x->scenario, y->scenario);

	if (order == 0)
		order = strcmp(x->cell, y->cell);
	if (order == 0)
		order = (x->line > y->line) - (x->line < y->line);
	return order != 0 ? order : strcmp(x->side, y->side);
}

/* Those that kill it first, then those that do not name it. */
static int by_name(const void *left, const void *right)
{
	const struct killer *x = left, *y = right;

	if (x->worth != y->worth)
		return x->worth < y->worth ? 1 : -1;
	return strcmp(x->control, y->control);
}

static const char *say_killers(struct entry *e, struct arena *a)
{
	static const char *const open[] = {
		[ALONE] = "[", [UNPROVEN] = "[", [UNNAMED] = "(", [KILLS] = ""};
	static const char *const close[] = {
		[ALONE] = "]", [UNPROVEN] = "]", [UNNAMED] = ")", [KILLS] = ""};
	char *text = NULL;

	if (e->killers.n)
		qsort(e->killers.v, e->killers.n, sizeof(*e->killers.v), by_name);
	vec_foreach (k, &e->killers)
		text = arena_printf(a, "%s%s%s%s%s", text ? text : "", text ? ", " : "",
				    open[k->worth], k->control, close[k->worth]);
	if (is_killed(e))
		return text;
	return text ? arena_printf(a, BY_NONE " %s", text) : BY_NONE;
}

static const char *in_cell(const struct entry *e, struct arena *a)
{
	return *e->cell ? arena_printf(a, " (%s)", e->cell) : "";
}

static const char *say_what(const struct entry *e, struct arena *a)
{
	return *e->side ? arena_printf(a, "%s, %s", e->label, e->side) : e->label;
}

static bool has_alone(const struct entry *e)
{
	vec_foreach (k, &e->killers)
		if (k->worth == ALONE)
			return true;
	return false;
}

/* Each once: the entries of one stand together. */
static void print_alone(FILE *out, const struct entries *entries, struct arena *a)
{
	const struct entry *last = NULL;

	fputs("\n[CONTROL]: it failed there too, but the scenario itself did not run: no "
	      "proof. Run it with its controls, all as one run:\n\n",
	      out);
	vec_foreach (e, &entries->list) {
		if (!has_alone(e) ||
		    (last && !strcmp(last->scenario, e->scenario) && !strcmp(last->cell, e->cell)))
			continue;
		last = e;
		fprintf(out, "- %s%s\n", e->scenario, in_cell(e, a));
	}
}

static void print_unkilled(FILE *out, const struct entries *entries,
			   const struct matrix_counts *counts, struct arena *a)
{
	if (counts->unnamed)
		fputs("\n(CONTROL): it failed there too, but the control's `fails` does not name "
		      "it\n",
		      out);
	if (counts->unproven)
		fputs("\n[CONTROL]: it failed there too, but the scenario itself did not pass: no "
		      "proof\n",
		      out);
	if (counts->alone)
		print_alone(out, entries, a);
	if (counts->sides)
		fputs("\nEXPECTATION, KEY: that side of a bound that has two; each side counts\n",
		      out);
	fprintf(out, "\n%zu of %zu expectations are killed by a control%s\n",
		counts->expectations - counts->unkilled, counts->expectations,
		counts->unkilled ? "; by none:" : "");
	if (counts->unkilled)
		fputc('\n', out);
	vec_foreach (e, &entries->list)
		if (!is_killed(e))
			fprintf(out, "- %s:%lld: %s%s\n", e->file, (long long)e->line,
				say_what(e, a), in_cell(e, a));
}

struct matrix_counts matrix_print(FILE *out, const json_t *run, enum table_format format)
{
	_cleanup_arena_ struct arena a = {0};
	struct table table = {.headings = headings, .n_columns = N_COLUMNS};
	struct matrix_counts counts = {0};
	struct entries entries = {0};
	const json_t *records = json_object_get(run, "scenarios");
	size_t i;
	json_t *record;

	json_array_foreach(records, i, record)
	{
		note_scenario(&entries, record, &a);
	}
	json_array_foreach(records, i, record)
	{
		add_record(&entries, record, &a);
	}
	if (!entries.list.n)
		return counts;
	qsort(entries.list.v, entries.list.n, sizeof(*entries.list.v), by_place);
	vec_foreach (e, &entries.list) {
		counts.expectations++;
		counts.sides += *e->side != '\0';
		counts.unkilled += !is_killed(e);
		vec_foreach (k, &e->killers) {
			counts.unnamed += k->worth == UNNAMED;
			counts.unproven += k->worth == UNPROVEN;
			counts.alone += k->worth == ALONE;
		}
		*vec_push(&a, &table.rows) =
			(struct table_row){{arena_printf(&a, "%s%s", e->scenario, in_cell(e, &a)),
					    say_what(e, &a), say_killers(e, &a)}};
	}
	table_print(out, &table, format);
	print_unkilled(out, &entries, &counts, &a);
	return counts;
}
