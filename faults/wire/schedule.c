/* SPDX-License-Identifier: MIT */
#include "faults/wire/schedule.h"

#include <stdlib.h>

static void add_edge(struct schedule *s, struct edge e)
{
	if (s->n == s->capacity) {
		s->capacity = s->capacity ? s->capacity * 2 : 16;
		s->v = reallocarray(s->v, s->capacity, sizeof(*s->v));
		if (!s->v)
			abort();
	}
	s->v[s->n++] = e;
}

void schedule_add(struct schedule *s, struct running_fault *f, nsec_t t0)
{
	for (size_t i = 0; i < f->step->edges.n; i++) {
		const struct plan_edge *window = &f->step->edges.v[i];

		add_edge(s, (struct edge){t0 + window->on, true, f, i});
		if (window->off != NSEC_NEVER)
			add_edge(s, (struct edge){t0 + window->off, false, f, i});
	}
}

/* The order at one time. */
static int phase(const struct edge *e)
{
	const struct plan_edge *window = &e->fault->step->edges.v[e->window];

	if (e->on)
		return 1;
	return window->off > window->on ? 0 : 2;
}

static int compare(const void *va, const void *vb)
{
	const struct edge *a = va, *b = vb;

	if (a->t != b->t)
		return a->t < b->t ? -1 : 1;
	if (phase(a) != phase(b))
		return phase(a) - phase(b);
	if (a->fault->index != b->fault->index)
		return a->fault->index - b->fault->index;
	return (a->window > b->window) - (a->window < b->window);
}

void schedule_sort(struct schedule *s)
{
	if (s->n)
		qsort(s->v, s->n, sizeof(*s->v), compare);
}

nsec_t schedule_next(const struct schedule *s)
{
	return s->next < s->n ? s->v[s->next].t : NSEC_NEVER;
}

const struct edge *schedule_pop(struct schedule *s)
{
	if (s->next == s->n)
		return NULL;

	const struct edge *e = &s->v[s->next++];
	e->fault->windows[e->window].open = e->on;
	e->fault->n_open += e->on ? 1 : -1;
	if (e->on) {
		e->fault->current = e->window;
		e->fault->n_opened++;
		e->fault->windows[e->window].opened_at = e->t;
	}
	return e;
}

void schedule_free(struct schedule *s)
{
	free(s->v);
	*s = (struct schedule){0};
}
