/* SPDX-License-Identifier: MIT */
#include "faults/wire/chain.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"

void running_fault_init(struct running_fault *f, const struct plan *plan, size_t step, int nth)
{
	const struct plan_step *s = &plan->steps.v[step];

	*f = (struct running_fault){.step = s, .index = (int)step};
	f->windows = calloc(s->edges.n + 1, sizeof(*f->windows));
	if (!f->windows)
		abort();
	match_init_fault(&f->match, plan, s);

	/*
	 * A step without an id of its own bears its kind's name only as long as it is alone, so
	 * that name would change with the next fault of its kind.
	 */
	bool own_id = s->id && strcmp(s->id, s->fault.ops->name) != 0;
	int n = own_id ? asprintf(&f->stream, "%s", s->id)
		       : asprintf(&f->stream, "%s#%d", s->fault.ops->name, nth);
	if (n < 0)
		abort();
	f->label = s->id ? s->id : f->stream;
}

void running_fault_free(struct running_fault *f)
{
	match_free(&f->match);
	for (size_t i = 0; i < f->step->edges.n; i++)
		flow_counts_free(&f->windows[i].flows);
	free(f->windows);
	free(f->stream);
}

void fault_memory_init(struct fault_memory *m, size_t size)
{
	*m = (struct fault_memory){0};
	if (!size)
		return;
	m->state = calloc(1, size);
	if (!m->state)
		abort();
}

void fault_memory_free(struct fault_memory *m)
{
	free(m->state);
	m->state = NULL;
}

void chain_add(struct chain *c, struct running_fault *f, struct fault_memory *cable_memory,
	       uint64_t seed)
{
	_cleanup_free_ char *stream = NULL;
	const struct fault_ops *ops = f->step->fault.ops;

	c->links = reallocarray(c->links, c->n + 1, sizeof(*c->links));
	if (!c->links)
		abort();
	size_t i = c->n++;
	for (; i && c->links[i - 1].fault->step->fault.ops->stage > ops->stage; i--)
		c->links[i] = c->links[i - 1];
	c->links[i] = (struct chain_link){.fault = f, .cable_memory = cable_memory};
	fault_memory_init(&c->links[i].memory, ops->state_size);
	if (asprintf(&stream, "%s/%s/%s", f->stream, c->host, direction_names[c->direction]) < 0)
		abort();
	rng_init(&c->links[i].rng, seed, stream);
	if (asprintf(&c->links[i].by, " by %s (%s on %s %s)", f->label, ops->name, c->host,
		     direction_names[c->direction]) < 0)
		abort();
}

/* Nothing of an earlier window is remembered in this one. */
static void refresh(const struct chain_link *l, struct fault_memory *m, size_t size, bool of_cable)
{
	const struct fault_ops *ops = l->fault->step->fault.ops;

	if (!m->state || m->n_opened == l->fault->n_opened)
		return;
	m->n_opened = l->fault->n_opened;
	if (ops->forget)
		ops->forget(of_cable ? NULL : m->state, of_cable ? m->state : NULL);
	memset(m->state, 0, size);
}

void chain_free(struct chain *c)
{
	for (size_t i = 0; i < c->n; i++) {
		const struct fault_ops *ops = c->links[i].fault->step->fault.ops;

		if (ops->forget && c->links[i].memory.state)
			ops->forget(c->links[i].memory.state, NULL);
		fault_memory_free(&c->links[i].memory);
		free(c->links[i].by);
	}
	free(c->links);
	c->links = NULL;
	c->n = 0;
}

/* Counts and notes what one fault made of the packet: `fate`, which was `before`. */
static void account(const struct chain_link *l, const struct fate *before, const struct fate *fate,
		    struct trace *trace, uint64_t id)
{
	const struct running_fault *f = l->fault;
	struct receipt *did = &f->windows[f->current].did;
	nsec_t delay = fate->delay + fate->queued - before->delay - before->queued;

	if (fate->drop) {
		did->dropped++;
		trace_dropped(trace, id, f->index);
		trace_note_by(trace, id, "dropped", l->by);
		return;
	}
	if (fate->corrupt && !before->corrupt) {
		did->corrupted++;
		trace_dropped(trace, id, f->index);
		trace_note_by(trace, id, "corrupted", l->by);
	}
	if (fate->duplicate) {
		did->duplicated++;
		trace_note_by(trace, id, "duplicated", l->by);
	}
	if (fate->reordered && !before->reordered) {
		did->reordered++;
		trace_note_by(trace, id, "sent ahead", l->by);
	} else if (delay) {
		did->delayed++;
		trace_note_delayed(trace, id, delay, l->by);
	}
}

static void show(struct chain *c, struct chain_link *l, const struct crossing_packet *p,
		 struct fate *fate)
{
	struct running_fault *f = l->fault;
	const struct fault_ops *ops = f->step->fault.ops;
	const struct fault_window *window = &f->windows[f->current];

	refresh(l, &l->memory, ops->state_size, false);
	refresh(l, l->cable_memory, ops->cable_state_size, true);
	ops->packet(
		&(struct fault_call){
			.spec = &f->step->fault,
			.packet = p->packet,
			.rng = &l->rng,
			.state = l->memory.state,
			.cable_state = l->cable_memory->state,
			.now = p->now,
			.on = window->opened_at,
			.nth = window->did.matched,
			.cable = c->cable,
			.direction = c->direction,
			.peer = p->peer,
		},
		fate);
}

static bool answers(const struct fate *fate)
{
	return fate->reply != REPLY_NONE || fate->reset_sender || fate->reset_receiver;
}

/* The next fault begins without any: each answers for itself. */
static void add_answer(struct passing *passing, struct running_fault *f, struct fate *fate)
{
	if (passing->n_answers < CHAIN_MAX_ANSWERS)
		passing->answers[passing->n_answers++] = (struct answer){
			.fault = f,
			.reply = fate->reply,
			.mtu = fate->reply_mtu,
			.reset_sender = fate->reset_sender,
			.reset_receiver = fate->reset_receiver,
		};
	fate->reply = REPLY_NONE;
	fate->reset_sender = fate->reset_receiver = false;
}

/* The packet is one that the fault is to see and to count. */
static bool is_about(const struct chain *c, const struct running_fault *f,
		     const struct crossing_packet *p)
{
	const struct fault_spec *spec = &f->step->fault;

	return spec->ops->packet && match_packet(&f->match, p->packet, c->cable, p->peer) &&
	       (!spec->ops->concerns || spec->ops->concerns(spec, p->packet));
}

void chain_pass(struct chain *c, size_t first, const struct crossing_packet *p, struct trace *trace,
		struct passing *ret)
{
	struct fate *fate = &ret->fate;

	*fate = (struct fate){0};
	ret->n_answers = ret->n_copies = 0;

	for (size_t i = first; i < c->n && !fate->drop; i++) {
		struct chain_link *l = &c->links[i];
		struct running_fault *f = l->fault;

		if (!f->n_open || !is_about(c, f, p))
			continue;
		const struct fate before = *fate;
		struct fault_window *window = &f->windows[f->current];
		const struct receipt so_far = window->did;

		window->did.matched++;
		show(c, l, p, fate);
		if (fate->duplicate && ret->n_copies == CHAIN_MAX_COPIES)
			fate->duplicate = false;
		account(l, &before, fate, trace, p->id);
		if (answers(fate))
			add_answer(ret, f, fate);
		receipt_add_growth(flow_counts_of_packet(&window->flows, p->packet), &so_far,
				   &window->did);
		if (fate->duplicate)
			ret->copies[ret->n_copies++] = i + 1;
		fate->duplicate = false;
	}
}
