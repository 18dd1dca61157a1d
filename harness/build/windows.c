/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "harness/build/builder.h"

/* A step that is a fault and whose windows are known; NULL: it is none. */
static const struct fault_ops *fault_of(const struct plan_step *step)
{
	return step->step == STEP_FAULT && step->edges.n ? step->fault.ops : NULL;
}

static bool same_members(const struct index_list *a, const struct index_list *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (!index_list_has(b, a->v[i]))
			return false;
	for (size_t i = 0; i < b->n; i++)
		if (!index_list_has(a, b->v[i]))
			return false;
	return true;
}

/* ---- ends ---- */

/* The window without an end that this step ends: the latest that began before it. */
static struct plan_edge *window_to_end(struct builder *b, const struct plan_step *end)
{
	struct plan_edge *found = NULL;

	vec_foreach (step, &b->plan->steps) {
		struct plan_edge *edge = step->edges.v;

		if (fault_of(step) != end->fault.ops->ends || edge->off != NSEC_NEVER ||
		    edge->on >= end->edges.v[0].on || !same_members(&step->cables, &end->cables))
			continue;
		if (!found || edge->on > found->on)
			found = edge;
	}
	return found;
}

bool has_unsure(const struct builder *b, const struct fault_ops *ops)
{
	for (size_t i = 0; i < b->plan->steps.n; i++) {
		const struct plan_step *step = &b->plan->steps.v[i];

		if (b->unsure[i] && step->step == STEP_FAULT &&
		    (!step->fault.ops || step->fault.ops == ops || step->fault.ops->ends == ops))
			return true;
	}
	return false;
}

void build_ends(struct builder *b)
{
	vec_foreach (step, &b->plan->steps) {
		const struct fault_ops *ops = fault_of(step);

		if (!ops || !ops->ends || !step->cables.n || has_unsure(b, ops->ends))
			continue;
		struct plan_edge *window = step->edges.n == 1 ? window_to_end(b, step) : NULL;
		if (window)
			window->off = step->edges.v[0].on;
		else
			diag_add(b->diags, step->pos,
				 arena_printf(b->a,
					      "name the same hosts as a '%s' without 'for' that "
					      "begins earlier",
					      ops->ends->name),
				 "there is no '%s' that this '%s' could end", ops->ends->name,
				 ops->name);
	}
}

/* ---- overlaps ---- */

static bool share_one(const struct index_list *a, const struct index_list *b)
{
	for (size_t i = 0; i < a->n; i++)
		if (index_list_has(b, a->v[i]))
			return true;
	return false;
}

static bool share_direction(const struct fault_spec *a, const struct fault_spec *b)
{
	return a->direction == DIRECTION_BOTH || b->direction == DIRECTION_BOTH ||
	       a->direction == b->direction;
}

static bool are_in(const struct strings *names, const struct strings *list)
{
	for (size_t i = 0; i < names->n; i++) {
		bool found = false;

		for (size_t j = 0; j < list->n; j++)
			found |= !strcmp(names->v[i], list->v[j]);
		if (!found)
			return false;
	}
	return true;
}

static bool same_match(const struct plan_step *a, const struct plan_step *b)
{
	const struct match_spec *x = &a->fault.match, *y = &b->fault.match;

	return x->port == y->port && x->protocol == y->protocol && are_in(&x->kind, &y->kind) &&
	       are_in(&y->kind, &x->kind) && same_members(&a->match_peers, &b->match_peers);
}

/* Would they be one fault twice, where both are on? */
static bool are_alike(const struct plan_step *a, const struct plan_step *b)
{
	const struct fault_ops *ops = fault_of(a);

	if (!ops || ops != fault_of(b))
		return false;
	if (ops->target == FAULT_ON_APPS ? !share_one(&a->apps, &b->apps)
					 : !share_one(&a->cables, &b->cables))
		return false;
	if (ops->is_apart && ops->is_apart(&a->fault, &b->fault))
		return false;
	return ops->target != FAULT_ON_CABLES ||
	       (share_direction(&a->fault, &b->fault) && same_match(a, b));
}

/* The first window of b that one of a overlaps. A step's own windows stand in order, apart. */
static const struct plan_edge *overlap(const struct plan_step *a, const struct plan_step *b)
{
	for (size_t i = 0, j = 0; i < a->edges.n && j < b->edges.n;) {
		const struct plan_edge *x = &a->edges.v[i], *y = &b->edges.v[j];

		if (x->on < y->off && y->on < x->off)
			return y;
		if (x->off <= y->off)
			i++;
		else
			j++;
	}
	return NULL;
}

bool windows_meet(const struct plan_step *a, const struct plan_step *b)
{
	return share_one(&a->cables, &b->cables) && share_direction(&a->fault, &b->fault) &&
	       overlap(a, b);
}

static const char *overlap_hint(const struct plan_step *step)
{
	return step->fault.ops->target == FAULT_ON_CABLES
		       ? "let one end before the other begins, or make one fault of both; what "
			 "differs in 'direction' or 'match' may overlap"
		       : "let one end before the other begins";
}

void check_overlaps(struct builder *b)
{
	for (size_t j = 0; j < b->plan->steps.n; j++) {
		const struct plan_step *later = &b->plan->steps.v[j];

		for (size_t i = 0; i < j; i++) {
			const struct plan_step *step = &b->plan->steps.v[i];
			bool known = !b->unsure[i] && !b->unsure[j];
			const struct plan_edge *at =
				known && are_alike(step, later) ? overlap(step, later) : NULL;

			if (!at)
				continue;
			diag_add(b->diags, later->pos, overlap_hint(later),
				 "its window from %g s on overlaps that of the '%s' in line %d, on "
				 "the same target",
				 (double)at->on / (double)NSEC_PER_SEC, step->kind, step->pos.line);
			break;
		}
	}
}
