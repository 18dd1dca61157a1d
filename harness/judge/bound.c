/* SPDX-License-Identifier: MIT */
#include "harness/judge/bound.h"

#include <inttypes.h>

#include "harness/judge/say.h"

bool bound_check_how_many(const struct expect_spec *spec, struct flaw *flaw)
{
	if (spec->at_most == COUNT_UNSET && spec->at_least == COUNT_UNSET)
		return flaw_set(flaw, NULL, "neither at-most nor at-least is given",
				"how many may there be? at-most: 0");
	if (spec->at_least == 0 && spec->at_most == COUNT_UNSET)
		return flaw_set(flaw, "at-least", "at-least 0 holds whatever happens",
				"how many must there be? at-least: 1; none at all: at-most: 0");
	if (spec->at_most != COUNT_UNSET && spec->at_least != COUNT_UNSET &&
	    spec->at_least > spec->at_most)
		return flaw_set(flaw, "at-least", "at-least is more than at-most",
				"no number is both");
	return true;
}

bool bound_check_when(const struct expect_spec *spec, struct flaw *flaw)
{
	int given = (spec->at != NULL) + (spec->by != NULL) + (spec->during.n > 0);

	if (given == 1)
		return true;
	return flaw_set(flaw,
			spec->during.n ? "during"
			: spec->by     ? "by"
				       : NULL,
			given ? "at, by and during exclude each other"
			      : "none of at, by and during is given",
			"when must it hold? at: 5s, by: end (from then on), during: [2s, 12s]");
}

struct window bound_window(const struct plan *plan, const struct expect_spec *spec)
{
	struct window w = {0, plan->duration};

	if (spec->at)
		w.from = w.to = spec->at_time;
	else if (spec->by)
		w.from = spec->by_time;
	else if (spec->during.n)
		w = (struct window){spec->during_from, spec->during_to};
	if (w.from > plan->duration)
		w.from = plan->duration;
	if (w.to > plan->duration)
		w.to = plan->duration;
	return w;
}

bool bound_lasts_to_the_end(const struct plan *plan, const struct expect_spec *spec)
{
	return bound_window(plan, spec).to == plan->duration;
}

bool bound_is_cut_off(const struct plan *plan, const struct expect_spec *spec, nsec_t from)
{
	return spec->within != NSEC_UNSET && from + spec->within > plan->duration;
}

nsec_t bound_deadline(const struct plan *plan, const struct plan_expect *e)
{
	const nsec_t times[] = {e->spec.at_time, e->spec.by_time, e->spec.during_from,
				e->spec.during_to};
	nsec_t last = NSEC_UNSET;

	(void)plan;
	for (size_t i = 0; i < sizeof(times) / sizeof(times[0]); i++)
		if (times[i] != NSEC_NEVER && times[i] > last)
			last = times[i];
	return last;
}

bool bound_is_broken(const struct expect_spec *spec, int64_t n)
{
	return (spec->at_most != COUNT_UNSET && n > spec->at_most) ||
	       (spec->at_least != COUNT_UNSET && n < spec->at_least);
}

int64_t bound_badness(const struct expect_spec *spec, int64_t n)
{
	int64_t over = spec->at_most != COUNT_UNSET ? n - spec->at_most : INT64_MIN;
	int64_t under = spec->at_least != COUNT_UNSET ? spec->at_least - n : INT64_MIN;

	return over > under ? over : under;
}

char *say_how_many(const struct expect_spec *spec, struct arena *a)
{
	char *least = arena_printf(a, "at least %" PRId64, spec->at_least);
	char *most = arena_printf(a, "at most %" PRId64, spec->at_most);

	if (spec->at_most == COUNT_UNSET)
		return least;
	if (spec->at_least == COUNT_UNSET)
		return most;
	return arena_printf(a, "%s and %s", least, most);
}

char *say_when(const struct expect_spec *spec, struct arena *a)
{
	if ((spec->at && spec->at_time == NSEC_NEVER) || (spec->by && spec->by_time == NSEC_NEVER))
		return arena_strdup(a, "at the end");
	if (spec->at)
		return arena_printf(a, "at %s", say_duration(spec->at_time, a));
	if (spec->by)
		return arena_printf(a, "from %s on", say_duration(spec->by_time, a));
	if (!spec->during.n)
		return arena_strdup(a, "from t = 0 on");
	return arena_printf(a, "from %s to %s", say_duration(spec->during_from, a),
			    spec->during_to == NSEC_NEVER ? "the end"
							  : say_duration(spec->during_to, a));
}

const struct level_step *level_at(const struct level *level, nsec_t t)
{
	const struct level_step *now = NULL;

	for (size_t i = 0; i < level->steps.n && level->steps.v[i].t <= t; i++)
		now = &level->steps.v[i];
	return now && !now->unknown ? now : NULL;
}

/* The step's value held at some time within the window: until the next step, or the end. */
static bool held_in(const struct level *level, size_t i, struct window w)
{
	nsec_t t = level->steps.v[i].t;
	nsec_t until = i + 1 < level->steps.n ? level->steps.v[i + 1].t : NSEC_NEVER;

	return !level->steps.v[i].unknown && t <= w.to && until > t && until > w.from;
}

const struct level_step *level_worst(const struct level *level, struct window w,
				     const struct expect_spec *spec)
{
	const struct level_step *worst = NULL;

	for (size_t i = 0; i < level->steps.n; i++) {
		const struct level_step *step = &level->steps.v[i];

		if (held_in(level, i, w) && (!worst || bound_badness(spec, step->value) >
							       bound_badness(spec, worst->value)))
			worst = step;
	}
	return worst;
}

bool level_growth(const struct level *level, const struct plan *plan,
		  const struct expect_spec *spec, struct level_step *ret)
{
	struct window w = bound_window(plan, spec);
	const struct level_step *first = level_at(level, w.from);
	const struct level_step *last =
		spec->during.n ? level_at(level, w.to) : level_worst(level, w, spec);

	if (!last || (spec->during.n && !first))
		return false;
	*ret = *last;
	if (spec->during.n)
		ret->value -= first->value;
	return true;
}
