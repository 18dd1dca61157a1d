/* SPDX-License-Identifier: MIT */
#include <regex.h>
#include <stdlib.h>

#include "harness/judge/expect.h"
#include "harness/judge/say.h"
#include "harness/judge/span.h"

/* Of a line no more than this is shown as evidence. */
#define SHOWN_BYTES 120

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it; each instance by itself"),
	FIELD(expect_spec, match, "match", FIELD_STRING, FIELD_REQUIRED,
	      "an extended regular expression (regex(7)), sought in each line of its output, as "
	      "far as its first 64 KiB"),
	FIELD(expect_spec, at_least, "at-least", FIELD_COUNT, 0,
	      "no fewer lines than this; default 1, unless at-most is given"),
	FIELD(expect_spec, at_most, "at-most", FIELD_COUNT, 0, "no more lines than this"),
	FIELD_FAULT_OR_T0,
	FIELD_AFTER_OR_T0,
	FIELD(expect_spec, within, "within", FIELD_DURATION, 0,
	      "only lines printed within this time; default: until the end"),
	FIELD_DURING,
	{0},
};

/*
 * Counted are the lines that match, for each instance over each span. A line has the time at which
 * it was read: a program that buffers its output prints late. An instance that did not run in the
 * span has shown nothing; one that ran and printed nothing has.
 */
struct subject {
	int app;
	struct span span;
	enum verdict verdict;
	int64_t n;
	const struct model_line *shown; /* the line that decided: the first too many, or the last */
};

static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	regex_t regex;

	if (!*spec->match)
		return flaw_set(flaw, "match", "match is empty, which every line matches",
				"write what is sought; \".\" counts every line but empty ones");
	if (regcomp(&regex, spec->match, REG_EXTENDED | REG_NOSUB) != 0)
		return flaw_set(flaw, "match", "match is not an extended regular expression",
				"see regex(7); to mean a character such as ( or [ itself, write "
				"\\( or \\[");
	regfree(&regex);
	if (spec->at_least == COUNT_UNSET && spec->at_most == COUNT_UNSET)
		return span_check(spec, flaw);
	return bound_check_how_many(spec, flaw) && span_check(spec, flaw);
}

/* With its default in place. */
static struct expect_spec bounds_of(const struct expect_spec *spec)
{
	struct expect_spec s = *spec;

	if (s.at_least == COUNT_UNSET && s.at_most == COUNT_UNSET)
		s.at_least = 1;
	return s;
}

static bool ran_in(const struct model_app *app, struct window w)
{
	vec_foreach (life, &app->lives)
		if (life->start <= w.to && life->exit >= w.from)
			return true;
	return false;
}

static enum verdict weigh(const struct expect_spec *bounds, const struct subject *s)
{
	bool too_many = bounds->at_most != COUNT_UNSET && s->n > bounds->at_most;

	if (too_many || (bound_is_broken(bounds, s->n) && !s->span.cut_off))
		return VERDICT_FAIL;
	/* What would have come in the rest of the time can only spoil an upper bound. */
	bool open = bound_is_broken(bounds, s->n) || bounds->at_most != COUNT_UNSET;
	return s->span.cut_off && open ? VERDICT_VOID : VERDICT_PASS;
}

static struct subject look_at(const struct model *m, const struct expect_spec *bounds,
			      const regex_t *regex, int app, const struct span *span)
{
	struct subject s = {.app = app, .span = *span, .verdict = VERDICT_VOID};

	if (!ran_in(&m->apps[app], span->w))
		return s;
	vec_foreach (line, &m->apps[app].logged) {
		if (line->t < span->w.from || line->t > span->w.to ||
		    regexec(regex, line->text, 0, NULL, 0) != 0)
			continue;
		s.n++;
		if (s.n == 1 || s.n == bounds->at_least || s.n == bounds->at_most + 1)
			s.shown = line;
	}
	s.verdict = weigh(bounds, &s);
	return s;
}

static void report(const struct model *m, const struct expect_spec *bounds, const struct subject *s,
		   struct arena *a, struct expect_result *ret)
{
	ret->verdict = s->verdict;
	ret->subject = m->plan->apps.v[s->app].name;
	ret->t = s->shown ? s->shown->t : s->span.w.from;
	if (!ran_in(&m->apps[s->app], s->span.w)) {
		ret->observed = arena_strdup(a, "it did not run then");
		return;
	}
	ret->value = (double)s->n;
	ret->pending = s->n < bounds->at_least;
	ret->unit = "lines";
	ret->observed = say_count(s->n, "line", a);
	if (s->verdict == VERDICT_VOID)
		ret->observed = arena_printf(a, "%s, and the scenario ends before the bound",
					     ret->observed);
	if (!s->shown)
		return;
	if (s->n == 1 || s->n == bounds->at_least)
		ret->observed = arena_printf(a, "%s, after %s", ret->observed,
					     say_seconds(s->shown->t - s->span.w.from, a));
	ret->evidence = arena_printf(a, "printed at %s: %.*s", say_seconds(s->shown->t, a),
				     SHOWN_BYTES, s->shown->text);
}

static bool is_worse(const struct expect_spec *bounds, const struct subject *x,
		     const struct subject *y)
{
	if (x->verdict != y->verdict)
		return x->verdict > y->verdict;
	return bound_badness(bounds, x->n) > bound_badness(bounds, y->n);
}

static void judge_log(const struct model *m, const struct plan_expect *e, struct arena *a,
		      struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct spans spans = spans_of(m, e, &scratch);
	struct expect_spec bounds = bounds_of(&e->spec);
	struct subject worst = {0};
	bool any = false;
	regex_t regex;

	result_begin(ret, arena_printf(a, "%s lines match '%s' %s", say_how_many(&bounds, a),
				       e->spec.match, say_span(&e->spec, a)));
	if (regcomp(&regex, e->spec.match, REG_EXTENDED | REG_NOSUB) != 0)
		abort(); /* it was checked: memory is out */
	vec_foreach (span, &spans.list) {
		for (size_t i = 0; i < e->apps.n; i++) {
			struct subject s = look_at(m, &bounds, &regex, (int)e->apps.v[i], span);

			if (!any || is_worse(&bounds, &s, &worst))
				worst = s;
			any = true;
		}
	}
	regfree(&regex);
	if (any)
		report(m, &bounds, &worst, a, ret);
	else
		span_void(e, a, ret);
}

const struct expect_ops expect_log = {
	.name = "log",
	.doc = "how many lines of an app's output match",
	.fields = fields,
	.observes = OBSERVES_LOG,
	.check = check,
	.deadline = span_deadline,
	.judge = judge_log,
};
