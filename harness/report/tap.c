/* SPDX-License-Identifier: MIT */
/*
 * The Test Anything Protocol, version 14 (https://testanything.org/tap-version-14-specification.html):
 * a test point for each scenario and control, with a YAML block of what is known of it. The texts in
 * the block are written as JSON strings, which YAML reads as double-quoted ones.
 *
 * Perl's own reader (prove, TAP::Harness 3.44) stops at the number 14, and reads the same text as version 13.
 */
#include "harness/report/reporter.h"

#include "harness/base/cleanup.h"
#include "harness/report/clean.h"
#include "harness/report/slug.h"

struct tap {
	VEC(char *) points; /* the text of each, from its "ok" on */
};

static bool tap_wants(const struct report_options *options, const char **ret_path)
{
	*ret_path = options->tap;
	return options->tap != NULL;
}

static int tap_begin(struct reporter *r, struct err *err)
{
	(void)err;
	r->state = arena_new(r->arena, struct tap);
	return 0;
}

/* In a description '#' would begin a directive; '\' escapes. */
static char *escape_description(const char *s, struct arena *a)
{
	char *line = clean_line(s, a);
	char *escaped = arena_alloc(a, 2 * strlen(line) + 1), *to = escaped;

	for (const char *c = line; *c; c++) {
		if (*c == '#' || *c == '\\')
			*to++ = '\\';
		*to++ = *c;
	}
	return escaped;
}

static void put_text(FILE *out, const char *indent, const char *key, const char *value)
{
	_cleanup_arena_ struct arena a = {0};
	_cleanup_json_ json_t *text = json_string(clean_text(value, &a));
	_cleanup_free_ char *quoted = json_dumps(text, JSON_ENCODE_ANY);

	if (value && quoted)
		fprintf(out, "%s%s: %s\n", indent, key, quoted);
}

static void put_expect(FILE *out, const struct expect_result *e)
{
	const struct pos *pos = &e->expect->spec.pos;

	put_text(out, "    - ", "label", e->expect->label);
	put_text(out, "      ", "verdict", verdict_names[e->verdict]);
	put_text(out, "      ", "file", pos->file);
	fprintf(out, "      line: %d\n", pos->line);
	put_text(out, "      ", "subject", e->subject);
	put_text(out, "      ", "expected", e->bound);
	put_text(out, "      ", "observed", e->observed);
	put_text(out, "      ", "evidence", e->evidence);
}

static void put_block(FILE *out, const struct report_result *result)
{
	const struct scenario_result *r = result->result;
	bool good = result_outcome(r) == OUTCOME_PASSED;

	fputs("  ---\n", out);
	put_text(out, "  ", "verdict", verdict_names[r->verdict]);
	fprintf(out, "  duration_ms: %.3f\n", (double)r->duration / 1e6);
	put_text(out, "  ", "message", r->reason);
	if (r->attempts > 1)
		fprintf(out, "  attempts: %d\n  flaky: %s\n", r->attempts, good ? "true" : "false");
	if (!good) {
		put_text(out, "  ", "severity",
			 result_outcome(r) == OUTCOME_ERROR ? "error" : "fail");
		put_text(out, "  ", "file", r->plan->file);
		put_text(out, "  ", "folder", result->folder);
	}
	if (!good && r->expects.n) {
		fputs("  expectations:\n", out);
		vec_foreach (e, &r->expects)
			put_expect(out, e);
	}
	fputs("  ...\n", out);
}

static void tap_result(struct reporter *r, const struct report_result *result)
{
	const struct scenario_result *s = result->result;
	enum outcome outcome = result_outcome(s);
	bool ok = outcome == OUTCOME_PASSED || outcome == OUTCOME_SKIPPED;
	struct tap *tap = r->state;
	_cleanup_arena_ struct arena a = {0};
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	*vec_push(r->arena, &tap->points) = NULL; /* counts, and is missed at the end */
	if (!out)
		return;
	fprintf(out, "%s %zu - %s: %s", ok ? "ok" : "not ok", tap->points.n,
		escape_description(slug_without_attempt(s->plan->slug, &a), &a),
		escape_description(s->plan->name, &a));
	if (outcome == OUTCOME_SKIPPED)
		fprintf(out, " # SKIP %s", explain_reason(s, &a));
	fputc('\n', out);
	if (outcome != OUTCOME_SKIPPED)
		put_block(out, result);
	if (fclose(out) == 0)
		tap->points.v[tap->points.n - 1] = arena_strdup(r->arena, text);
}

static int tap_end(struct reporter *r, const struct report_end *end, struct err *err)
{
	const struct tap *tap = r->state;
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);
	bool failed = !out;

	(void)end;
	if (out) {
		fputs("TAP version 14\n", out);
		fprintf(out, "# wirecut %s, run %s, seed %llu\n", WIRECUT_VERSION, r->info->run_id,
			(unsigned long long)r->info->seed);
		vec_foreach (point, &tap->points) {
			failed |= *point == NULL;
			fputs(*point ? *point : "", out);
		}
		fprintf(out, "1..%zu\n", tap->points.n);
		if (r->info->interrupted)
			fputs("Bail out! interrupted\n", out);
		failed |= fclose(out) != 0;
	}
	if (failed)
		return err_set(err, "--tap: out of memory");
	return output_write(&r->out, text, len, err);
}

const struct reporter_ops tap_ops = {
	.name = "tap",
	.wants = tap_wants,
	.begin = tap_begin,
	.result = tap_result,
	.end = tap_end,
};
