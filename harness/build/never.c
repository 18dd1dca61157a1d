/* SPDX-License-Identifier: MIT */
/*
 * What can never happen, or never do anything. A run would show it too, by a fault that is void or by
 * an error, but only a run, and without saying why.
 *
 * Only what is certain is refused: whatever some packet, or some program, could make true may stand.
 */
#include <stdlib.h>

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

/* ---- programs that do not run, are paused already, or are not paused ---- */

/* A step comes to pass. They are walked in the order in which the run does them. */
struct moment {
	nsec_t t;
	size_t step;
};

struct moments {
	VEC(struct moment) list;
};

/*
 * Of one program. `by` is the step that has made it so; NULL: none has. One that was told to stop is
 * not gone: it may take its time, and be killed meanwhile.
 */
struct run_state {
	enum { GOES_ON, PAUSED, UNSURE } is;
	bool gone;
	const struct plan_step *by, *gone_by;
};

static int by_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	if (x->t != y->t)
		return x->t < y->t ? -1 : 1;
	return (x->step > y->step) - (x->step < y->step);
}

static bool takes_power(const struct plan_step *step)
{
	return step->step == STEP_FAULT && step->fault.ops && step->fault.ops->darkens;
}

/* The moments of all steps that act on programs, sorted. */
static struct moments moments_of(struct builder *b)
{
	struct moments found = {0};

	for (size_t i = 0; i < b->plan->steps.n; i++) {
		const struct plan_step *step = &b->plan->steps.v[i];

		if (step->step == STEP_EXEC || (step->step == STEP_FAULT && !takes_power(step)))
			continue;
		vec_foreach (edge, &step->edges)
			*vec_push(b->a, &found.list) = (struct moment){edge->on, i};
	}
	if (found.list.n)
		qsort(found.list.v, found.list.n, sizeof(*found.list.v), by_time);
	return found;
}

static bool needs_running(const struct plan_step *step)
{
	return step->step == STEP_KILL || step->step == STEP_STOP || step->step == STEP_PAUSE ||
	       step->step == STEP_RESUME;
}

/* True if it is said that the step does nothing to this program. */
static bool add_if_idle(struct builder *b, const struct moment *m, const char *app,
			const struct run_state *state)
{
	const struct plan_step *step = &b->plan->steps.v[m->step];
	struct pos pos = parse_locate(b->s, "timeline.%zu.%s", m->step, step->kind);
	double at = (double)m->t / (double)NSEC_PER_SEC;

	if (state->gone && state->gone_by && needs_running(step))
		diag_add(b->diags, pos, "leave it out, or 'start' it in between",
			 "at %.15gs '%s' does not run any more ('%s' in line %d)", at, app,
			 state->gone_by->kind, state->gone_by->pos.line);
	else if (state->gone && needs_running(step))
		diag_add(b->diags, pos, "leave it out, or 'start' it before",
			 "at %.15gs '%s' does not run: no step has started it by then", at, app);
	else if (step->step == STEP_PAUSE && state->is == PAUSED)
		diag_add(b->diags, pos, "leave it out, or 'resume' it in between",
			 "at %.15gs '%s' is paused already (line %d)", at, app,
			 state->by->pos.line);
	else if (step->step == STEP_RESUME && state->is == GOES_ON && state->by)
		diag_add(b->diags, pos, "leave it out, or 'pause' it again before",
			 "at %.15gs '%s' is not paused any more ('%s' in line %d)", at, app,
			 state->by->kind, state->by->pos.line);
	else if (step->step == STEP_RESUME && state->is == GOES_ON)
		diag_add(b->diags, pos, "leave it out, or 'pause' it before",
			 "at %.15gs '%s' is not paused: no step has paused it by then", at, app);
	else
		return false;
	return true;
}

static void come_after(const struct plan_step *step, struct run_state *state)
{
	if (step->step == STEP_KILL || takes_power(step)) {
		state->gone = true;
		state->gone_by = step;
	} else if (step->step == STEP_START || step->step == STEP_RESTART) {
		state->gone = false;
	}
	/* A paused one that is started ended in some way that is not known, or is on its way out. */
	if (step->step == STEP_START && state->is != PAUSED)
		return;
	state->is = step->step == STEP_PAUSE ? PAUSED : step->step == STEP_START ? UNSURE : GOES_ON;
	state->by = step;
}

/* `told` is of each step: what it does at one of its times is said once. */
static void pass(struct builder *b, const struct moment *m, struct run_state *states, bool *told)
{
	const struct plan_step *step = &b->plan->steps.v[m->step];

	for (size_t i = 0; i < step->apps.n; i++) {
		struct run_state *state = &states[step->apps.v[i]];

		told[m->step] = told[m->step] ||
				add_if_idle(b, m, b->plan->apps.v[step->apps.v[i]].name, state);
		come_after(step, state);
	}
	for (size_t i = 0; takes_power(step) && i < b->plan->apps.n; i++)
		if (index_list_has(&step->cables, b->plan->apps.v[i].host))
			come_after(step, &states[i]);
}

void check_running(struct builder *b)
{
	if (parse_may_lack(b->s, b->diags, "timeline"))
		return;
	for (size_t i = 0; i < b->plan->steps.n; i++)
		if (b->unsure[i] || !b->plan->steps.v[i].edges.n)
			return; /* it is not known what that one does, or when */
	struct moments moments = moments_of(b);
	struct run_state *states = arena_new_array(b->a, struct run_state, b->plan->apps.n);
	bool *told = arena_new_array(b->a, bool, b->plan->steps.n + 1);

	for (size_t i = 0; i < b->plan->apps.n; i++)
		states[i].gone = b->plan->apps.v[i].manual;
	vec_foreach (m, &moments.list)
		pass(b, m, states, told);
}
