/* SPDX-License-Identifier: MIT */
/*
 * Faults on hosts and on apps. Each does its work at the on-edge, with hands of its own (hands.h),
 * and what these did is taken back at the off-edge. The records are those of a fault on cables: on,
 * off and a receipt, the times asked and of effect. Where the link engine has a part in it too
 * (`power-off`), that records the edges, which are exact there; its receipt and ours add up.
 */
#include <stdlib.h>

#include "faults/fault.h"
#include "harness/run/hands.h"
#include "harness/run/state.h"

/* One window, while it is open. */
struct window {
	struct due_step due;
	struct init_hands hands;
	struct receipt did;
	bool open;
};

struct hostfaults {
	VEC(struct window) windows; /* at most one of a step is open */
};

void hostfaults_create(struct state *s)
{
	s->hostfaults = arena_new(&s->arena, struct hostfaults);
}

static const struct plan_step *step_of(const struct state *s, const struct due_step *due)
{
	return &s->plan->steps.v[due->step];
}

static struct observation *record(struct state *s, enum obs_event event, const struct due_step *due)
{
	struct observation *o = state_record(s, OBS_FAULT, event, -1, -1);

	o->fault = (struct obs_fault){
		.step = (int16_t)due->step, .edge = (int16_t)due->edge, .asked = s->t0 + due->at};
	return o;
}

static bool engine_records(const struct plan_step *step)
{
	return step->fault.ops->packet != NULL;
}

/* The window of the step: the one that is open, or one that can be opened. */
static struct window *window_of(struct state *s, const struct due_step *due)
{
	vec_foreach (w, &s->hostfaults->windows)
		if (w->due.step == due->step)
			return w;
	struct window *w = vec_push(&s->arena, &s->hostfaults->windows);
	*w = (struct window){0};
	return w;
}

/* On each of the targets; the name of the one that failed goes into the error. */
static void act(struct state *s, const struct plan_step *step, struct window *w)
{
	const struct fault_ops *ops = step->fault.ops;
	bool on_apps = ops->target == FAULT_ON_APPS;
	const struct index_list *targets = on_apps ? &step->apps : &step->cables;

	for (size_t i = 0; i < targets->n; i++) {
		int index = (int)targets->v[i];
		struct err err = {0};

		if (ops->act(&step->fault, &w->hands.hands, index, &w->did, &err) == 0)
			continue;
		steps_fail(s, step,
			   on_apps ? s->plan->apps.v[index].name : s->plan->hosts.v[index].name,
			   &err);
		return;
	}
}

void hostfaults_on(struct state *s, const struct due_step *due)
{
	const struct plan_step *step = step_of(s, due);
	struct window *w = window_of(s, due);

	*w = (struct window){.due = *due, .open = true};
	hands_init(&w->hands, s);
	act(s, step, w);
	/* It is in effect when all of it is done. */
	if (!engine_records(step))
		record(s, EV_ON, due);
}

void hostfaults_off(struct state *s, const struct due_step *due)
{
	const struct plan_step *step = step_of(s, due);
	struct window *w = window_of(s, due);
	struct err err = {0};

	if (!w->open)
		return;
	w->open = false;
	if (hands_take_back(&w->hands, &err) < 0)
		steps_fail(s, step, "(its end)", &err);
	if (!engine_records(step))
		record(s, EV_OFF, due);
	record(s, EV_RECEIPT, due)->fault.did = w->did;
}

void hostfaults_end(struct state *s)
{
	vec_foreach (w, &s->hostfaults->windows)
		if (w->open) {
			struct observation *o = record(s, EV_RECEIPT, &w->due);

			o->fault.asked = o->t; /* no end was planned */
			o->fault.did = w->did;
		}
}
