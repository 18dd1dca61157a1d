/* SPDX-License-Identifier: MIT */
/*
 * What can never happen, or never do anything. A run would show it too, by a fault that is void or by
 * an error, but only a run, and without saying why.
 *
 * Only what is certain is refused: whatever some packet, or some program, could make true may stand.
 */
#include "faults/fault.h"
#include "harness/build/builder.h"
#include "harness/parse/parse.h"

/* ---- windows in which nothing can be done ---- */

/* When nothing says it, the end follows from all that the file says, which must be known then. */
static bool is_end_known(const struct builder *b)
{
	return b->s->duration != NSEC_UNSET || !b->diags->n_form;
}

/* None of its windows is long enough. One without an end ends with the run. */
static bool is_always_too_short(const struct builder *b, const struct plan_step *step,
				struct flaw *flaw)
{
	const struct fault_ops *ops = step->fault.ops;

	vec_foreach (edge, &step->edges) {
		nsec_t off = edge->off == NSEC_NEVER ? b->plan->duration : edge->off;

		if (edge->off == NSEC_NEVER && !is_end_known(b))
			return false;
		if (!ops->is_too_short(&step->fault, off - edge->on, flaw))
			return false;
	}
	return step->edges.n > 0;
}

void check_lengths(struct builder *b)
{
	for (size_t i = 0; i < b->plan->steps.n; i++) {
		const struct plan_step *step = &b->plan->steps.v[i];
		struct flaw flaw = {0};

		if (step->step != STEP_FAULT || b->unsure[i] || !step->fault.ops->is_too_short ||
		    step->fault.may_miss)
			continue;
		if (is_always_too_short(b, step, &flaw))
			diag_add(b->diags,
				 parse_locate(b->s, "timeline.%zu.%s.%s", i, step->kind, flaw.key),
				 flaw.hint, "%s", flaw.message);
	}
}

/* ---- hosts without power ---- */

/*
 * The step that has taken the host's power by then; NULL: it has power. Steps of one moment are done
 * in the order of the file, but what ends then has ended.
 */
static const struct plan_step *darkened_by(const struct plan *plan, int64_t host,
					   const struct plan_step *step, nsec_t t)
{
	vec_foreach (off, &plan->steps) {
		if (off->step != STEP_FAULT || !off->fault.ops || !off->fault.ops->darkens ||
		    !index_list_has(&off->cables, host))
			continue;
		vec_foreach (edge, &off->edges)
			if (t < edge->off && (edge->on < t || (edge->on == t && off < step)))
				return off;
	}
	return NULL;
}

static bool add_if_dark(struct builder *b, const struct plan_step *step, struct pos pos,
			const char *what, int64_t host)
{
	bool starts =
		step->step == STEP_START || step->step == STEP_EXEC || step->step == STEP_RESTART;

	vec_foreach (edge, &step->edges) {
		const struct plan_step *off = darkened_by(b->plan, host, step, edge->on);

		if (!off)
			continue;
		diag_add(b->diags, pos,
			 starts ? "start it once power is back: after 'for', or after a 'power-on'"
				: "leave it out, or do it before the power goes",
			 "at %.15gs host '%s' has no power (line %d): %s %s",
			 (double)edge->on / (double)NSEC_PER_SEC, b->plan->hosts.v[host].name,
			 off->pos.line, what, starts ? "cannot be started" : "does not run");
		return true;
	}
	return false;
}

/* Some step that takes or gives power was not read: then it is not known who has it. */
static bool is_power_unknown(const struct builder *b)
{
	for (const struct fault_ops *const *ops = fault_registry; *ops; ops++)
		if ((*ops)->darkens && has_unsure(b, *ops))
			return true;
	return false;
}

void check_power(struct builder *b)
{
	if (is_power_unknown(b))
		return;
	for (size_t i = 0; i < b->plan->steps.n; i++) {
		const struct plan_step *step = &b->plan->steps.v[i];

		if (step->step == STEP_FAULT || b->unsure[i])
			continue;
		if (step->step == STEP_EXEC && step->exec_host >= 0)
			add_if_dark(b, step, step->pos, "a program", step->exec_host);
		for (size_t a = 0; a < step->apps.n; a++) {
			const struct plan_app *app = &b->plan->apps.v[step->apps.v[a]];

			if (add_if_dark(b, step,
					parse_locate(b->s, "timeline.%zu.%s", i, step->kind),
					arena_printf(b->a, "'%s'", app->name), app->host))
				break;
		}
	}
}
