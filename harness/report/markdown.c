/* SPDX-License-Identifier: MIT */
/*
 * The step summary: counts, a table of what did not pass, the explanation of each, and a folded
 * table of what did. It is put together in that order until the limit is reached.
 */
#include "harness/report/github.h"

#include "harness/report/clean.h"
#include "harness/report/slug.h"

/* Kept free for what closes a part and for the last line. */
#define TAIL_BYTES_MAX 256

#define TABLE_HEAD "| verdict | scenario | time | why |\n| --- | --- | ---: | --- |\n"

/* --- what is kept of a result --- */

/*
 * Markdown lets HTML through, and within a cell '|' ends it: written as character references, these
 * are plain text in both.
 */
static char *escape_html(const char *s, struct arena *a)
{
	static const char special[] = "&<>|`*_[]\\~";
	char *escaped = arena_alloc(a, strlen(s) * strlen("&#124;") + 1), *to = escaped;

	for (const char *c = s; *c; c++)
		if (strchr(special, *c))
			to += sprintf(to, "&#%d;", *c);
		else
			*to++ = *c;
	return escaped;
}

static char *row_of(const struct scenario_result *r, struct arena *a)
{
	const char *why = r->verdict == VERDICT_PASS && !r->plan->control
				  ? clean_line(r->plan->name, a)
				  : explain_reason(r, a);

	return arena_printf(a, "| %s | %s | %.1f s | %s |\n", verdict_names[r->verdict],
			    escape_html(clean_line(slug_without_attempt(r->plan->slug, a), a), a),
			    (double)r->duration / 1e9, escape_html(why, a));
}

void markdown_add(struct markdown *m, const struct report_result *result)
{
	const struct scenario_result *r = result->result;
	enum outcome outcome = result_outcome(r);
	_cleanup_arena_ struct arena a = {0}; /* of the steps to the texts that are kept */
	char *row = row_of(r, &a);

	if (outcome == OUTCOME_PASSED) {
		*vec_push(m->arena, &m->passed) = arena_strdup(m->arena, row);
		return;
	}
	*vec_push(m->arena, &m->rows) = arena_strdup(m->arena, row);
	if (outcome != OUTCOME_SKIPPED)
		*vec_push(m->arena, &m->details) = arena_printf(
			m->arena,
			"<details><summary>%s</summary>\n\n<pre>\n%s</pre>\n</details>\n\n",
			escape_html(clean_line(slug_without_attempt(r->plan->slug, &a), &a), &a),
			escape_html(result->explanation, &a));
}

/* --- the text --- */

struct page {
	FILE *out;
	size_t used, limit, left_out;
};

/* Writes it if it fits, with the tail still to come. */
static bool put(struct page *p, const char *text)
{
	size_t len = strlen(text);

	if (p->used + len + TAIL_BYTES_MAX > p->limit) {
		p->left_out++;
		return false;
	}
	p->used += len;
	fputs(text, p->out);
	return true;
}

static void put_heading(struct page *p, const struct suite_info *info,
			const struct suite_summary *s)
{
	_cleanup_arena_ struct arena a = {0};
	const char *controls = summary_controls(s, &a);

	put(p, arena_printf(&a,
			    "## wirecut: %zu of %zu scenarios passed%s\n\n"
			    "%zu failed, %zu void, %zu inconclusive, %zu in error, %zu skipped; "
			    "%s; seed %llu, clock %s, kernel %s\n\n",
			    s->passed, s->scenarios, info->interrupted ? " (interrupted)" : "",
			    s->failed - s->controls_survived, s->voids,
			    s->inconclusive - s->controls_inconclusive,
			    s->errors - s->controls_in_error, s->skipped,
			    controls ? controls : "no controls", (unsigned long long)info->seed,
			    info->clock,
			    escape_html(clean_line(summary_kernels(s, info, &a), &a), &a)));
}

char *markdown_text(const struct markdown *m, const struct suite_info *info,
		    const struct report_end *end, size_t limit, size_t *ret_len)
{
	char *text = NULL;
	struct page p = {.out = open_memstream(&text, ret_len), .limit = limit};

	if (!p.out)
		return NULL;
	put_heading(&p, info, end->summary);
	bool heading_fits = p.used > 0;
	if (heading_fits && m->rows.n && put(&p, TABLE_HEAD))
		vec_foreach (row, &m->rows)
			put(&p, *row);
	if (heading_fits)
		put(&p, "\n");
	vec_foreach (details, &m->details)
		put(&p, *details);
	if (m->passed.n && put(&p, "<details><summary>passed</summary>\n\n" TABLE_HEAD)) {
		vec_foreach (row, &m->passed)
			put(&p, *row);
		fputs("\n</details>\n", p.out);
	}
	if (p.left_out)
		fprintf(p.out, "\n%zu entries did not fit: a step summary holds 1 MiB\n",
			p.left_out);
	if (fclose(p.out) != 0 || !heading_fits) {
		free(text);
		return NULL;
	}
	return text;
}
