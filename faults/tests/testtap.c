/* SPDX-License-Identifier: MIT */
#include "faults/tests/testtap.h"

#include <check.h>

static void emit(void *ctx, int host, const struct cable_frame *f)
{
	struct testtap *tt = ctx;
	struct tap_sent *s = vec_push(tt->arena, &tt->sent);

	s->host = host;
	packet_parse(f->bytes, f->len, &s->packet);
}

static void record(void *ctx, const struct observation *o)
{
	struct testtap *tt = ctx;

	*vec_push(tt->arena, &tt->observed) = *o;
}

static void capture(void *ctx, const struct capture *c)
{
	struct testtap *tt = ctx;

	*vec_push(tt->arena, &tt->comments) = arena_strdup(tt->arena, c->comment ? c->comment : "");
}

static void carrier(void *ctx, int host, bool up)
{
	struct testtap *tt = ctx;

	(void)host;
	*(up ? &tt->n_up : &tt->n_down) += 1;
}

static void set(void *ctx, int host, enum direction direction, const struct netem_params *params,
		uint64_t seed)
{
	struct testtap *tt = ctx;

	*vec_push(tt->arena, &tt->told) =
		(struct tap_told){tt->clock, host, direction, *params, seed};
}

static nsec_t commit(void *ctx)
{
	struct testtap *tt = ctx;

	tt->n_commits++;
	return tt->clock + TESTTAP_EDGE_TAKES;
}

struct testtap *testtap_new(struct arena *a, const struct plan *plan)
{
	struct testtap *tt = arena_new(a, struct testtap);
	const struct tap_sinks sinks = {.wire = {tt, emit, record, capture, carrier},
					.ctx = tt,
					.set = set,
					.commit = commit};
	struct err err = {0};

	tt->arena = a;
	tt->tap = tap_new(plan, &sinks, &err);
	ck_assert_msg(tt->tap != NULL, "%s", err.msg);
	tap_start(tt->tap, 0);
	return tt;
}

void testtap_run(struct testtap *tt, nsec_t t)
{
	for (nsec_t due; (due = tap_next(tt->tap)) <= t;) {
		tt->clock = due;
		tap_advance(tt->tap, due);
		tap_recycle(tt->tap);
	}
	tt->clock = t;
}

void testtap_see(struct testtap *tt, nsec_t t, enum tap_point point, int host,
		 const struct testframe *f)
{
	testtap_run(tt, t);
	tap_input(tt->tap, point, host, f->bytes, f->len, f->len, t);
	tap_recycle(tt->tap);
}

void testtap_pass(struct testtap *tt, nsec_t t, int from, int to, const struct testframe *f,
		  nsec_t to_host_delay)
{
	testtap_see(tt, t, TAP_LEFT, from, f);
	testtap_see(tt, t, TAP_ENTERED, to, f);
	testtap_see(tt, t + to_host_delay, TAP_ARRIVED, to, f);
}

void testtap_end(struct testtap *tt, nsec_t t)
{
	testtap_run(tt, t);
	tap_end(tt->tap, t);
	tap_free(tt->tap);
	tt->tap = NULL;
}

const struct receipt *testtap_receipt(struct testtap *tt, int step, int window)
{
	vec_foreach (o, &tt->observed)
		if (o->source == OBS_FAULT && o->event == EV_RECEIPT && o->fault.step == step &&
		    o->fault.edge == window)
			return &o->fault.did;
	ck_abort_msg("there is no receipt of step %d, window %d", step, window);
}

const struct observation *testtap_event(struct testtap *tt, enum obs_event event, int n)
{
	vec_foreach (o, &tt->observed)
		if (o->event == event && !n--)
			return o;
	ck_abort_msg("there is no such event");
}
