/* SPDX-License-Identifier: MIT */
/*
 * The reference of every key, from the tables that the parser reads by: as Markdown for
 * scenarios/README.md, and as the body of a manual page.
 */
#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/base/roff.h"
#include "harness/judge/expect.h"
#include "harness/parse/document.h"

/* How a reference is written. */
struct style {
	/* A paragraph of prose. */
	void (*paragraph)(FILE *out, const char *text);
	/* The keys of one map. `doc` may be NULL; `fields` may be empty, or NULL: only prose. */
	void (*section)(FILE *out, const char *title, const char *doc, const struct field *fields);
};

/* What a value looks like, by the type of its field; words stand in backticks. */
static void print_type(FILE *out, const struct field *f)
{
	static const char *const names[] = {
		[FIELD_STRING] = "text",
		[FIELD_BOOL] = "true or false",
		[FIELD_COUNT] = "whole number",
		[FIELD_DURATION] = "duration",
		[FIELD_PERCENT] = "percentage",
		[FIELD_FACTOR] = "number",
		[FIELD_ENUM] = "word",
		[FIELD_STRINGS] = "text or list",
		[FIELD_COUNTS] = "whole number or list",
		[FIELD_BITRATE] = "rate",
		[FIELD_BYTES] = "size",
		[FIELD_RECORD] = "map",
		[FIELD_RECORDS] = "list",
		[FIELD_NAMED] = "map of names",
		[FIELD_STRING_MAP] = "map of texts",
		[FIELD_CUSTOM] = "see below",
	};

	fputs(names[f->type], out);
	if (f->type == FIELD_COUNT && f->min && f->min == f->max)
		fprintf(out, ", only %lld", (long long)f->min);
	else if (f->type == FIELD_COUNT && (f->min || f->max))
		fprintf(out, ", %lld to %lld", (long long)f->min, (long long)f->max);
	if (!f->names || f->names == signal_names)
		return;
	for (const char *const *name = f->names; *name; name++)
		fprintf(out, "%s`%s`", name == f->names ? ": " : ", ", *name);
}

/* --- Markdown --- */

static void markdown_paragraph(FILE *out, const char *text)
{
	fprintf(out, "%s\n", text);
}

/* A cell of a table must not hold a bar that is not meant as its end. */
static void print_cell(FILE *out, const char *text)
{
	for (; *text; text++)
		fputs(*text == '|' ? "\\|" : (const char[]){*text, '\0'}, out);
}

static void markdown_row(FILE *out, const struct field *f)
{
	fprintf(out, "| `%s` | ", f->name);
	print_type(out, f);
	fputs(" | ", out);
	if (f->flags & FIELD_REQUIRED)
		fputs("required", out);
	else if (f->default_text)
		print_cell(out, f->default_text);
	fputs(" | ", out);
	print_cell(out, f->doc);
	fputs(" |\n", out);
}

static void markdown_section(FILE *out, const char *title, const char *doc,
			     const struct field *fields)
{
	fprintf(out, "\n### `%s`\n\n", title);
	if (!fields || !fields[0].name) {
		fprintf(out, "%s\n%s", doc, fields ? "\nIt has no keys of its own.\n" : "");
		return;
	}
	if (doc)
		fprintf(out, "%s\n\n", doc);
	fputs("| key | type | required, or default | meaning |\n| --- | --- | --- | --- |\n", out);
	for (const struct field *f = fields; f->name; f++)
		if (!(f->flags & FIELD_NO_YAML))
			markdown_row(out, f);
}

static const struct style markdown = {markdown_paragraph, markdown_section};

/* --- manual page --- */

static void roff_row(FILE *out, const struct field *f)
{
	_cleanup_free_ char *type = NULL;
	size_t len;
	FILE *f_type = open_memstream(&type, &len);

	roff_item(out);
	roff_bold(out, f->name);
	roff_item_body(out);
	if (f_type) {
		print_type(f_type, f);
		fclose(f_type);
		roff_text(out, type);
	}
	if (f->flags & FIELD_REQUIRED)
		fputs("; required", out);
	fputs(".\n", out);
	roff_text(out, f->doc);
	if (f->default_text) {
		fputs(".\nDefault: ", out);
		roff_text(out, f->default_text);
	}
	fputs(".\n", out);
}

static void roff_keys(FILE *out, const char *title, const char *doc, const struct field *fields)
{
	roff_subsection(out, title);
	if (doc)
		roff_paragraph(out, doc);
	for (const struct field *f = fields; f && f->name; f++)
		if (!(f->flags & FIELD_NO_YAML))
			roff_row(out, f);
}

static const struct style manual = {roff_paragraph, roff_keys};

/* --- what there is --- */

/* What a kind is, and which of the common keys it takes, if not all. */
static void fault_doc(const struct fault_ops *ops, char *buf, size_t size)
{
	size_t n = (size_t)snprintf(buf, size, "%s", ops->doc);

	if (!ops->where)
		return;
	n += (size_t)snprintf(buf + n, size - n, ". Of the keys of every fault it takes only");
	for (const struct field *f = ops->where; f->name; f++)
		n += (size_t)snprintf(buf + n, size - n, " `%s`", f->name);
}

/* The keys of a fault that are maps with keys of their own. */
static void print_maps_of(FILE *out, const struct style *style, const struct fault_ops *ops)
{
	for (const struct field *f = ops->fields; f->name; f++) {
		char title[64];

		if (f->type != FIELD_RECORD)
			continue;
		snprintf(title, sizeof(title), "timeline[].%s.%s", ops->name, f->name);
		style->section(out, title, NULL, f->of);
	}
}

/* "`a`, `b` and `c`": the kinds of faults that act on such a target. */
static void names_of(enum fault_target target, char *buf, size_t size)
{
	const struct fault_ops *previous = NULL;
	size_t n = 0;

	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++) {
		if ((*ops)->target != target)
			continue;
		if (previous)
			n += (size_t)snprintf(buf + n, size - n, "%s`%s`", n ? ", " : "",
					      previous->name);
		previous = *ops;
	}
	if (previous)
		snprintf(buf + n, size - n, "%s`%s`", n ? " and " : "", previous->name);
}

static void print_faults(FILE *out, const struct style *style)
{
	char names[256], doc[512];

	style->section(out, "timeline[].FAULT",
		       "The keys that every fault on cables takes beside its own, unless it says "
		       "otherwise.",
		       fault_common_fields);
	style->section(out, "timeline[].FAULT.match", NULL, match_fields);
	names_of(FAULT_ON_HOSTS, names, sizeof(names));
	snprintf(doc, sizeof(doc),
		 "The keys that %s take,\n"
		 "beside their own. Where `host` is the only one that is needed, its value may "
		 "stand\n"
		 "alone: `power-off: server`.",
		 names);
	style->section(out, "timeline[].FAULT (on hosts)", doc, fault_host_fields);
	names_of(FAULT_ON_APPS, names, sizeof(names));
	snprintf(doc, sizeof(doc), "The keys that %s takes, beside its own.", names);
	style->section(out, "timeline[].FAULT (on apps)", doc, fault_app_fields);
	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++) {
		char title[64];

		snprintf(title, sizeof(title), "timeline[].%s", (*ops)->name);
		fault_doc(*ops, doc, sizeof(doc));
		style->section(out, title, doc, (*ops)->fields);
		print_maps_of(out, style, *ops);
	}
}

static void print_expectations(FILE *out, const struct style *style)
{
	style->section(out, "expect[]",
		       "An expectation has exactly one key that says its kind, and beside it:",
		       expect_common_fields);
	for (const struct expect_ops *const *ops = expect_registry; *ops; ops++) {
		char title[64];

		snprintf(title, sizeof(title), "expect[].%s", (*ops)->name);
		style->section(out, title, (*ops)->doc, (*ops)->fields);
	}
}

/* What makes the document that the other keys are read from. */
static void print_document_keys(FILE *out, const struct style *style)
{
	char matrix[1024];

	style->section(out, "include",
		       "The paths of files with parts of a scenario, relative to the folder of the "
		       "file that\n"
		       "names them; they may include others. They are laid down in the order in "
		       "which they\n"
		       "are named, each once, and this file on top: maps are merged, and of two "
		       "values for\n"
		       "one key the later one holds. The lists `timeline` and `expect` are joined, "
		       "included\n"
		       "items first. Of a file or a folder whose name begins with `_`, `wirecut` "
		       "makes no\n"
		       "scenario when it is given the folder around it: call parts so.",
		       NULL);
	snprintf(matrix, sizeof(matrix),
		 "Names, each with a list of values. The file is one scenario for each combination "
		 "of\n"
		 "them, %d at most; `${name}` stands for the value anywhere in a scalar that is no "
		 "key\n"
		 "(inside of { } and [ ] in quotes), and `$${` for these two characters "
		 "themselves. A\n"
		 "cell's name ends in [name=value, ...], and its slug in @name=value,..., where a "
		 "%%\n"
		 "is pct, and what is not a letter, a digit or a dot is a dash.",
		 MATRIX_CELLS_MAX);
	style->section(out, "matrix", matrix, NULL);
	style->section(out, "defaults", "Looked at after the matrix, and again in each control.",
		       defaults_fields);
}

static void print_introduction(FILE *out, const struct style *style)
{
	char names[512];

	snprintf(
		names, sizeof(names),
		"A duration is a number with a unit (us, ms, s, m, h), a percentage one with %%, a "
		"rate\n"
		"one with bit, kbit, mbit or gbit, of a second, and a size one with B, kB, MB or "
		"GB; k is\n"
		"1000. A name is made of a-z, 0-9 and '-', %d at most. Where a host is named, a "
		"group of\n"
		"hosts may be, and one member of it (client.2); the same goes for apps.",
		PARSE_NAME_MAX);
	style->paragraph(out, names);
}

static void print_reference(FILE *out, const struct style *style)
{
	print_introduction(out, style);
	style->section(out, "(top level)", NULL, scenario_fields);
	style->section(out, "claim", NULL, claim_fields);
	print_document_keys(out, style);
	style->section(out, "hosts.NAME", NULL, host_fields);
	style->section(out, "files.PATH", "Exactly one of `text` and `from`.", private_file_fields);
	style->section(out, "guest", NULL, guest_fields);
	style->section(out, "apps.NAME", "Exactly one of `run` and `shell`.", app_fields);
	style->section(out, "apps.NAME.ready", "Exactly one of these.", ready_fields);
	style->section(out, "apps.NAME.stop", NULL, stop_fields);
	style->section(
		out, "timeline[]",
		"A step has exactly one key that says its kind: a fault, or one of those from\n"
		"`start` to `exec` below.",
		step_fields);
	style->section(out, "timeline[].exec", "Exactly one of `run` and `shell`.", exec_fields);
	print_faults(out, style);
	print_expectations(out, style);
	style->section(out, "controls.NAME", NULL, control_fields);
}

void parse_print_reference(FILE *out)
{
	print_reference(out, &markdown);
}

void parse_print_reference_roff(FILE *out)
{
	print_reference(out, &manual);
}
