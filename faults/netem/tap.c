/* SPDX-License-Identifier: MIT */
#include "faults/netem/tap.h"

#include <assert.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "faults/netem/corruption.h"
#include "faults/netem/flights.h"
#include "faults/wire/edges.h"
#include "faults/wire/injector.h"
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
/* One that takes less than this part of the delay has skipped it. */
#define SKIPPED_PART 4

/* A window of a fault, beside what chain.h knows of it. */
struct tap_window {
	uint32_t undecided; /* flights whose fate is open */
	bool closed;        /* and its receipt is not written */
	nsec_t asked, off;
};

struct tap_fault {
	struct tap_window *windows;
	nsec_t lifted; /* frames that were seen by then met it still; NSEC_UNSET: never on yet */
};

/* One direction of one cable. */
struct half {
	struct netem_params params; /* of its qdisc, as last told */
	struct rng rng;             /* its seeds */
	uint32_t under_way;         /* flights that have not come out */
	bool is_touched;            /* by the edges that are being applied */
};

/* The one that took the cable down last, and when. */
struct downed {
	struct running_fault *by;
	size_t window;
	nsec_t at;
};

/* A forged frame that was emitted and not recycled yet. */
struct spent {
	struct spent *next;
	uint8_t bytes[];
};

struct tap {
	const struct plan *plan;
	struct tap_sinks sinks;
	nsec_t now; /* the time of what is being done: never goes back */

	struct cables cables;
	struct schedule schedule;
	struct tap_fault *faults; /* of each of cables.faults */
	struct half (*halves)[2]; /* per host and leg */
	struct downed *downed;    /* per host */
	const struct edge **due;  /* those that are being applied */
	size_t n_closed;          /* windows whose receipt waits */
	struct flights flights;
	struct flows *flows;
	struct trace trace;
	struct spent *spent;
};

/* -- construction ---------------------------------------------------------------------------- */

static struct chain *chain_of(const struct tap *t, int host, enum leg leg)
{
	struct cable *c = &t->cables.v[host];

	return leg == LEG_FROM_HOST ? &c->from_host : &c->to_host;
}

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
			const struct chain *c = chain_of(t, (int)i, leg);
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
	return t;
}

void tap_free(struct tap *t)
{
	if (!t)
		return;
	tap_recycle(t);
	trace_free(&t->trace);
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
	return chain_of(t, host, direction == DIRECTION_FROM_HOST ? LEG_FROM_HOST : LEG_TO_HOST)
		       ->n > 0;
}

/* -- counting -------------------------------------------------------------------------------- */

static struct tap_fault *own_of(const struct tap *t, const struct running_fault *f)
{
	return &t->faults[f - t->cables.faults];
}

static struct tap_window *window_of(const struct tap *t, const struct flight_fault *on)
{
	return &own_of(t, on->fault)->windows[on->window];
}

/* Adds 1 to a member of the receipt, in all and by flow. */
static void count(const struct flight_fault *on, const struct packet *p, size_t member)
{
	struct fault_window *w = &on->fault->windows[on->window];
	struct receipt *const receipts[] = {&w->did, flow_counts_of_packet(&w->flows, p)};

	for (int i = 0; i < 2; i++)
		++*(uint64_t *)(void *)((char *)receipts[i] + member);
}
#define COUNT(on, p, member) count((on), (p), offsetof(struct receipt, member))

/* Up to this one, or all: what one of them drops is not shown to those behind it. */
static void count_matched(const struct flight *f, const struct flight_fault *last)
{
	for (const struct flight_fault *on = f->on; on < f->on + f->n_on; on++) {
		COUNT(on, &f->packet, matched);
		if (on == last)
			return;
	}
}

static void note(struct tap *t, const struct flight *f, const struct flight_fault *on,
		 const char *what)
{
	const struct chain *c = chain_of(t, f->cable, f->leg);

	trace_note(&t->trace, f->id, "%s by %s (%s on %s %s)", what, on->fault->label,
		   on->fault->step->fault.ops->name, c->host, direction_names[c->direction]);
}

static void write_receipt(struct tap *t, struct running_fault *f, size_t window)
{
	struct tap_window *w = &own_of(t, f)->windows[window];

	edge_record_receipt(f, window, w->asked, w->off, &t->sinks.wire);
	w->closed = false;
	t->n_closed--;
}

/* Nothing that was seen by the time a window closed is still to be given. */
static void write_receipts(struct tap *t, nsec_t until)
{
	for (size_t i = 0; t->n_closed && i < t->cables.n_faults; i++) {
		struct running_fault *f = &t->cables.faults[i];

		for (size_t e = 0; t->n_closed && e < f->step->edges.n; e++) {
			const struct tap_window *w = &t->faults[i].windows[e];

			if (w->closed && !w->undecided && w->off < until)
				write_receipt(t, f, e);
		}
	}
}

/* -- flights --------------------------------------------------------------------------------- */

static void end_flight(struct tap *t, struct flight *f)
{
	uint64_t id = f->id;

	for (int i = 0; i < f->n_on; i++)
		window_of(t, &f->on[i])->undecided--;
	if (!f->n_out)
		t->halves[f->cable][f->leg].under_way--;
	flights_remove(&t->flights, f);
	trace_done(&t->trace, id);
}

/* The fault that it was lost by; NULL: none explains it. */
static const struct flight_fault *loser_of(const struct flight *f)
{
	const struct flight_fault *block = flight_fault_at(f, FAULT_STAGE_BLOCK);
	const struct flight_fault *loss = flight_fault_at(f, FAULT_STAGE_LOSS);
	const struct flight_fault *rate = flight_fault_at(f, FAULT_STAGE_RATE);

	if (block)
		return block;
	if (rate) {
		struct netem_params p = {0};

		if (!loss || (!netem_add(&p, &rate->fault->step->fault) && f->behind >= p.limit))
			return rate;
	}
	/* One that a switch does not know what to do with: its address, or its type, is another. */
	return loss ? loss : flight_fault_at(f, FAULT_STAGE_CORRUPT);
}

/* Its cable went down while it was on its way to the host. */
static bool is_lost_with_its_cable(struct tap *t, const struct flight *f)
{
	const struct downed *d = &t->downed[f->cable];

	if (f->leg != LEG_TO_HOST || !d->by || d->at < f->entered)
		return false;
	d->by->windows[d->window].did.matched++;
	d->by->windows[d->window].did.dropped++;
	trace_dropped(&t->trace, f->id, d->by->index);
	trace_note(&t->trace, f->id, "lost on its way by %s (%s on %s)", d->by->label,
		   d->by->step->fault.ops->name, t->plan->hosts.v[f->cable].name);
	return true;
}

static void lose(struct tap *t, struct flight *f)
{
	const struct flight_fault *by = loser_of(f);

	count_matched(f, by);
	if (!by) {
		if (!is_lost_with_its_cable(t, f))
			trace_note(&t->trace, f->id, "lost on %s, by no fault",
				   t->plan->hosts.v[f->cable].name);
		return;
	}
	bool corrupted = by->fault->step->fault.ops->stage == FAULT_STAGE_CORRUPT;
	if (corrupted)
		COUNT(by, &f->packet, corrupted);
	else
		COUNT(by, &f->packet, dropped);
	trace_dropped(&t->trace, f->id, by->fault->index);
	note(t, f, by, corrupted ? "corrupted" : "dropped");
}

/* Decides what is too late for anything else. */
static void expire(struct tap *t, nsec_t now)
{
	for (struct flight *f; (f = t->flights.oldest) && f->latest + SLACK < now;) {
		if (!f->n_out)
			lose(t, f);
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
	t->sinks.wire.emit(t->sinks.wire.ctx, host, s->bytes, len);
	return true;
}

static struct injector injector_of(struct tap *t, struct running_fault *f, nsec_t at)
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
	const struct chain *c = chain_of(t, f->cable, f->leg);
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
	struct injector inj = injector_of(t, l->fault, at);
	const struct answer forged = {.fault = l->fault, .reply = fate.reply};
	injector_answer(&inj, &forged,
			&(struct answered){&f->packet, f->bytes, f->len, f->sender, c->cable});
}

static bool is_on(const struct tap *t, const struct running_fault *f, nsec_t at)
{
	nsec_t lifted = own_of(t, f)->lifted;

	return f->n_open || (lifted != NSEC_UNSET && at <= lifted);
}

/* Each fault that is on has met it, until one that blocks. */
static void meet_faults(struct tap *t, struct flight *f, nsec_t at)
{
	struct chain *c = chain_of(t, f->cable, f->leg);

	for (size_t i = 0; i < c->n && f->n_on < FLIGHT_MAX_FAULTS; i++) {
		struct running_fault *fault = c->links[i].fault;
		const struct fault_ops *ops = fault->step->fault.ops;

		if (!is_on(t, fault, at) || !ops->packet ||
		    (ops->concerns && !ops->concerns(&fault->step->fault, &f->packet)))
			continue;
		struct flight_fault *on = &f->on[f->n_on++];
		*on = (struct flight_fault){fault, fault->current};
		window_of(t, on)->undecided++;
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
	f->behind = half->under_way++;
	if (before) {
		f->id = before->id;
		f->sender = before->sender;
		f->packet = before->packet;
		f->corrupt = before->corrupt;
		trace_hold(&t->trace, f->id, f->latest);
	}
	return f;
}

static void note_delay(struct tap *t, const struct flight *f, const struct flight_fault *on,
		       nsec_t delay)
{
	char what[64];

	snprintf(what, sizeof(what), "delayed %.3f ms", (double)delay / (double)NSEC_PER_MSEC);
	note(t, f, on, what);
}

/* What the faults made of a frame that has come out for the first time. */
static void account_passage(struct tap *t, const struct flight *f, nsec_t at)
{
	const struct flight_fault *rate = flight_fault_at(f, FAULT_STAGE_RATE);
	const struct flight_fault *delay = flight_fault_at(f, FAULT_STAGE_DELAY);
	const struct flight_fault *reorder = flight_fault_at(f, FAULT_STAGE_REORDER);
	nsec_t took = at - f->entered;

	if (rate)
		COUNT(rate, &f->packet, delayed);
	if (delay)
		COUNT(delay, &f->packet, delayed);
	if (reorder && delay && took < delay->fault->step->fault.mean / SKIPPED_PART) {
		COUNT(reorder, &f->packet, reordered);
		note(t, f, reorder, "sent ahead");
	} else if (rate || delay) {
		note_delay(t, f, delay ? delay : rate, took);
	}
}

static void account_double(struct tap *t, const struct flight *f)
{
	const struct flight_fault *on = flight_fault_at(f, FAULT_STAGE_DUPLICATE);

	if (!on)
		return;
	COUNT(on, &f->packet, duplicated);
	note(t, f, on, "duplicated");
}

static void account_corruption(struct tap *t, struct flight *f, size_t offset)
{
	const struct flight_fault *on = flight_fault_at(f, FAULT_STAGE_CORRUPT);

	COUNT(on, &f->packet, corrupted);
	note(t, f, on, "corrupted");
	if (corruption_is_noticed(&f->packet, offset)) {
		f->corrupt = true;
		trace_dropped(&t->trace, f->id, on->fault->index);
	}
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
		t->halves[f->cable][f->leg].under_way--;
		count_matched(f, NULL);
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

		if (event.event != EV_N_EVENTS)
			trace_observe(&t->trace, f->id, event, &f->packet);
	}
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
	expire(t, t->now);
	if (point == TAP_LEFT)
		see_left(t, host, bytes, len, original_len, t->now);
	else if (point == TAP_ENTERED)
		see_entered(t, host, bytes, len, t->now);
	else
		see_arrived(t, host, bytes, len, t->now);
}

/* -- edges ----------------------------------------------------------------------------------- */

/* The directions of the cables that a fault is on. */
static void touch(struct tap *t, const struct running_fault *f)
{
	for (size_t i = 0; i < t->cables.n; i++)
		for (enum leg leg = LEG_FROM_HOST; leg <= LEG_TO_HOST; leg++) {
			const struct chain *c = chain_of(t, (int)i, leg);

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
			const struct chain *c = chain_of(t, (int)i, leg);

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
	struct tap_fault *own = own_of(t, e->fault);

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
		struct injector inj = injector_of(t, e->fault, at);

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
	expire(t, now);
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
	write_receipts(t, now);
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
			count_matched(f, NULL);
			trace_note(&t->trace, f->id, "still on its way at the end");
		} else if (!f->n_out) {
			lose(t, f);
		}
		end_flight(t, f);
	}
	write_receipts(t, NSEC_NEVER);
	for (size_t i = 0; i < t->cables.n_faults; i++) {
		struct running_fault *f = &t->cables.faults[i];

		/* What has no planned end ends here, and so does what would have ended later. */
		for (size_t e = 0; e < f->step->edges.n; e++)
			if (f->windows[e].open)
				edge_record_receipt(f, e, now, now, &t->sinks.wire);
	}
}
