/* SPDX-License-Identifier: MIT */
#include "harness/judge/judge.h"

#include <stdio.h>
#include <string.h>

#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/say.h"
#include "harness/judge/stall.h"
#include "harness/judge/tolerance.h"

/*
 * A scenario's verdict is the gravest of: what went wrong with the run itself, its expectations, and
 * its faults. The order is error, inconclusive, fail, void, pass; a fault that touched no packet
 * is void, unless it says `may-miss`, so it replaces only a pass. Where stalls may have kept all
 * packets from it, it is inconclusive.
 *
 * A control turns that round: it is there to fail. It was killed (pass) if the run was whole, every
 * app that starts by itself became ready, the verdict is fail and every expectation it names is among
 * those that failed. Others may have failed or be void too. Where it neither was killed nor passed
 * what it should fail, it proved nothing: that is an error. One that passed while the machine stood
 * still may have done so by that alone, and is inconclusive.
 */

/* Steps come seconds apart: what a stall made later by no more did not change their order. */
#define SURVIVAL_TOLERANCE NSEC_PER_SEC

/* By so much may what is held against `not-before` have been seen late. */
#define EARLY_GRANTED (200 * NSEC_PER_MSEC)

/* What the records about the run itself say. */
struct run_facts {
	bool ready, ended;
	const char *error;   /* the first; NULL: none */
	uint64_t ring_drops; /* packets */
	bool dropped_any;
	nsec_t failed_at;
	bool clock_stepped; /* while packets were stamped with it */
	nsec_t blind;       /* how long init stood still over the end */
};

static struct run_facts read_run(const struct plan *plan, const struct observations *obs)
{
	struct run_facts f = {.blind = stall_over_end(plan, obs)};

	vec_foreach (o, &obs->list) {
		if (o->source == OBS_RUN && o->event == EV_READY)
			f.ready = true;
		else if (o->source == OBS_RUN && o->event == EV_END)
			f.ended = true;
		else if (o->source == OBS_RUN && o->event == EV_ERROR && !f.error) {
			f.error = o->text ? o->text : "the run failed";
			f.failed_at = o->t;
		}
		if (o->source == OBS_LAG && o->event == EV_RING_DROP) {
			f.ring_drops += o->lag.count;
			f.dropped_any = true;
		}
		if (o->source == OBS_LAG && o->event == EV_CLOCK_STEP)
			f.clock_stepped = true;
	}
	return f;
}

/* ---- faults ---- */

static void begin_faults(const struct plan *plan, struct arena *a, struct scenario_result *ret)
{
	vec_foreach (s, &plan->steps) {
		for (size_t edge = 0; step_has_receipt(s->step) && edge < s->edges.n; edge++) {
			const struct plan_edge *planned = &s->edges.v[edge];

			*vec_push(a, &ret->faults) = (struct fault_result){
				.step = s,
				.edge = edge,
				.asked_on = planned->on,
				.asked_off = planned->off == NSEC_NEVER ? NSEC_UNSET : planned->off,
				.on = NSEC_UNSET,
				.off = NSEC_UNSET,
			};
		}
	}
}

static void add_receipt(struct fault_result *r, const struct observation *o, struct arena *a)
{
	if (o->event == EV_ON && r->on == NSEC_UNSET)
		r->on = o->t;
	if (o->event == EV_OFF && r->off == NSEC_UNSET)
		r->off = o->t;
	if (o->event == EV_FLOW)
		*vec_push(a, &r->flows) = (struct flow_result){o->fault.flow, o->fault.did};
	if (o->event != EV_RECEIPT)
		return;
	for (const struct receipt_count *c = receipt_counts; c->name; c++)
		*receipt_count_of(&r->did, c) += receipt_get(&o->fault.did, c);
}

/* Receipts count whenever they came: those of the last faults are written after the end. */
static void read_receipts(const struct plan *plan, const struct observations *obs, struct arena *a,
			  struct scenario_result *ret)
{
	vec_foreach (o, &obs->list) {
		const struct obs_fault *f = &o->fault;

		if (o->source != OBS_FAULT || f->step < 0 || (size_t)f->step >= plan->steps.n)
			continue;
		vec_foreach (r, &ret->faults)
			if (r->step == &plan->steps.v[f->step] && r->edge == (size_t)f->edge)
				add_receipt(r, o, a);
	}
}

static bool touched_nothing(const struct scenario_result *r, const struct plan_step *s)
{
	uint64_t touched = 0;

	vec_foreach (f, &r->faults)
		if (f->step == s)
			touched += f->did.matched + f->did.injected;
	return !touched;
}

/* ---- the scenario's verdict ---- */

/* From the gravest to the lightest. */
static int gravity(enum verdict v)
{
	switch (v) {
	case VERDICT_ERROR:
		return 4;
	case VERDICT_INCONCLUSIVE:
		return 3;
	case VERDICT_FAIL:
		return 2;
	case VERDICT_VOID:
		return 1;
	default:
		return 0;
	}
}

/* Takes the verdict if it is graver; among equals the first gives the reason. */
static void weigh(struct scenario_result *r, enum verdict v, char *reason)
{
	if (gravity(v) <= gravity(r->verdict))
		return;
	r->verdict = v;
	r->reason = reason;
}

/* A reason is one line; what follows it (an app's last output) is in the record. */
static char *one_line(const char *text, struct arena *a)
{
	return arena_strndup(a, text, strcspn(text, "\r\n"));
}

/* What was found, and why it shows nothing. */
static char *but_stalled(const char *what, nsec_t by, struct arena *a)
{
	return arena_printf(a, "%s, but the machine stalled by up to %s", what, say_seconds(by, a));
}

static void weigh_run(const struct run_facts *f, struct arena *a, struct scenario_result *r)
{
	if (f->error)
		r->duration = f->failed_at > 0 ? f->failed_at : 0;
	if (f->error)
		weigh(r, VERDICT_ERROR, one_line(f->error, a));
	if (!f->ended)
		weigh(r, VERDICT_ERROR,
		      arena_strdup(a, "the run did not end: its observations are cut short"));
	if (!f->ready)
		weigh(r, VERDICT_ERROR, arena_strdup(a, "the apps did not become ready"));
	if (f->dropped_any)
		weigh(r, VERDICT_INCONCLUSIVE,
		      arena_printf(a,
				   "%llu packets were lost before they were recorded: the machine "
				   "was too busy",
				   (unsigned long long)f->ring_drops));
	if (f->clock_stepped)
		weigh(r, VERDICT_INCONCLUSIVE,
		      arena_strdup(a,
				   "the machine's clock was set while packets were stamped by it"));
	if (f->blind)
		weigh(r, VERDICT_INCONCLUSIVE,
		      arena_printf(a,
				   "the machine stalled for %s over the end of the run: what "
				   "happened then was not seen",
				   say_seconds(f->blind, a)));
}

static void weigh_expect(const struct expect_result *e, struct arena *a, struct scenario_result *r)
{
	const struct pos *pos = &e->expect->spec.pos;
	char *where = arena_strdup(a, "");

	if (gravity(e->verdict) <= gravity(r->verdict))
		return;
	if (pos->file && pos->line)
		where = arena_printf(a, "%s:%d: ", pos->file, pos->line);
	weigh(r, e->verdict,
	      arena_printf(a, "%s%s: %s: expected %s, observed %s", where, e->expect->label,
			   e->subject, e->bound, e->observed));
}

/*
 * The shortest stall that was as long as the window that it may have emptied: all that was to pass in
 * it may have come behind it. 0: of some window of the fault that cannot be said.
 */
static nsec_t stalled_past(const struct plan *plan, const struct observations *obs,
			   const struct plan_step *s)
{
	nsec_t shortest = NSEC_NEVER;

	vec_foreach (edge, &s->edges) {
		nsec_t off = nsec_earlier(edge->off, plan->duration);
		struct stall stall = stall_until(plan, obs, off, off - edge->on);

		if (stall.late < off - edge->on)
			return 0;
		shortest = nsec_earlier(shortest, stall.late);
	}
	return shortest == NSEC_NEVER ? 0 : shortest;
}

static void weigh_faults(const struct plan *plan, const struct observations *obs, struct arena *a,
			 struct scenario_result *r)
{
	vec_foreach (s, &plan->steps) {
		if (s->step != STEP_FAULT || s->fault.may_miss || !touched_nothing(r, s))
			continue;
		nsec_t stalled = stalled_past(plan, obs, s);
		char *why = arena_printf(a, "fault '%s' touched %s", s->id ? s->id : s->kind,
					 s->cables.n ? "no packet" : "no process");

		if (stalled)
			why = but_stalled(why, stalled, a);
		weigh(r, stalled ? VERDICT_INCONCLUSIVE : VERDICT_VOID, why);
	}
}

/* It fails by these bounds too, which the stalls have moved, whatever came after the end of the run. */
static bool fails_by(struct model *m, const struct plan_expect *moved, const struct stall *stall,
		     struct arena *a)
{
	struct expect_result again = {.expect = moved};

	m->stall_late = stall->late;
	m->stall_early = stall->early;
	m->stall_held = stall->held;
	moved->spec.ops->judge(m, moved, a, &again);
	m->stall_late = m->stall_early = m->stall_held = 0;
	return again.verdict == VERDICT_FAIL &&
	       !(again.pending && stall_outlasts(m->plan, moved, stall));
}

static void say_stalled(const struct stall *stall, struct arena *a, struct expect_result *r)
{
	r->verdict = VERDICT_INCONCLUSIVE;
	r->observed = but_stalled(r->observed, stall->late, a);
}

/* What stalls there were until it was decided. */
static struct stall stall_before(const struct plan *plan, const struct observations *obs,
				 const struct expect_result *r)
{
	bool to_the_end = r->pending || r->unclaimed || r->t == NSEC_UNSET;

	return stall_until(plan, obs, to_the_end ? plan->duration : r->t, stall_span(r->expect));
}

/* A failure that the stalls of the machine may account for is none: it is inconclusive. */
static void allow_for_stalls(struct model *m, const struct observations *obs, struct arena *a,
			     struct expect_result *r)
{
	const struct plan_expect *e = r->expect;

	if (r->verdict != VERDICT_FAIL && !r->unclaimed)
		return;
	struct stall stall = stall_before(m->plan, obs, r);
	struct plan_expect relaxed = stall_relax(e, &stall);
	struct plan_expect extended = stall_extend(e, &stall);
	bool has_end = e->spec.during.n > 0; /* else the two are the same */

	/* Polls that were late by more than they come apart may have missed whose socket it was. */
	if (r->unclaimed && stall.early > TOLERANCE_POLLED)
		say_stalled(&stall, a, r);
	if (r->verdict != VERDICT_FAIL || !stall.late)
		return;
	if (!fails_by(m, &relaxed, &stall, a) || (has_end && !fails_by(m, &extended, &stall, a)))
		say_stalled(&stall, a, r);
}

/*
 * What passed as not too early may have been seen late by our own lags. Small ones are granted: many a
 * program comes at the very moment of its bound, and lags of milliseconds are of any machine.
 */
static void allow_for_late_stamps(struct model *m, const struct observations *obs, struct arena *a,
				  struct expect_result *r)
{
	if (r->verdict != VERDICT_PASS || r->expect->spec.not_before == NSEC_UNSET)
		return;
	struct stall stall = stall_before(m->plan, obs, r);
	struct stall ours = {.late = stall.early};

	if (stall.early <= EARLY_GRANTED)
		return;
	struct plan_expect stricter = *r->expect;
	struct expect_result again = {.expect = &stricter};

	stricter.spec.not_before += stall.early;
	stricter.spec.ops->judge(m, &stricter, a, &again);
	if (again.verdict == VERDICT_FAIL)
		say_stalled(&ours, a, r);
}

/*
 * A moment that the expectation names, and that init did not see in time, is not known to better than its
 * stall: a verdict that depends on where in it the moment lay shows nothing. Nor does a pass without
 * the sample that was to be taken then, of what goes up and down between samples.
 */
static void allow_for_hidden_moments(const struct model *m, const struct observations *obs,
				     struct arena *a, struct expect_result *r)
{
	bool is_sampled = r->expect->spec.ops->observes & OBSERVES_FDS;
	struct stall_reading *reading = arena_new(a, struct stall_reading);

	for (size_t i = 0; stall_read(m->plan, obs, r->expect, i, reading); i++) {
		struct expect_result again = {.expect = &reading->expect};

		if (r->verdict == VERDICT_INCONCLUSIVE || r->verdict == VERDICT_ERROR)
			return;
		bool missed = is_sampled && reading->stall > LOOK_LATE_MAX;
		reading->expect.spec.ops->judge(m, &reading->expect, a, &again);
		if (again.verdict == r->verdict && !(missed && r->verdict == VERDICT_PASS))
			continue;
		r->verdict = VERDICT_INCONCLUSIVE;
		r->observed = arena_printf(
			a, "%s, but the machine stalled for %s over a moment that it names",
			r->observed, say_seconds(reading->stall, a));
	}
}

static void judge_expects(struct model *m, const struct observations *obs, struct arena *a,
			  struct scenario_result *r)
{
	vec_foreach (e, &m->plan->expects) {
		struct expect_result *result = vec_push(a, &r->expects);
		bool needs_step = e->spec.fault || e->spec.after;

		result->expect = e;
		if (needs_step && e->step < 0) {
			*result = (struct expect_result){
				.expect = e,
				.verdict = VERDICT_ERROR,
				.subject = e->label,
				.bound = e->spec.fault ? e->spec.fault : e->spec.after,
				.observed = arena_strdup(a, "no such step in the plan"),
				.t = NSEC_UNSET,
			};
			continue;
		}
		e->spec.ops->judge(m, e, a, result);
		allow_for_stalls(m, obs, a, result);
		allow_for_late_stamps(m, obs, a, result);
		allow_for_hidden_moments(m, obs, a, result);
	}
}

/* ---- controls ---- */

/* The first expectation that the control names and that has this verdict; NULL: none. */
static const struct expect_result *named_with(const struct scenario_result *r, enum verdict v)
{
	for (size_t i = 0; i < r->plan->must_fail.n; i++) {
		const struct expect_result *e = &r->expects.v[r->plan->must_fail.v[i]];

		if (e->verdict == v)
			return e;
	}
	return NULL;
}

static void judge_survival(struct scenario_result *r, const struct expect_result *passed,
			   const struct observations *obs, struct arena *a)
{
	struct stall stall = stall_before(r->plan, obs, passed);
	bool in_doubt = stall.late > SURVIVAL_TOLERANCE;

	r->verdict = in_doubt ? VERDICT_INCONCLUSIVE : VERDICT_FAIL;
	r->reason = arena_printf(a, "control survived: %s passed (observed %s)",
				 passed->expect->label, passed->observed);
	if (in_doubt)
		r->reason = but_stalled(r->reason, stall.late, a);
}

static void judge_control(struct scenario_result *r, const struct observations *obs,
			  struct arena *a)
{
	const struct expect_result *passed = named_with(r, VERDICT_PASS);
	const struct expect_result *unseen = named_with(r, VERDICT_VOID);
	const struct expect_result *failed = named_with(r, VERDICT_FAIL);

	if (r->verdict == VERDICT_ERROR || r->verdict == VERDICT_INCONCLUSIVE)
		return;
	if (passed) {
		judge_survival(r, passed, obs, a);
	} else if (unseen) {
		r->verdict = VERDICT_ERROR;
		r->reason = arena_printf(a, "control proves nothing: %s is void (%s)",
					 unseen->expect->label, unseen->observed);
	} else if (r->verdict != VERDICT_FAIL || !failed) {
		r->verdict = VERDICT_ERROR;
		r->reason = arena_strdup(a, "control proves nothing: it names no expectation");
	} else {
		r->verdict = VERDICT_PASS;
		r->reason = arena_printf(a, "killed: %s failed (observed %s)",
					 failed->expect->label, failed->observed);
	}
}

void judge(const struct plan *plan, const struct observations *obs, struct arena *a,
	   struct scenario_result *ret)
{
	struct run_facts facts = read_run(plan, obs);
	struct model *m = model_build(plan, obs, a);

	*ret = (struct scenario_result){
		.plan = plan,
		.verdict = VERDICT_PASS,
		.duration = plan->duration,
	};
	begin_faults(plan, a, ret);
	read_receipts(plan, obs, a, ret);
	judge_expects(m, obs, a, ret);

	weigh_run(&facts, a, ret);
	vec_foreach (e, &ret->expects)
		weigh_expect(e, a, ret);
	weigh_faults(plan, obs, a, ret);
	if (plan->control)
		judge_control(ret, obs, a);
}
