/* SPDX-License-Identifier: MIT */
#include "faults/wire/cables.h"

#include <stdlib.h>

bool cable_named_before(const struct index_list *list, size_t i)
{
	for (size_t j = 0; j < i; j++)
		if (list->v[j] == list->v[i])
			return true;
	return false;
}

static void add_to_cables(struct cables *c, struct running_fault *f, struct fault_memory *memories,
			  uint64_t seed)
{
	const struct index_list *named = &f->step->cables;
	int direction = f->step->fault.direction; /* unset means both */

	for (size_t i = 0; i < named->n; i++) {
		struct cable *cable = &c->v[named->v[i]];

		/* A host that is named twice, alone and by its group, has one cable all the same. */
		if (cable_named_before(named, i))
			continue;
		struct fault_memory *memory = &memories[named->v[i]];
		fault_memory_init(memory, f->step->fault.ops->cable_state_size);
		/* Who is apart from whom is certain where a packet is to arrive. */
		if (direction != DIRECTION_TO_HOST && !f->match.sides)
			chain_add(&cable->from_host, f, memory, seed);
		if (direction != DIRECTION_FROM_HOST)
			chain_add(&cable->to_host, f, memory, seed);
	}
}

/* How many faults of this kind stand in the timeline up to this step. */
static int nth_of_its_kind(const struct plan *plan, size_t step)
{
	int n = 0;

	for (size_t i = 0; i <= step; i++)
		n += plan->steps.v[i].step == STEP_FAULT &&
		     plan->steps.v[i].fault.ops == plan->steps.v[step].fault.ops;
	return n;
}

/* Others are init's alone. */
static bool is_on_cables(const struct plan_step *step)
{
	return step->step == STEP_FAULT &&
	       (step->fault.ops->target == FAULT_ON_CABLES || step->fault.ops->packet);
}

void cables_init(struct cables *c, const struct plan *plan)
{
	*c = (struct cables){.n = plan->hosts.n};
	c->v = calloc(plan->hosts.n + 1, sizeof(*c->v));
	c->faults = calloc(plan->steps.n + 1, sizeof(*c->faults));
	c->memories = calloc(plan->steps.n * plan->hosts.n + 1, sizeof(*c->memories));
	if (!c->v || !c->faults || !c->memories)
		abort();

	for (size_t i = 0; i < c->n; i++) {
		const char *name = plan->hosts.v[i].name;

		c->v[i].from_host = (struct chain){name, (int)i, DIRECTION_FROM_HOST, NULL, 0};
		c->v[i].to_host = (struct chain){name, (int)i, DIRECTION_TO_HOST, NULL, 0};
	}
	for (size_t i = 0; i < plan->steps.n; i++) {
		if (!is_on_cables(&plan->steps.v[i]))
			continue;
		struct fault_memory *memories = &c->memories[c->n_faults * c->n];
		struct running_fault *f = &c->faults[c->n_faults++];
		running_fault_init(f, plan, i, nth_of_its_kind(plan, i));
		c->by_peer |= f->match.peers != NULL;
		add_to_cables(c, f, memories, plan->seed);
	}
}

bool cable_take_down(struct cable *c, bool down)
{
	c->n_down += down ? 1 : -1;
	return c->n_down == (down ? 1 : 0);
}

struct running_fault *cables_taken_down_by(const struct cables *c, int host)
{
	for (size_t i = 0; i < c->n_faults; i++) {
		struct running_fault *f = &c->faults[i];

		if (f->n_open && f->step->fault.ops->takes_down &&
		    index_list_has(&f->step->cables, host))
			return f;
	}
	return NULL;
}

/* Of one fault, on all cables. */
static void free_memories(struct cables *c, size_t fault)
{
	const struct fault_ops *ops = c->faults[fault].step->fault.ops;

	for (size_t i = 0; i < c->n; i++) {
		struct fault_memory *m = &c->memories[fault * c->n + i];

		if (ops->forget && m->state)
			ops->forget(NULL, m->state);
		fault_memory_free(m);
	}
}

void cables_free(struct cables *c)
{
	for (size_t i = 0; i < c->n; i++) {
		chain_free(&c->v[i].from_host);
		chain_free(&c->v[i].to_host);
	}
	for (size_t i = 0; i < c->n_faults; i++) {
		free_memories(c, i);
		running_fault_free(&c->faults[i]);
	}
	free(c->memories);
	free(c->faults);
	free(c->v);
	*c = (struct cables){0};
}
