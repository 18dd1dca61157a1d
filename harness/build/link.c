/* SPDX-License-Identifier: MIT */
/*
 * Which link engine a plan runs on. netem cannot do all that wire can: the first step that needs wire
 * decides, be it by itself or together with another on the same cable at the same time.
 */
#include "faults/fault.h"
#include "faults/netem/params.h"
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

/* Why a plan needs wire. */
struct need {
	const struct plan_step *step; /* NULL: it does not */
	const struct plan_step *beside;
	const char *reason;
};

static bool is_on_cables(const struct plan_step *step)
{
	return step->step == STEP_FAULT && step->fault.ops &&
	       (step->fault.ops->target == FAULT_ON_CABLES || step->fault.ops->packet);
}

/* What the two want of netem, where both are on one cable. NULL: it can do that. */
static const char *conflict_of(const struct plan_step *a, const struct plan_step *b)
{
	struct netem_params both = {0};

	if (!windows_meet(a, b) || netem_add(&both, &a->fault) || netem_add(&both, &b->fault))
		return NULL;
	return netem_conflict(&both);
}

static struct need find_need(const struct builder *b)
{
	const struct plan *plan = b->plan;

	vec_foreach (step, &plan->steps) {
		struct netem_params alone = {0};

		if (!is_on_cables(step) || b->unsure[step - plan->steps.v] ||
		    !is_complete(step->fault.ops->fields, &step->fault))
			continue;
		const char *reason = netem_add(&alone, &step->fault);
		if (reason)
			return (struct need){.step = step, .reason = reason};
		for (const struct plan_step *other = plan->steps.v; other < step; other++) {
			if (!is_on_cables(other) || b->unsure[other - plan->steps.v])
				continue;
			reason = conflict_of(other, step);
			if (reason)
				return (struct need){step, other, reason};
		}
	}
	return (struct need){0};
}

static void refuse(struct builder *b, const struct need *need)
{
	const char *beside = need->beside ? arena_printf(b->a, " beside the '%s' of line %d",
							 need->beside->kind, need->beside->pos.line)
					  : "";

	diag_add(b->diags, need->step->pos,
		 "leave --link netem out, or give --link auto: then it runs on wire",
		 "this '%s'%s needs the link engine wire: %s", need->step->kind, beside,
		 need->reason);
}

/* What watches netem takes frames of the usual size; a larger one would count as lost. */
static void refuse_gso(struct builder *b)
{
	diag_add(b->diags, parse_locate(b->s, "gso"),
		 "leave --link netem out, or give --link auto: then it runs on wire",
		 "'gso: on' needs the link engine wire");
}

void choose_link(struct builder *b)
{
	const struct build_options *opt = b->opt;
	struct need need = {0};

	b->plan->link = LINK_WIRE;
	if (opt->link == LINK_CHOICE_WIRE)
		return;
	need = find_need(b);
	bool gso = b->plan->gso == GSO_ON;
	if (opt->link == LINK_CHOICE_NETEM) {
		b->plan->link = LINK_NETEM;
		if (gso)
			refuse_gso(b);
		if (need.step)
			refuse(b, &need);
	} else if (!gso && !need.step && opt->has_netem &&
		   opt->has_netem(opt->ctx, b->plan->clock)) {
		b->plan->link = LINK_NETEM;
	}
}
