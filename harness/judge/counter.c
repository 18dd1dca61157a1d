/* SPDX-License-Identifier: MIT */
#include <inttypes.h>
#include <string.h>

#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"

static const struct field fields[] = {
	FIELD(expect_spec, host, "host", FIELD_STRING, FIELD_REQUIRED,
	      "a host; of a group, each host by itself"),
	FIELD(expect_spec, counter, "name", FIELD_STRING, FIELD_REQUIRED,
	      "as in nstat(8): TcpExtListenOverflows, TcpRetransSegs, ..."),
	FIELDS_HOW_MANY,
	FIELDS_WHEN,
	{0},
};

/*
 * The number is what the counter has grown by since t = 0; with `during`, within the window. It is
 * read each second, at the edges of the timeline and at the moments that expectations name, so `at`
 * and `during` are exact.
 */
static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	return bound_check_how_many(spec, flaw) && bound_check_when(spec, flaw);
}

static struct level level_of(const struct model_host *h, const char *name, struct arena *a)
{
	struct level level = {0};

	vec_foreach (c, &h->counts)
		if (!strcmp(c->name, name))
			*vec_push(a, &level.steps) =
				(struct level_step){.t = c->t, .value = c->value, .witness = -1};
	return level;
}

/* The number that decides for one host; false: it was not read. */
static bool read_number(const struct model *m, const struct plan_expect *e, int host,
			struct arena *scratch, struct level_step *ret)
{
	struct level level = level_of(&m->hosts[host], e->spec.counter, scratch);

	return level_growth(&level, m->plan, &e->spec, ret);
}

static void report(const struct model *m, const struct plan_expect *e, int host,
		   const struct level_step *step, struct arena *a, struct expect_result *ret)
{
	ret->verdict = bound_is_broken(&e->spec, step->value) ? VERDICT_FAIL : VERDICT_PASS;
	ret->pending = step->value < e->spec.at_least; /* it only grows */
	ret->subject = arena_printf(a, "%s %s", m->plan->hosts.v[host].name, e->spec.counter);
	ret->observed = arena_printf(a, "%" PRId64, step->value);
	ret->value = (double)step->value;
	ret->unit = "count";
	ret->t = nsec_later(step->t, bound_window(m->plan, &e->spec).from);
	ret->evidence = step->value
				? arena_printf(a, "last change seen at %s", say_seconds(step->t, a))
				: NULL;
}

static void judge_counter(const struct model *m, const struct plan_expect *e, struct arena *a,
			  struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct level_step worst = {0};
	int worst_host = -1;

	result_begin(ret, arena_printf(a, "%s of %s %s", say_how_many(&e->spec, a), e->spec.counter,
				       say_when(&e->spec, a)));
	for (size_t i = 0; i < e->hosts.n; i++) {
		int host = (int)e->hosts.v[i];
		struct level_step step;

		if (!read_number(m, e, host, &scratch, &step)) {
			result_void(ret, m->plan->hosts.v[host].name,
				    arena_strdup(a, "the counter was not read then"));
		} else if (worst_host < 0 || bound_badness(&e->spec, step.value) >
						     bound_badness(&e->spec, worst.value)) {
			worst = step;
			worst_host = host;
		}
	}
	if (worst_host >= 0 &&
	    (bound_is_broken(&e->spec, worst.value) || ret->verdict != VERDICT_VOID))
		report(m, e, worst_host, &worst, a, ret);
}

const struct expect_ops expect_counter = {
	.name = "counter",
	.doc = "how far a counter of a host's network stack grows",
	.fields = fields,
	.observes = OBSERVES_COUNTERS,
	.check = check,
	.deadline = bound_deadline,
	.judge = judge_counter,
};
