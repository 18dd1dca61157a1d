/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

/*
 * Faults that do nothing alone: `reorder` lets packets skip a delay, and where there is none it
 * would count what it matched and change nothing. So each window of such a fault must meet one of
 * the kind that it needs (struct fault_ops, beside) on each of its cables and in each direction.
 */

static bool acts_in(const struct plan_step *step, int direction)
{
	return step->fault.direction == DIRECTION_BOTH || step->fault.direction == direction;
}

static bool meets(const struct plan_step *step, const struct plan_edge *window)
{
	vec_foreach (edge, &step->edges)
		if (edge->on < window->off && window->on < edge->off)
			return true;
	return false;
}

/* One that is itself in error counts for any place and time: it is told about already. */
static bool is_whole(const struct builder *b, const struct plan_step *step)
{
	return step->edges.n && step->cables.n && !b->unsure[step - b->plan->steps.v];
}

static bool has_company(const struct builder *b, const struct plan_step *step, int64_t cable,
			int direction, const struct plan_edge *window)
{
	vec_foreach (other, &b->plan->steps) {
		if (other->step != STEP_FAULT ||
		    (other->fault.ops && other->fault.ops != step->fault.ops->beside))
			continue;
		if (!is_whole(b, other) || (index_list_has(&other->cables, cable) &&
					    acts_in(other, direction) && meets(other, window)))
			return true;
	}
	return false;
}

/* True if it is alone somewhere: said once, of the first such place. */
static bool add_if_alone(struct builder *b, const struct plan_step *step, int64_t cable,
			 int direction)
{
	const char *needed = step->fault.ops->beside->name;

	vec_foreach (window, &step->edges) {
		if (has_company(b, step, cable, direction, window))
			continue;
		diag_add(b->diags, step->pos,
			 arena_printf(b->a,
				      "add a '%s' of the same cable and direction that is on at "
				      "that time",
				      needed),
			 "'%s' does nothing without a '%s', and from %.15gs on there is none on "
			 "the cable of '%s', %s",
			 step->kind, needed, (double)window->on / (double)NSEC_PER_SEC,
			 b->plan->hosts.v[cable].name, direction_names[direction]);
		return true;
	}
	return false;
}

static void check_one(struct builder *b, const struct plan_step *step)
{
	vec_foreach (cable, &step->cables)
		for (int direction = DIRECTION_TO_HOST; direction <= DIRECTION_FROM_HOST;
		     direction++)
			if (acts_in(step, direction) && add_if_alone(b, step, *cable, direction))
				return;
}

void check_company(struct builder *b)
{
	vec_foreach (step, &b->plan->steps)
		if (step->step == STEP_FAULT && step->fault.ops && step->fault.ops->beside &&
		    is_whole(b, step) && !parse_may_lack(b->s, b->diags, "timeline"))
			check_one(b, step);
}
