/* SPDX-License-Identifier: MIT */
/* The engine `wire`, as forwarder.c wants an engine. */
#include "faults/wire/engine.h"
#include "faults/wire/wire.h"

static struct ring *wire_open_ring(const struct forwarder_config *config, struct err *err)
{
	const struct ring_config ring = {
		.n_interfaces = (unsigned)config->plan->hosts.n,
		.gso = config->plan->gso == GSO_ON,
		.n_slots = config->n_ring_slots,
	};

	return ring_open(&ring, err);
}

static void *wire_make(const struct forwarder_config *config, const struct wire_sinks *sinks,
		       struct err *err)
{
	return wire_new(config->plan, sinks, err);
}

static void wire_unmake(void *engine)
{
	wire_free(engine);
}

static void wire_begin(void *engine, nsec_t t0)
{
	wire_start(engine, t0);
}

static void wire_take(void *engine, int host, const struct ring_frame *frame, nsec_t now)
{
	const struct slot_frame *f = &frame->slot;
	const struct cable_frame on_cable = {.bytes = f->bytes,
					     .len = f->len,
					     .original_len = f->original_len,
					     .offload = f->offload};

	wire_input(engine, host, &on_cable, frame->t, now);
}

static nsec_t wire_due(const void *engine)
{
	return wire_next(engine);
}

static int wire_do_due(void *engine, nsec_t now, struct err *err)
{
	(void)err;
	wire_advance(engine, now);
	return 0;
}

static void wire_spend(void *engine)
{
	wire_recycle(engine);
}

static int wire_finish(void *engine, nsec_t now, struct err *err)
{
	(void)err;
	wire_end(engine, now);
	return 0;
}

static const struct engine_ops wire_ops = {
	.open_ring = wire_open_ring,
	.new = wire_make,
	.free = wire_unmake,
	.start = wire_begin,
	.input = wire_take,
	.next = wire_due,
	.advance = wire_do_due,
	.recycle = wire_spend,
	.end = wire_finish,
};

int forwarder_run(const struct forwarder_config *config)
{
	return forwarder_run_engine(config, &wire_ops);
}
