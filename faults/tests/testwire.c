/* SPDX-License-Identifier: MIT */
#include "faults/tests/testwire.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void emit(void *ctx, int host, const struct cable_frame *f)
{
	struct testwire *tw = ctx;
	struct emitted *e = vec_push(tw->arena, &tw->emitted);

	e->t = tw->clock;
	e->host = host;
	e->len = f->len;
	e->offload = f->offload;
	memcpy(e->bytes, f->bytes, f->len < sizeof(e->bytes) ? f->len : sizeof(e->bytes));
}

static void record(void *ctx, const struct observation *o)
{
	struct testwire *tw = ctx;

	*vec_push(tw->arena, &tw->observed) = *o;
}

static void capture(void *ctx, const struct capture *c)
{
	struct testwire *tw = ctx;
	struct captured *kept = vec_push(tw->arena, &tw->captured);

	kept->t = c->t;
	kept->host = c->host;
	kept->len = c->len;
	kept->original_len = c->original_len;
	kept->comment = arena_strdup(tw->arena, c->comment);
	memcpy(kept->bytes, c->bytes, c->len);
}

static void carrier(void *ctx, int host, bool up)
{
	struct testwire *tw = ctx;

	*vec_push(tw->arena, &tw->carried) = (struct carried){tw->clock, host, up};
}

struct testwire *testwire_new(struct arena *a, const struct plan *plan)
{
	struct testwire *tw = arena_new(a, struct testwire);
	const struct wire_sinks sinks = {tw, emit, record, capture, carrier};
	struct err err;

	tw->arena = a;
	tw->wire = wire_new(plan, &sinks, &err);
	if (!tw->wire) {
		fprintf(stderr, "%s\n", err.msg);
		abort();
	}
	wire_start(tw->wire, 0);
	return tw;
}

void testwire_run(struct testwire *tw, nsec_t t)
{
	for (nsec_t due; (due = wire_next(tw->wire)) <= t;) {
		if (due > tw->clock)
			tw->clock = due;
		wire_advance(tw->wire, tw->clock);
		wire_recycle(tw->wire);
	}
	tw->clock = t;
}

void testwire_put(struct wire *w, int host, const uint8_t *bytes, size_t len, nsec_t t, nsec_t now)
{
	wire_input(w, host, &(struct cable_frame){.bytes = bytes, .len = len, .original_len = len},
		   t, now);
}

void testwire_input(struct testwire *tw, nsec_t t, int host, struct testframe f)
{
	testwire_run(tw, t - 1);
	tw->clock = t;
	testwire_put(tw->wire, host, f.bytes, f.len, t, t);
	wire_recycle(tw->wire);
}

void testwire_end(struct testwire *tw, nsec_t t)
{
	testwire_run(tw, t);
	wire_end(tw->wire, t);
	wire_free(tw->wire);
	tw->wire = NULL;
}

const struct receipt *testwire_receipt(struct testwire *tw, int step, int window)
{
	vec_foreach (o, &tw->observed)
		if (o->source == OBS_FAULT && o->event == EV_RECEIPT && o->fault.step == step &&
		    o->fault.edge == window)
			return &o->fault.did;
	return NULL;
}

const struct observation *testwire_event(struct testwire *tw, enum obs_event event, int n)
{
	vec_foreach (o, &tw->observed)
		if (o->event == event && !n--)
			return o;
	return NULL;
}
