/* SPDX-License-Identifier: MIT */
#include "harness/report/report.h"

#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"

/* Most slugs fit; a longer one only pushes what follows to the right. */
#define SLUG_WIDTH 44

#define RED    "\033[31m"
#define GREEN  "\033[32m"
#define YELLOW "\033[33m"
#define DIM    "\033[2m"
#define RESET  "\033[0m"

static const char *paint(const struct terminal *t, const char *code)
{
	return t->color ? code : "";
}

static const char *verdict_color(enum verdict v)
{
	switch (v) {
	case VERDICT_PASS:
		return GREEN;
	case VERDICT_SKIP:
		return DIM;
	case VERDICT_VOID:
	case VERDICT_INCONCLUSIVE:
		return YELLOW;
	default:
		return RED;
	}
}

static const char *or_dash(const char *s)
{
	return s ? s : "-";
}

static void print_expect(const struct terminal *t, const struct expect_result *e)
{
	const struct pos *pos = &e->expect->spec.pos;

	fprintf(t->out, "      %s:%d: %s%s%s %s %s\n", pos->file, pos->line,
		paint(t, verdict_color(e->verdict)), verdict_names[e->verdict], paint(t, RESET),
		e->expect->label, e->subject ? e->subject : "");
	fprintf(t->out, "        expected  %s\n", or_dash(e->bound));
	fprintf(t->out, "        observed  %s\n", or_dash(e->observed));
	if (e->evidence)
		fprintf(t->out, "        evidence  %s\n", e->evidence);
}

/* Of a control only what kept it from being killed is worth showing; else all that did not pass. */
static bool is_shown(const struct terminal *t, const struct scenario_result *r,
		     const struct expect_result *e)
{
	if (r->verdict == VERDICT_ERROR && e->verdict != VERDICT_ERROR)
		return false; /* of a run that broke off nothing can be said */
	if (t->verbosity >= REPORT_VERBOSE)
		return true;
	if (r->verdict == VERDICT_PASS)
		return false;
	return r->plan->control ? true : e->verdict != VERDICT_PASS;
}

/* What was matched is always worth knowing, of the rest only what there was. */
static void print_counts(const struct terminal *t, const struct receipt *did)
{
	const char *comma = "";

	for (const struct receipt_count *c = receipt_counts; c->name; c++) {
		uint64_t n = receipt_get(did, c);

		if (!n && c != receipt_counts)
			continue;
		fprintf(t->out, "%s%s %llu", comma, c->name, (unsigned long long)n);
		comma = ", ";
	}
	fputc('\n', t->out);
}

/* What a flow has suffered: first what it lost, then all that was done to it. */
static bool suffered_more(const struct flow_result *a, const struct flow_result *b)
{
	uint64_t lost_a = a->did.dropped + a->did.corrupted + a->did.injected;
	uint64_t lost_b = b->did.dropped + b->did.corrupted + b->did.injected;

	return lost_a != lost_b ? lost_a > lost_b : a->did.matched > b->did.matched;
}

/* How many flows of each fault are shown: those that suffered most. */
#define FLOWS_SHOWN 3

static void print_flows(const struct terminal *t, const struct fault_result *f,
			const struct plan *plan)
{
	const struct flow_result *worst[FLOWS_SHOWN];
	size_t n = 0, whole = 0;

	vec_foreach (flow, &f->flows) {
		size_t at = n;

		if (flow->flow.others)
			continue;
		whole++;
		while (at && suffered_more(flow, worst[at - 1]))
			at--;
		if (at == FLOWS_SHOWN)
			continue;
		n += n < FLOWS_SHOWN;
		for (size_t i = n - 1; i > at; i--)
			worst[i] = worst[i - 1];
		worst[at] = flow;
	}
	for (size_t i = 0; i < n; i++) {
		fputs("        ", t->out);
		terminal_flow(t->out, &worst[i]->flow, plan);
		fputs(": ", t->out);
		print_counts(t, &worst[i]->did);
	}
	if (whole < f->flows.n)
		fprintf(t->out, "        and more than %zu others\n", whole - n);
	else if (whole > n)
		fprintf(t->out, "        and %zu others\n", whole - n);
}

static void print_faults(const struct terminal *t, const struct scenario_result *r)
{
	vec_foreach (f, &r->faults) {
		fprintf(t->out, "      fault %s (%s): ", f->step->id ? f->step->id : f->step->kind,
			f->step->kind);
		print_counts(t, &f->did);
		if (r->verdict != VERDICT_PASS)
			print_flows(t, f, r->plan);
	}
}

/* What went wrong, in as many lines as it has: the first of them is the reason already. */
static void print_error_text(const struct terminal *t, const struct observations *obs)
{
	if (!obs)
		return;
	vec_foreach (o, &obs->list) {
		const char *more = o->source == OBS_RUN && o->event == EV_ERROR && o->text
					   ? strchr(o->text, '\n')
					   : NULL;

		for (; more; more = strchr(more + 1, '\n'))
			fprintf(t->out, "  %.*s\n", (int)strcspn(more + 1, "\n"), more + 1);
	}
}

/* Where it explains nothing it is worth knowing all the same. */
static void print_not_packed(const struct terminal *t, const struct scenario_result *r)
{
	for (size_t i = 0; t->verbosity >= REPORT_VERBOSE && i < r->not_packed.n; i++)
		fprintf(t->out, "      not in the guest: %s (looked for by %s)\n",
			r->not_packed.v[i].path, r->not_packed.v[i].program);
}

/* Its files, and the command that has it again: of a verdict that was read, not run, none is known. */
static void print_where(const struct terminal *t, const struct scenario_result *r,
			const char *folder)
{
	_cleanup_arena_ struct arena a = {0};

	fprintf(t->out, "      %sfiles: %s/%s/%s\n", paint(t, DIM), folder, r->plan->slug,
		paint(t, RESET));
	if (!r->judged_again)
		fprintf(t->out, "      %sreplay: %s%s\n", paint(t, DIM), results_replay(r, &a),
			paint(t, RESET));
}

static void print_line(const struct terminal *t, const struct scenario_result *r, const char *text,
		       const char *more)
{
	fprintf(t->out, "%s%-12s%s %7.1f s  %-*s  %s%s\n", paint(t, verdict_color(r->verdict)),
		verdict_names[r->verdict], paint(t, RESET), (double)r->duration / 1e9, SLUG_WIDTH,
		r->plan->slug, text, more);
}

void terminal_again(const struct terminal *t, const struct scenario_result *r)
{
	print_line(t, r, r->reason, ": it is run again");
	fflush(t->out);
}

void terminal_same(const struct terminal *t, const struct scenario_result *r, uint64_t seed)
{
	_cleanup_arena_ struct arena a = {0};

	print_line(t, r, arena_printf(&a, "the same as with seed %llu", (unsigned long long)seed),
		   "");
	fflush(t->out);
}

void terminal_result(const struct terminal *t, const struct scenario_result *r,
		     const struct observations *obs, const char *folder)
{
	bool good = r->verdict == VERDICT_PASS || r->verdict == VERDICT_SKIP;

	if (t->verbosity == REPORT_QUIET && good)
		return;
	/* A verdict that has expectations to show below has its reason there. */
	bool says_why = r->plan->control || r->verdict == VERDICT_SKIP ||
			(!good && (r->verdict != VERDICT_FAIL || !r->expects.n));
	print_line(t, r, r->reason && says_why ? r->reason : r->plan->name,
		   r->attempts > 1 && good ? "  FLAKY: inconclusive before" : "");
	if (r->verdict == VERDICT_ERROR)
		print_error_text(t, obs);
	print_not_packed(t, r);
	bool details = false;
	vec_foreach (e, &r->expects) {
		if (!is_shown(t, r, e))
			continue;
		details = true;
		print_expect(t, e);
		if (obs && !good)
			terminal_around(t->out, e->t, r->plan, obs);
	}
	if (details || (r->verdict == VERDICT_VOID))
		print_faults(t, r);
	if (!good && folder)
		print_where(t, r, folder);
	fflush(t->out);
}

void terminal_summary(const struct terminal *t, const struct suite_summary *s,
		      const struct suite_info *info, const char *folder)
{
	_cleanup_arena_ struct arena a = {0};
	bool good = summary_exit_code(s, info->strict) == 0 && !info->interrupted;
	const char *controls = summary_controls(s, &a);
	/* The counts of scenarios alone. */
	size_t failed = s->failed - s->controls_survived;
	size_t inconclusive = s->inconclusive - s->controls_inconclusive;
	size_t errors = s->errors - s->controls_in_error;

	fprintf(t->out, "%s%s%s: %zu of %zu scenarios passed", paint(t, good ? GREEN : RED),
		info->interrupted ? "interrupted"
		: good            ? "passed"
				  : "not passed",
		paint(t, RESET), s->passed, s->scenarios);
	if (failed)
		fprintf(t->out, ", %zu failed", failed);
	if (s->voids)
		fprintf(t->out, ", %zu void", s->voids);
	if (inconclusive)
		fprintf(t->out, ", %zu inconclusive", inconclusive);
	if (errors)
		fprintf(t->out, ", %zu in error", errors);
	if (s->skipped)
		fprintf(t->out, ", %zu skipped", s->skipped);
	if (info->unfinished)
		fprintf(t->out, ", %zu not finished", info->unfinished);
	if (s->flaky)
		fprintf(t->out, ", %zu flaky", s->flaky);
	if (controls)
		fprintf(t->out, "; %s", controls);
	if (info->run_id)
		fprintf(t->out, "; %.1f s of scenarios in %.1f s; seed %llu",
			(double)s->scenario_time / 1e9, (double)info->wall / 1e9,
			(unsigned long long)info->seed);
	fputc('\n', t->out);
	if (folder)
		fprintf(t->out, "results: %s\n", folder);
	fflush(t->out);
}
