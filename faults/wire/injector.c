/* SPDX-License-Identifier: MIT */
#include "faults/wire/injector.h"

#include "faults/wire/forge.h"
#include "faults/wire/icmp.h"

static struct fault_window *window_of(struct injector *inj)
{
	return &inj->fault->windows[inj->fault->current];
}

static struct receipt *counts_of(struct injector *inj, const struct crossing *c)
{
	return flow_counts_of(&window_of(inj)->flows, &c->flow->end[0].at, &c->flow->end[1].at,
			      FLOW_TCP);
}

bool injector_next(struct injector *inj, struct crossing *c)
{
	while ((c->flow = flows_next_live(inj->flows, c->flow))) {
		bool matches = false;

		for (int e = 0; e < 2; e++) {
			c->at_cable[e] =
				index_list_has(&inj->fault->step->cables, c->flow->end[e].host) &&
				match_flow(&inj->fault->match, c->flow, !e);
			matches |= c->at_cable[e];
		}
		if (matches) {
			window_of(inj)->did.matched++;
			counts_of(inj, c)->matched++;
			return true;
		}
	}
	return false;
}

/* Of a flow, the host whose cable the fault is on: where the packet is shown. */
static int cable_of(const struct crossing *c, int victim)
{
	return c->flow->end[c->at_cable[victim] ? victim : !victim].host;
}

/*
 * The frame goes to the host, and is captured on the cable. `p`: it is a segment that ends a
 * connection; NULL: it is not. True if it arrived.
 */
static bool inject(struct injector *inj, int cable, int host, const uint8_t *frame, size_t len,
		   const struct packet *p)
{
	uint64_t id = trace_enter(inj->trace, cable, inj->now, frame, len, len);
	bool arrived = inj->send(inj->ctx, host, frame, len);

	window_of(inj)->did.injected++;
	if (p) {
		trace_observe(inj->trace, id, (struct flow_event){.event = EV_FORGED}, p);
		trace_forged(inj->trace, id, inj->fault->index);
	}
	trace_note(inj->trace, id, "forged by %s (%s)", inj->fault->label,
		   inj->fault->step->fault.ops->name);
	if (arrived)
		trace_arrived(inj->trace, id, inj->now);
	trace_done(inj->trace, id);
	return arrived;
}

static void inject_reset(struct injector *inj, int cable, int host, const uint8_t *frame,
			 size_t len)
{
	struct packet p;

	packet_parse(frame, len, &p);
	flow_counts_of_packet(&window_of(inj)->flows, &p)->injected++;
	if (inject(inj, cable, host, frame, len, &p))
		flows_arrived(inj->flows, &p, host);
}

static void reset_end(struct injector *inj, const struct flow *flow, int victim, int cable)
{
	const struct flow_end *end = &flow->end[victim];
	uint8_t frame[FORGED_RESET_MAX];
	uint32_t seq, ack;

	if (end->host < 0 || !flow_reset_numbers(flow, victim, &seq, &ack))
		return;
	inject_reset(inj, cable, end->host, frame, forge_reset(flow, victim, seq, ack, frame));
}

void injector_reset(struct injector *inj, const struct crossing *c, int victim)
{
	reset_end(inj, c->flow, victim, cable_of(c, victim));
}

static void answer_with_icmp(struct injector *inj, const struct answer *answer,
			     const struct answered *to)
{
	uint8_t frame[FORGED_ICMP_MAX];
	size_t len =
		forge_icmp_error(to->packet, to->bytes, to->len, answer->reply, answer->mtu, frame);

	if (!len)
		return;
	flow_counts_of_packet(&window_of(inj)->flows, to->packet)->injected++;
	inject(inj, to->cable, to->sender, frame, len, NULL);
}

static void answer_with_reset(struct injector *inj, const struct answered *to)
{
	uint8_t frame[FORGED_RESET_MAX];
	size_t len = forge_refusal(to->packet, frame);

	if (len)
		inject_reset(inj, to->cable, to->sender, frame, len);
}

static void reset_ends(struct injector *inj, const struct answer *answer, const struct answered *to)
{
	int sender;
	const struct flow *flow =
		packet_is_tcp(to->packet) ? flows_find(inj->flows, to->packet, &sender) : NULL;

	if (!flow)
		return;
	if (answer->reset_sender)
		reset_end(inj, flow, sender, to->cable);
	if (answer->reset_receiver)
		reset_end(inj, flow, !sender, to->cable);
}

void injector_answer(struct injector *inj, const struct answer *answer, const struct answered *to)
{
	if (answer->reply == REPLY_RESET)
		answer_with_reset(inj, to);
	else if (answer->reply != REPLY_NONE)
		answer_with_icmp(inj, answer, to);
	if (answer->reset_sender || answer->reset_receiver)
		reset_ends(inj, answer, to);
}
