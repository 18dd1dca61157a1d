/* SPDX-License-Identifier: MIT */
#include "faults/tests/testplan.h"

struct plan *testplan_new(struct arena *a, int n_hosts, uint64_t seed)
{
	struct plan *plan = arena_new(a, struct plan);

	plan->name = arena_strdup(a, "a test");
	plan->seed = seed;
	for (int i = 0; i < n_hosts; i++) {
		struct plan_host *h = vec_push(a, &plan->hosts);

		h->name = arena_printf(a, "h%d", i);
		h->mac = arena_printf(a, "02:00:00:00:00:%02x", i + 1);
		h->ip4 = arena_printf(a, "10.0.0.%d", i + 1);
		h->ip6 = arena_printf(a, "fd00::%x", i + 1);
	}
	return plan;
}

static void add_index(struct index_list *list, struct arena *a, int64_t index)
{
	int64_t *v = arena_new_array(a, int64_t, list->n + 1);

	for (size_t i = 0; i < list->n; i++)
		v[i] = list->v[i];
	v[list->n] = index;
	list->v = v;
	list->n++;
}

struct plan_step *testplan_fault(struct plan *plan, struct arena *a, const char *id,
				 const char *kind, int cable, nsec_t on, nsec_t off)
{
	struct plan_step *s = vec_push(a, &plan->steps);

	s->id = arena_strdup(a, id);
	s->kind = arena_strdup(a, kind);
	s->step = STEP_FAULT;
	fault_spec_unset(&s->fault);
	s->fault.ops = fault_find(kind);
	testplan_add_cable(s, a, cable);
	testplan_add_window(s, a, on, off);
	return s;
}

void testplan_add_window(struct plan_step *s, struct arena *a, nsec_t on, nsec_t off)
{
	*vec_push(a, &s->edges) = (struct plan_edge){on, off};
}

void testplan_add_cable(struct plan_step *s, struct arena *a, int cable)
{
	add_index(&s->cables, a, cable);
}

void testplan_match_peer(struct plan_step *s, struct arena *a, int host)
{
	add_index(&s->match_peers, a, host);
}

void testplan_match_kind(struct plan_step *s, struct arena *a, const char *kind)
{
	struct strings *kinds = &s->fault.match.kind;
	char **v = arena_new_array(a, char *, kinds->n + 1);

	for (size_t i = 0; i < kinds->n; i++)
		v[i] = kinds->v[i];
	v[kinds->n++] = arena_strdup(a, kind);
	kinds->v = v;
}
