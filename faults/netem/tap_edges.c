/* SPDX-License-Identifier: MIT */
#include "faults/netem/tap_state.h"

/* The directions of the cables that a fault is on. */
static void touch(struct tap *t, const struct running_fault *f)
{
	for (size_t i = 0; i < t->cables.n; i++)
		for (enum leg leg = LEG_FROM_HOST; leg <= LEG_TO_HOST; leg++) {
			const struct chain *c = tap_chain(t, (int)i, leg);

			for (size_t k = 0; k < c->n; k++)
				if (c->links[k].fault == f)
					t->halves[i][leg].is_touched = true;
		}
}

/* A plan is checked before it runs: netem can do all of it. */
static struct netem_params compose(const struct chain *c)
{
	struct netem_params p = {0};

	for (size_t i = 0; i < c->n; i++)
		if (c->links[i].fault->n_open)
			(void)netem_add(&p, &c->links[i].fault->step->fault);
	return p;
}

/* Tells the kernel; gives the time from which all of it holds. */
static nsec_t change_qdiscs(struct tap *t)
{
	for (size_t i = 0; i < t->cables.n; i++)
		for (enum leg leg = LEG_FROM_HOST; leg <= LEG_TO_HOST; leg++) {
			struct half *half = &t->halves[i][leg];
			const struct chain *c = tap_chain(t, (int)i, leg);

			if (!half->is_touched)
				continue;
			half->is_touched = false;
			half->params = compose(c);
			t->sinks.set(t->sinks.ctx, (int)i, c->direction, &half->params,
				     rng_u64(&half->rng));
		}
	return t->sinks.commit(t->sinks.ctx);
}

static void take_down(struct tap *t, const struct edge *e, nsec_t at)
{
	const struct index_list *named = &e->fault->step->cables;

	edge_set_carriers(e, &t->cables, &t->sinks.wire);
	for (size_t i = 0; e->on && i < named->n; i++)
		t->downed[named->v[i]] = (struct downed){e->fault, e->window, at};
}

static void close_window(struct tap *t, const struct edge *e, nsec_t at)
{
	struct tap_fault *own = tap_fault_of(t, e->fault);

	own->windows[e->window].closed = true;
	own->windows[e->window].asked = e->t;
	own->windows[e->window].off = at;
	t->n_closed++;
	if (!e->fault->n_open)
		own->lifted = at;
}

static void apply(struct tap *t, const struct edge *e, nsec_t at)
{
	const struct fault_spec *spec = &e->fault->step->fault;

	if (spec->ops->takes_down)
		take_down(t, e, at);
	edge_record(e->on ? EV_ON : EV_OFF, e->fault, e->window, e->t, at, &t->sinks.wire);
	if (!e->on) {
		close_window(t, e, at);
	} else if (spec->ops->on) {
		struct injector inj = tap_injector(t, e->fault, at);

		spec->ops->on(spec, &inj);
	}
}

void tap_start(struct tap *t, nsec_t t0)
{
	for (size_t i = 0; i < t->cables.n_faults; i++)
		schedule_add(&t->schedule, &t->cables.faults[i], t0);
	schedule_sort(&t->schedule);
}

nsec_t tap_next(const struct tap *t)
{
	return schedule_next(&t->schedule);
}

void tap_advance(struct tap *t, nsec_t now)
{
	size_t n = 0;

	if (now > t->now)
		t->now = now;
	tap_expire(t, now);
	while (schedule_next(&t->schedule) <= now &&
	       (t->due[n] = schedule_pop(&t->schedule)) != NULL) {
		touch(t, t->due[n]->fault);
		n++;
	}
	if (n) {
		nsec_t at = change_qdiscs(t);

		for (size_t i = 0; i < n; i++)
			apply(t, t->due[i], at > t->due[i]->t ? at : t->due[i]->t);
	}
	tap_write_receipts(t, now);
}
