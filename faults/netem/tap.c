/* SPDX-License-Identifier: MIT */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/netem/tap_state.h"
#include "faults/wire/whereabouts.h"

/*
 * Theory of operation
 *
 * A frame from host A to host B goes through two qdiscs, and is seen three times:
 *
 *   left A --> [qdisc: faults from-host of A] --> the switch --> entered the cable of B
 *          --> [qdisc: faults to-host of B] --> arrived
 *
 * What a qdisc did to it is not told, but follows from what is seen. Each frame that goes into one is
 * a flight (flights.h), with the faults that were on at that moment. One that comes out was delayed,
 * by the fault `delay` or `rate` that was on; or sent ahead, when a `reorder` was on and it took
 * nearly no time. One that comes out again has a double. One of which a bit is another is corrupt.
 * And one that has not come out when the largest delay is long over was lost: by what blocks, if
 * that was on, else by chance, else by a full queue; where chance and a queue were both on, the
 * length of the queue tells.
 *
 * So a fate is known late, and a receipt is written when the last frame of its window has one.
 *
 * An edge is what the kernel makes of it: the qdiscs are told at the nominal time, and the edge is in
 * effect when the kernel has answered. A frame that was under way meanwhile counts as one of the
 * window, be it dropped or not. Edges that are due together go out together, to all cables.
 *
 * What blocks may answer, and a reset may be forged: that is done here, as by the engine wire, when
 * the frame is seen to go in. The forged frame goes straight to its receiver.
 */

/* Connections remembered, as those of wire.c. */
#define MAX_FLOWS 65536

/*
 * A frame that comes out this much later than it could by its delays is believed to be lost. The
 * kernel moves it on at once, so this is only for machines that stand still.
 */
#define SLACK (200 * NSEC_PER_MSEC)
/* At the end: a frame that went in this long before may still be on its way. */
#define TRANSIT NSEC_PER_MSEC

/* -- construction ---------------------------------------------------------------------------- */

static void *must(void *p)
{
	if (!p)
		abort();
	return p;
}

static void set_up(struct tap *t)
{
	size_t n_hosts = t->plan->hosts.n, n_edges = 0;

	cables_init(&t->cables, t->plan);
	flights_init(&t->flights, n_hosts);
	t->flows = must(flows_new(MAX_FLOWS));
	t->halves = must(calloc(n_hosts + 1, sizeof(*t->halves)));
	t->downed = must(calloc(n_hosts + 1, sizeof(*t->downed)));
	t->faults = must(calloc(t->cables.n_faults + 1, sizeof(*t->faults)));
	for (size_t i = 0; i < t->cables.n_faults; i++) {
		size_t n = t->cables.faults[i].step->edges.n;

		t->faults[i].windows = must(calloc(n + 1, sizeof(struct tap_window)));
		t->faults[i].lifted = NSEC_UNSET;
		n_edges += 2 * n;
	}
	t->due = must(calloc(n_edges + 1, sizeof(struct edge *)));
	for (size_t i = 0; i < n_hosts; i++)
		for (enum leg leg = LEG_FROM_HOST; leg <= LEG_TO_HOST; leg++) {
			const struct chain *c = tap_chain(t, (int)i, leg);
			char stream[256];

			snprintf(stream, sizeof(stream), "netem/%s/%s", c->host,
				 direction_names[c->direction]);
			rng_init(&t->halves[i][leg].rng, t->plan->seed, stream);
		}
}

struct tap *tap_new(const struct plan *plan, const struct tap_sinks *sinks, struct err *err)
{
	struct tap *t = calloc(1, sizeof(*t));

	if (!t) {
		err_set(err, "out of memory for the link engine");
		return NULL;
	}
	t->plan = plan;
	t->sinks = *sinks;
	t->trace.sinks = sinks->wire;
	t->now = INT64_MIN;
	set_up(t);
	if (tally_init(&t->tally, plan, &sinks->wire, err)) {
		tap_free(t);
		return NULL;
	}
	return t;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	tap_recycle(t);
	trace_free(&t->trace);
	tally_free(&t->tally);
	flights_free(&t->flights);
	flows_free(t->flows);
	schedule_free(&t->schedule);
	for (size_t i = 0; i < t->cables.n_faults; i++)
		free(t->faults[i].windows);
	cables_free(&t->cables);
	free(t->faults);
	free(t->halves);
	free(t->downed);
	free(t->due);
	free(t);
}

bool tap_has_faults(const struct tap *t, int host, enum direction direction)
{
	return tap_chain(t, host, direction == DIRECTION_FROM_HOST ? LEG_FROM_HOST : LEG_TO_HOST)
		       ->n > 0;
}

/* -- flights --------------------------------------------------------------------------------- */

static void leave_queue(struct tap *t, struct flight *f)
{
	t->halves[f->cable][f->leg].n_queued -= f->queued;
	f->queued = false;
}

static void end_flight(struct tap *t, struct flight *f)
{
	uint64_t id = f->id;

	for (int i = 0; i < f->n_on; i++)
		tap_window_of(t, &f->on[i])->undecided--;
	leave_queue(t, f);
	flights_remove(&t->flights, f);
	trace_done(&t->trace, id);
}

void tap_expire(struct tap *t, nsec_t now)
{
	for (struct flight *f; (f = t->flights.oldest) && f->latest + SLACK < now;) {
		if (!f->n_out)
			account_loss(t, f);
		end_flight(t, f);
	}
}

static bool send_injected(void *ctx, int host, const uint8_t *bytes, size_t len)
{
	struct tap *t = ctx;

	/* Past all faults, but not over a cable that is not there. */
	if (t->cables.v[host].n_down)
		return false;
	struct spent *s = must(malloc(sizeof(*s) + len));
	memcpy(s->bytes, bytes, len);
	s->next = t->spent;
	t->spent = s;
	struct packet p;
	packet_parse(bytes, len, &p);
	tally_delivered(&t->tally, &p, HOST_UNKNOWN, host, t->now);
	const struct cable_frame f = {.bytes = s->bytes, .len = len, .original_len = len};
	t->sinks.wire.emit(t->sinks.wire.ctx, host, &f);
	return true;
}

struct injector tap_injector(struct tap *t, struct running_fault *f, nsec_t at)
{
	return (struct injector){
		.fault = f,
		.flows = t->flows,
		.trace = &t->trace,
		.now = at,
		.send = send_injected,
		.ctx = t,
	};
}

/* What blocks the frame may tell its sender. */
static void answer(struct tap *t, const struct flight *f, struct chain_link *l, nsec_t at)
{
	const struct fault_spec *spec = &l->fault->step->fault;
	const struct chain *c = tap_chain(t, f->cable, f->leg);
	struct fate fate = {0};

	spec->ops->packet(&(struct fault_call){.spec = spec,
					       .packet = &f->packet,
					       .rng = &l->rng,
					       .now = at,
					       .cable = c->cable,
					       .direction = c->direction,
					       .peer = HOST_UNKNOWN},
			  &fate);
	if (fate.reply == REPLY_NONE)
		return;
	struct injector inj = tap_injector(t, l->fault, at);
	const struct answer forged = {.fault = l->fault, .reply = fate.reply};
	injector_answer(&inj, &forged,
			&(struct answered){&f->packet, f->bytes, f->len, f->sender, c->cable});
}

static bool is_on(const struct tap *t, const struct running_fault *f, nsec_t at)
{
	nsec_t lifted = tap_fault_of(t, f)->lifted;

	return f->n_open || (lifted != NSEC_UNSET && at <= lifted);
}

/* Each fault that is on has met it, until one that blocks. */
static void meet_faults(struct tap *t, struct flight *f, nsec_t at)
{
	struct chain *c = tap_chain(t, f->cable, f->leg);

	for (size_t i = 0; i < c->n && f->n_on < FLIGHT_MAX_FAULTS; i++) {
		struct running_fault *fault = c->links[i].fault;
		const struct fault_ops *ops = fault->step->fault.ops;

		if (!is_on(t, fault, at) || !ops->packet ||
		    (ops->concerns && !ops->concerns(&fault->step->fault, &f->packet)))
			continue;
		struct flight_fault *on = &f->on[f->n_on++];
		*on = (struct flight_fault){&c->links[i], fault->current};
		tap_window_of(t, on)->undecided++;
		if (ops->stage != FAULT_STAGE_BLOCK)
			continue;
		if (fault->n_open)
			answer(t, f, &c->links[i], at);
		return;
	}
}

/* A frame goes into the qdisc of one direction of a cable. */
static struct flight *enter(struct tap *t, enum leg leg, int cable, const struct flight *before,
			    const uint8_t *bytes, size_t len, nsec_t at)
{
	struct half *half = &t->halves[cable][leg];
	struct flight *f = flights_enter(&t->flights, leg, cable, bytes, len);

	f->entered = at;
	f->latest = at + netem_longest(&half->params);
	f->overflows = half->params.bytes_per_s && half->n_queued >= half->params.limit;
	f->queued = !f->overflows;
	half->n_queued += f->queued;
	if (before) {
		f->id = before->id;
		f->sender = before->sender;
		f->packet = before->packet;
		f->corrupt = before->corrupt;
		trace_hold(&t->trace, f->id, f->latest);
	}
	return f;
}

/* A rate keeps the order: what went in before this one and has not come out is not queued. */
static void pass_over(struct tap *t, const struct flight *f)
{
	for (struct flight *older = f->older; older; older = older->older)
		if (older->cable == f->cable && older->leg == f->leg)
			leave_queue(t, older);
}

/* The flight that comes out as this frame, accounted for; NULL: the frame is nobody's. */
static struct flight *come_out(struct tap *t, enum leg leg, int host, const uint8_t *bytes,
			       size_t len, nsec_t at)
{
	struct flight *f = flights_find(&t->flights, leg, host, bytes, len);

	if (!f) {
		size_t offset = 0;

		f = flights_find_corrupt(&t->flights, leg, host, bytes, len, &offset);
		if (!f)
			return NULL;
		account_corruption(t, f, offset);
	}
	bool again = flight_was_seen(f, host);
	if (!f->n_out) {
		leave_queue(t, f);
		if (t->halves[f->cable][f->leg].params.bytes_per_s)
			pass_over(t, f);
		account_matched(f, NULL);
		account_passage(t, f, at);
	}
	flight_see(f, host);
	if (again)
		account_double(t, f);
	return f;
}

/* Nothing more can be expected of it. */
static bool is_decided(const struct flight *f)
{
	return !f->seen && !flight_fault_at(f, FAULT_STAGE_DUPLICATE);
}

/* -- what is seen ---------------------------------------------------------------------------- */

static void see_left(struct tap *t, int host, const uint8_t *bytes, size_t len, size_t original_len,
		     nsec_t at)
{
	struct flight *f = enter(t, LEG_FROM_HOST, host, NULL, bytes, len, at);

	packet_parse(bytes, len, &f->packet);
	f->sender = host;
	f->id = trace_enter(&t->trace, host, at, bytes, len, original_len);
	if (packet_is_tcp(&f->packet)) {
		struct flow_event event = flows_sent(t->flows, &f->packet, host);

		if (event.keepalive)
			f->packet.kind = KIND_KEEPALIVE;
		if (event.event != EV_N_EVENTS)
			trace_observe(&t->trace, f->id, event, &f->packet);
	}
	tally_sent(&t->tally, &f->packet, host, at);
	meet_faults(t, f, at);
}

static void see_entered(struct tap *t, int host, const uint8_t *bytes, size_t len, nsec_t at)
{
	struct flight *f = come_out(t, LEG_FROM_HOST, host, bytes, len, at);

	if (!f)
		return;
	meet_faults(t, enter(t, LEG_TO_HOST, host, f, bytes, len, at), at);
	if (is_decided(f))
		end_flight(t, f);
}

static void see_arrived(struct tap *t, int host, const uint8_t *bytes, size_t len, nsec_t at)
{
	struct flight *f = come_out(t, LEG_TO_HOST, host, bytes, len, at);

	if (!f)
		return;
	if (!f->corrupt) {
		trace_arrived(&t->trace, f->id, at);
		tally_delivered(&t->tally, &f->packet, f->sender, host, at);
		if (packet_is_tcp(&f->packet))
			flows_arrived(t->flows, &f->packet, host);
	}
	if (is_decided(f))
		end_flight(t, f);
}

void tap_input(struct tap *t, enum tap_point point, int host, const uint8_t *bytes, size_t len,
	       size_t original_len, nsec_t at)
{
	if (at > t->now)
		t->now = at;
	tap_expire(t, t->now);
	if (point == TAP_LEFT)
		see_left(t, host, bytes, len, original_len, t->now);
	else if (point == TAP_ENTERED)
		see_entered(t, host, bytes, len, t->now);
	else
		see_arrived(t, host, bytes, len, t->now);
}

void tap_recycle(struct tap *t)
{
	while (t->spent) {
		struct spent *s = t->spent;

		t->spent = s->next;
		free(s);
	}
}

/* A delay holds it back, or it has just gone in. */
static bool is_still_on_its_way(const struct flight *f, nsec_t now)
{
	return !f->n_out && !flight_fault_at(f, FAULT_STAGE_BLOCK) && f->latest + TRANSIT >= now;
}

void tap_end(struct tap *t, nsec_t now)
{
	tap_advance(t, now);
	for (struct flight *f; (f = t->flights.oldest);) {
		if (is_still_on_its_way(f, now)) {
			account_matched(f, NULL);
			trace_note(&t->trace, f->id, "still on its way at the end");
		} else if (!f->n_out) {
			account_loss(t, f);
		}
		end_flight(t, f);
	}
	tap_write_receipts(t, NSEC_NEVER);
	for (size_t i = 0; i < t->cables.n_faults; i++) {
		struct running_fault *f = &t->cables.faults[i];

		/* What has no planned end ends here, and so does what would have ended later. */
		for (size_t e = 0; e < f->step->edges.n; e++)
			if (f->windows[e].open)
				edge_record_receipt(f, e, now, now, &t->sinks.wire);
	}
}
