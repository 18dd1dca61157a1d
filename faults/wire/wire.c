/* SPDX-License-Identifier: MIT */
#include "faults/wire/wire.h"

#include <limits.h>
#include <net/ethernet.h>
#include <stdlib.h>
#include <string.h>

#include "faults/wire/edges.h"
#include "faults/wire/heap.h"
#include "faults/wire/injector.h"
#include "faults/wire/pool.h"
#include "faults/wire/tally.h"
#include "faults/wire/whereabouts.h"

/*
 * Theory of operation
 *
 * Each host has a cable, each cable a chain of faults for either direction. A frame from host A to
 * host B goes
 *
 *   A --> from-host chain of A --> switch --> to-host chain of B --> B
 *
 * and each arrow may take time: a chain that delays it puts a copy into the heap, and the frame
 * goes on from there when its release is due. A frame that nothing delays is never copied: it is
 * emitted from where the caller has it.
 *
 * Time is nominal. A frame enters at the time the kernel stamped on it, is released at that time
 * plus its delays, and meets each fault as it is at that nominal time. Inputs, releases and fault
 * edges are done in the order of these times (run_until); at one time first the edges, then the
 * releases in the order in which they were delayed, then the input. So a fault with the window
 * [on, off) touches exactly the packets of that window, and how late the engine itself was called
 * changes when something is sent, but not what happens to it and what is recorded of it.
 *
 * The switch knows the plan's MAC addresses from the start and learns others, and moves, from the
 * source of each frame. A frame for a group or for nobody known goes to all other hosts.
 *
 * Each packet has one record (trace.h) whatever its copies go through. TCP segments are also shown
 * to the table of flows, twice: when they leave their sender and when they arrive.
 *
 * Emitted frames are sent by the caller in batches, so a released copy lives on in `spent` until
 * wire_recycle().
 */

/* Connections remembered; the oldest closed one makes room (flow.c). About 20 MB. */
#define MAX_FLOWS 65536

/* MAC addresses that the switch can learn beside one for each host. */
#define MAX_LEARNT_MACS 4096

/*
 * Frames kept back by delays, at most: two seconds of a Gbit/s. More than that is lost, as in any
 * queue, and recorded as a loss of the harness's own.
 */
#define MAX_HELD_BYTES ((size_t)256 << 20)

enum stage {
	STAGE_SWITCH, /* next: the switch */
	STAGE_ARRIVE, /* next: its receiver */
};

/* A frame on its way. */
struct frame {
	struct cable_frame cable;
	uint64_t id; /* in the trace */
	int from;    /* host */
	int to;      /* host, once it is through the switch */
	enum stage stage;
	bool corrupt; /* its bytes are not what its sender's were */
	struct packet packet;
};

/* One that is kept back, or that was emitted and not recycled yet. */
struct held {
	struct held *next_spent;
	struct frame frame;
	uint8_t bytes[];
};

struct wire {
	const struct plan *plan;
	struct wire_sinks sinks;
	nsec_t nominal; /* the time of what is being done: never goes back */
	nsec_t now;     /* what the clock showed at this call */

	struct cables cables;
	struct schedule schedule;
	struct heap heap; /* of struct held */
	struct pool pool; /* where they come from */
	size_t held_bytes;
	uint64_t lost; /* frames that did not fit any more, not recorded yet */
	struct held *spent;

	struct whereabouts macs;      /* the switch */
	struct whereabouts addresses; /* which host an IP address is */
	struct flows *flows;
	struct trace trace;
	struct tally tally;
};

/* -- construction ---------------------------------------------------------------------------- */

static int set_up(struct wire *w, struct err *err)
{
	uint32_t n_hosts = (uint32_t)w->plan->hosts.n;

	w->flows = flows_new(MAX_FLOWS);
	if (!w->flows || whereabouts_init(&w->macs, n_hosts + MAX_LEARNT_MACS) ||
	    whereabouts_init(&w->addresses, n_hosts * ADDRESSES_PER_HOST + 1))
		return err_set(err, "out of memory for the link engine");
	cables_init(&w->cables, w->plan);
	if (tally_init(&w->tally, w->plan, &w->sinks, err))
		return -1;
	return whereabouts_put_plan(&w->macs, &w->addresses, w->plan, err);
}

struct wire *wire_new(const struct plan *plan, const struct wire_sinks *sinks, struct err *err)
{
	struct wire *w = calloc(1, sizeof(*w));

	if (!w) {
		err_set(err, "out of memory for the link engine");
		return NULL;
	}
	w->plan = plan;
	w->sinks = w->trace.sinks = *sinks;
	w->nominal = w->now = INT64_MIN;
	if (set_up(w, err)) {
		wire_free(w);
		return NULL;
	}
	return w;
}

static size_t held_size(size_t len)
{
	return sizeof(struct held) + len;
}

static void put_back(struct wire *w, struct held *h)
{
	pool_put(&w->pool, h, held_size(h->frame.cable.len));
}

static void drop_held(struct wire *w)
{
	struct held *h;

	while ((h = heap_pop(&w->heap)))
		put_back(w, h);
	heap_free(&w->heap);
	wire_recycle(w);
	pool_free(&w->pool);
}

void wire_free(struct wire *w)
{
	if (!w)
		return;
	drop_held(w);
	trace_free(&w->trace);
	tally_free(&w->tally);
	cables_free(&w->cables);
	schedule_free(&w->schedule);
	whereabouts_free(&w->macs);
	whereabouts_free(&w->addresses);
	flows_free(w->flows);
	free(w);
}

/* -- the way of a frame ---------------------------------------------------------------------- */

/* Keeps a copy of the frame until the delay is over. */
static void hold(struct wire *w, const struct frame *f, enum stage stage, nsec_t delay)
{
	size_t size = held_size(f->cable.len);

	if (w->held_bytes + size > MAX_HELD_BYTES) {
		w->lost++;
		trace_note(&w->trace, f->id, "lost: the engine holds back too much already");
		return;
	}
	struct held *h = pool_get(&w->pool, size);
	h->frame = *f;
	h->frame.stage = stage;
	memcpy(h->bytes, f->cable.bytes, f->cable.len);
	h->frame.cable.bytes = h->bytes;
	w->held_bytes += size;
	trace_hold(&w->trace, f->id, w->nominal + delay);
	heap_push(&w->heap, w->nominal + delay, h);
}

/* The cable has gone down while the frame was on its way. */
static bool is_lost_with_its_cable(struct wire *w, const struct frame *f)
{
	struct running_fault *by =
		w->cables.v[f->to].n_down ? cables_taken_down_by(&w->cables, f->to) : NULL;

	if (!by)
		return false;
	edge_account_lost(by, by->current, f->id, w->plan->hosts.v[f->to].name, &w->trace);
	return true;
}

static void arrive(struct wire *w, const struct frame *f)
{
	if (is_lost_with_its_cable(w, f))
		return;
	w->sinks.emit(w->sinks.ctx, f->to, &f->cable);
	if (f->corrupt)
		return; /* its receiver throws it away */
	trace_arrived(&w->trace, f->id, w->nominal);
	tally_delivered(&w->tally, &f->packet, f->from, f->to, w->nominal);
	if (packet_is_tcp(&f->packet))
		flows_arrived(w->flows, &f->packet, f->to);
}

/* The host with this address, if any fault wants to know. */
static int peer_at(const struct wire *w, const struct endpoint *e)
{
	return w->cables.by_peer ? whereabouts_of_ip(&w->addresses, e) : HOST_UNKNOWN;
}

/* A copy that lives until wire_recycle(). */
static uint8_t *keep_for_sending(struct wire *w, const uint8_t *bytes, size_t len)
{
	struct held *h = pool_get(&w->pool, held_size(len));

	h->frame.cable.len = len;
	memcpy(h->bytes, bytes, len);
	h->next_spent = w->spent;
	w->spent = h;
	return h->bytes;
}

static void corrupt(struct wire *w, struct frame *f, uint64_t draw)
{
	if (!f->packet.body_len)
		return;
	uint64_t bit = draw % (f->packet.body_len * CHAR_BIT);
	uint8_t *bytes = keep_for_sending(w, f->cable.bytes, f->cable.len);

	bytes[f->packet.body_offset + bit / CHAR_BIT] ^= (uint8_t)(1u << bit % CHAR_BIT);
	f->cable.bytes = bytes;
	f->corrupt = true;
}

/* A fault's own packet: copied, for the fault's buffer does not outlive its call. */
static bool send_injected(void *ctx, int host, const uint8_t *bytes, size_t len)
{
	struct wire *w = ctx;

	/* Past all faults, but not over a cable that is not there. */
	if (w->cables.v[host].n_down)
		return false;
	struct packet p;
	packet_parse(bytes, len, &p);
	tally_delivered(&w->tally, &p, HOST_UNKNOWN, host, w->nominal);
	w->sinks.emit(w->sinks.ctx, host,
		      &(struct cable_frame){.bytes = keep_for_sending(w, bytes, len), .len = len});
	return true;
}

static struct injector injector_of(struct wire *w, struct running_fault *f)
{
	return (struct injector){
		.fault = f,
		.flows = w->flows,
		.trace = &w->trace,
		.now = w->nominal,
		.send = send_injected,
		.ctx = w,
	};
}

static void answer(struct wire *w, const struct passing *passing, const struct answered *to)
{
	for (int i = 0; i < passing->n_answers; i++) {
		struct injector inj = injector_of(w, passing->answers[i].fault);

		injector_answer(&inj, &passing->answers[i], to);
	}
}

static void go_through_switch(struct wire *w, const struct frame *f);

/* The frame goes through the chain that comes before `next`, from one of its links on. */
static void cross(struct wire *w, struct frame f, enum stage next, size_t first)
{
	bool out = next == STAGE_SWITCH;
	struct chain *c = out ? &w->cables.v[f.from].from_host : &w->cables.v[f.to].to_host;
	struct crossing_packet p = {
		.packet = &f.packet,
		/* Whom it is for is what its address says; whom it is from is certain. */
		.peer = out ? peer_at(w, &f.packet.dst) : f.from,
		.now = w->nominal,
		.id = f.id,
	};
	struct passing passing;

	chain_pass(c, first, &p, &w->trace, &passing);
	nsec_t delay = passing.fate.queued + passing.fate.delay;

	answer(w, &passing,
	       &(struct answered){&f.packet, f.cable.bytes, f.cable.len, f.from, c->cable});
	if (passing.fate.corrupt)
		corrupt(w, &f, passing.fate.corrupt_draw);
	if (!passing.fate.drop) {
		if (delay > 0)
			hold(w, &f, next, delay);
		else if (out)
			go_through_switch(w, &f);
		else
			arrive(w, &f);
	}
	for (int i = 0; i < passing.n_copies; i++)
		cross(w, f, next, passing.copies[i]);
}

static void go_to_host(struct wire *w, const struct frame *f, int to)
{
	struct frame copy = *f;

	copy.to = to;
	cross(w, copy, STAGE_ARRIVE, 0);
}

static void go_through_switch(struct wire *w, const struct frame *f)
{
	struct whereabout_key key = whereabouts_key(AF_PACKET, f->packet.dst_mac, MAC_BYTES);
	int to = f->packet.dst_mac[0] & MAC_GROUP_BIT ? HOST_UNKNOWN
						      : whereabouts_get(&w->macs, &key);

	if (to == f->from)
		return;
	if (to != HOST_UNKNOWN) {
		go_to_host(w, f, to);
		return;
	}
	for (int i = 0; i < (int)w->plan->hosts.n; i++)
		if (i != f->from)
			go_to_host(w, f, i);
}

static void release(struct wire *w, struct held *h)
{
	w->held_bytes -= held_size(h->frame.cable.len);
	if (h->frame.stage == STAGE_SWITCH)
		go_through_switch(w, &h->frame);
	else
		arrive(w, &h->frame);
	trace_done(&w->trace, h->frame.id);
	h->next_spent = w->spent;
	w->spent = h;
}

/* -- edges ----------------------------------------------------------------------------------- */

static void apply_edge(struct wire *w)
{
	const struct edge *e = schedule_pop(&w->schedule);
	nsec_t t = w->now > e->t ? w->now : e->t;
	const struct fault_spec *spec = &e->fault->step->fault;

	if (spec->ops->takes_down)
		edge_set_carriers(e, &w->cables, &w->sinks);
	edge_record(e->on ? EV_ON : EV_OFF, e->fault, e->window, e->t, t, &w->sinks);
	if (!e->on) {
		edge_record_receipt(e->fault, e->window, e->t, t, &w->sinks);
	} else if (spec->ops->on) {
		struct injector inj = injector_of(w, e->fault);

		spec->ops->on(spec, &inj);
	}
}

/* -- time ------------------------------------------------------------------------------------ */

nsec_t wire_next(const struct wire *w)
{
	nsec_t edge = schedule_next(&w->schedule), held = heap_next(&w->heap);

	return edge < held ? edge : held;
}

static void run_until(struct wire *w, nsec_t t)
{
	for (nsec_t due; (due = wire_next(w)) <= t && due != NSEC_NEVER;) {
		if (due > w->nominal)
			w->nominal = due;
		if (schedule_next(&w->schedule) == due)
			apply_edge(w);
		else
			release(w, heap_pop(&w->heap));
	}
	if (t > w->nominal)
		w->nominal = t;
}

void wire_start(struct wire *w, nsec_t t0)
{
	for (size_t i = 0; i < w->cables.n_faults; i++)
		schedule_add(&w->schedule, &w->cables.faults[i], t0);
	schedule_sort(&w->schedule);
}

void wire_input(struct wire *w, int host, const struct cable_frame *input, nsec_t t, nsec_t now)
{
	struct frame f = {.cable = *input, .from = host};

	w->now = now;
	run_until(w, t);
	packet_parse(input->bytes, input->len, &f.packet);
	f.id = trace_enter(&w->trace, host, w->nominal, input->bytes, input->len,
			   input->original_len);
	if (packet_is_tcp(&f.packet)) {
		struct flow_event event = flows_sent(w->flows, &f.packet, host);

		if (event.keepalive)
			f.packet.kind = KIND_KEEPALIVE;
		if (event.event != EV_N_EVENTS)
			trace_observe(&w->trace, f.id, event, &f.packet);
	}
	tally_sent(&w->tally, &f.packet, host, w->nominal);
	if (input->len >= ETHER_HDR_LEN && !(f.packet.src_mac[0] & MAC_GROUP_BIT)) {
		struct whereabout_key key = whereabouts_key(AF_PACKET, f.packet.src_mac, MAC_BYTES);
		whereabouts_put(&w->macs, &key, host);
	}
	cross(w, f, STAGE_SWITCH, 0);
	trace_done(&w->trace, f.id);
}

static void record_lost(struct wire *w)
{
	if (!w->lost)
		return;
	w->sinks.record(w->sinks.ctx, &(struct observation){
					      .t = w->now,
					      .source = OBS_LAG,
					      .event = EV_RING_DROP,
					      .host = -1,
					      .app = -1,
					      .lag = {.stage = LAG_FORWARDER, .count = w->lost},
				      });
	w->lost = 0;
}

void wire_advance(struct wire *w, nsec_t now)
{
	w->now = now;
	run_until(w, now);
	record_lost(w);
}

void wire_recycle(struct wire *w)
{
	while (w->spent) {
		struct held *h = w->spent;

		w->spent = h->next_spent;
		put_back(w, h);
	}
}

void wire_end(struct wire *w, nsec_t now)
{
	struct held *h;

	wire_advance(w, now);
	for (size_t i = 0; i < w->cables.n_faults; i++) {
		struct running_fault *f = &w->cables.faults[i];

		/* What has no planned end ends here, and so does what would have ended later. */
		for (size_t e = 0; e < f->step->edges.n; e++)
			if (f->windows[e].open)
				edge_record_receipt(f, e, now, now, &w->sinks);
	}
	while ((h = heap_pop(&w->heap))) {
		trace_note(&w->trace, h->frame.id, "still on its way at the end");
		trace_done(&w->trace, h->frame.id);
		put_back(w, h);
	}
}
