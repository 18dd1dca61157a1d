/* SPDX-License-Identifier: MIT */
#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"

static const struct field fields[] = {
	FIELD(expect_spec, app, "app", FIELD_STRING, FIELD_REQUIRED,
	      "the app, or one instance of it; each instance by itself"),
	FIELDS_HOW_MANY,
	FIELDS_WHEN,
	{0},
};

/*
 * Judged by the samples, which are taken each second, at the edges of the timeline and at the moments
 * that expectations name. A sample holds until the next, or until the instance has ended: one that
 * does not run has no descriptors, and shows nothing.
 */
static bool check(const struct expect_spec *spec, struct flaw *flaw)
{
	return bound_check_how_many(spec, flaw) && bound_check_when(spec, flaw);
}

/* Puts the ends of the instance's processes, which come by time, among its samples. */
static struct level level_of(const struct model_app *app, struct arena *a)
{
	struct level level = {0};
	size_t life = 0;

	for (size_t i = 0; i <= app->samples.n; i++) {
		nsec_t t = i < app->samples.n ? app->samples.v[i].t : NSEC_NEVER;

		for (; life < app->lives.n && app->lives.v[life].exit <= t &&
		       app->lives.v[life].exit != NSEC_NEVER;
		     life++)
			*vec_push(a, &level.steps) = (struct level_step){
				.t = app->lives.v[life].exit, .unknown = true, .witness = -1};
		if (i < app->samples.n)
			*vec_push(a, &level.steps) = (struct level_step){
				.t = t, .value = app->samples.v[i].fds, .witness = -1};
	}
	return level;
}

static void report(const struct model *m, const struct plan_expect *e, int app,
		   const struct level_step *step, struct arena *a, struct expect_result *ret)
{
	ret->verdict = bound_is_broken(&e->spec, step->value) ? VERDICT_FAIL : VERDICT_PASS;
	ret->pending = bound_lasts_to_the_end(m->plan, &e->spec);
	ret->subject = m->plan->apps.v[app].name;
	ret->observed = say_count(step->value, "descriptor", a);
	ret->value = (double)step->value;
	ret->unit = "descriptors";
	ret->t = nsec_later(step->t, bound_window(m->plan, &e->spec).from);
	ret->evidence = arena_printf(a, "sampled at %s", say_seconds(step->t, a));
}

static void judge_fds(const struct model *m, const struct plan_expect *e, struct arena *a,
		      struct expect_result *ret)
{
	_cleanup_arena_ struct arena scratch = {0};
	struct window w = bound_window(m->plan, &e->spec);
	const struct level_step *worst = NULL;
	int worst_app = -1;

	result_begin(ret, arena_printf(a, "%s descriptors %s", say_how_many(&e->spec, a),
				       say_when(&e->spec, a)));
	for (size_t i = 0; i < e->apps.n; i++) {
		int app = (int)e->apps.v[i];
		struct level level = level_of(&m->apps[app], &scratch);
		const struct level_step *step = level_worst(&level, w, &e->spec);

		if (!step) {
			result_void(ret, m->plan->apps.v[app].name,
				    arena_strdup(a, "it was not sampled then: did it run?"));
		} else if (!worst || bound_badness(&e->spec, step->value) >
					     bound_badness(&e->spec, worst->value)) {
			worst = step;
			worst_app = app;
		}
	}
	if (worst && (bound_is_broken(&e->spec, worst->value) || ret->verdict != VERDICT_VOID))
		report(m, e, worst_app, worst, a, ret);
}

const struct expect_ops expect_fds = {
	.name = "fds",
	.doc = "how many descriptors the processes of an app have open",
	.fields = fields,
	.observes = OBSERVES_FDS,
	.check = check,
	.deadline = bound_deadline,
	.judge = judge_fds,
};
