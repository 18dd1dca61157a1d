/* SPDX-License-Identifier: MIT */
#include "faults/tests/teststream.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "faults/tests/testframe.h"
#include "faults/tests/testwire.h"

#define FRAME_MAX 1514

/*
 * Of the UDP header. The two halves of the number are folded into it, so that whichever one bit is
 * turned over, a frame is not that of another number.
 */
#define CHECKSUM_AT 40

/* The engine, and what it is fed with. */
struct runner {
	struct teststream *stream;
	struct wire *wire;
	nsec_t clock;
	struct teststream_of what;
	uint32_t newest; /* the last sent of those that arrived */
	int last_step;
};

static size_t make_frame(const struct runner *r, uint32_t id, uint8_t *bytes)
{
	struct testframe f = testframe_udp(0, 1, id);

	memset(bytes, 0, FRAME_MAX);
	memcpy(bytes, f.bytes, f.len);
	bytes[CHECKSUM_AT] = (uint8_t)(id >> 24 ^ id >> 8);
	bytes[CHECKSUM_AT + 1] = (uint8_t)(id >> 16 ^ id);
	return f.len > r->what.len ? f.len : r->what.len;
}

static nsec_t sent_at(const struct runner *r, size_t id)
{
	return r->what.interval ? (nsec_t)(id + 1) * r->what.interval : 1;
}

/* In how many bits a frame differs from the one of that number. */
static size_t bits_off(const struct runner *r, uint32_t id, const uint8_t *bytes, size_t len)
{
	uint8_t sent[FRAME_MAX];
	size_t bits = len != make_frame(r, id, sent) ? SIZE_MAX : 0;

	for (size_t i = 0; i < len && bits != SIZE_MAX; i++)
		bits += (size_t)__builtin_popcount((unsigned)(sent[i] ^ bytes[i]));
	return bits;
}

static void emit(void *ctx, int host, const struct cable_frame *f)
{
	struct runner *r = ctx;
	struct teststream *s = r->stream;
	uint32_t id = testframe_id(f->bytes);
	size_t bits = bits_off(r, id, f->bytes, f->len);

	(void)host;
	s->last = r->clock;
	if (bits) {
		s->n_bent++;
		s->most_bits = bits > s->most_bits ? bits : s->most_bits;
		return;
	}
	if (id >= s->n)
		abort();
	if (!s->times[id]++)
		s->took[id] = r->clock - sent_at(r, id);
	s->n_late += id < r->newest;
	r->newest = id > r->newest ? id : r->newest;
}

static void record(void *ctx, const struct observation *o)
{
	struct runner *r = ctx;

	if (o->source != OBS_FAULT || o->event != EV_RECEIPT || o->fault.step != r->last_step)
		return;
	r->stream->did.matched += o->fault.did.matched;
	r->stream->did.dropped += o->fault.did.dropped;
	r->stream->did.delayed += o->fault.did.delayed;
	r->stream->did.duplicated += o->fault.did.duplicated;
	r->stream->did.corrupted += o->fault.did.corrupted;
	r->stream->did.reordered += o->fault.did.reordered;
}

static void capture(void *ctx, const struct capture *c)
{
	(void)ctx;
	(void)c;
}

/* Does what is due before t, each at its very time. */
static void run_until(struct runner *r, nsec_t t)
{
	for (nsec_t due; (due = wire_next(r->wire)) < t;) {
		r->clock = due > r->clock ? due : r->clock;
		wire_advance(r->wire, r->clock);
		wire_recycle(r->wire);
	}
	r->clock = t > r->clock && t != NSEC_NEVER ? t : r->clock;
}

static void send_all(struct runner *r)
{
	uint8_t bytes[FRAME_MAX];

	for (size_t i = 0; i < r->what.n; i++) {
		size_t len = make_frame(r, (uint32_t)i, bytes);

		run_until(r, sent_at(r, i));
		testwire_put(r->wire, 0, bytes, len, r->clock, r->clock);
		wire_recycle(r->wire);
	}
	run_until(r, NSEC_NEVER);
	wire_end(r->wire, r->clock);
}

struct teststream *teststream_run(struct arena *a, const struct plan *plan,
				  struct teststream_of what)
{
	struct teststream *s = arena_new(a, struct teststream);
	struct runner r = {.stream = s, .what = what, .last_step = (int)plan->steps.n - 1};
	const struct wire_sinks sinks = {
		.ctx = &r, .emit = emit, .record = record, .capture = capture, .carrier = NULL};
	struct err err;

	s->n = what.n;
	s->took = arena_new_array(a, nsec_t, what.n);
	s->times = arena_new_array(a, int, what.n);
	for (size_t i = 0; i < what.n; i++)
		s->took[i] = NSEC_NEVER;
	r.wire = wire_new(plan, &sinks, &err);
	if (!r.wire) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	wire_start(r.wire, 0);
	send_all(&r);
	wire_free(r.wire);
	return s;
}
