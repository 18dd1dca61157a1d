/* SPDX-License-Identifier: MIT */
#include "faults/netem/netem.h"

#include <linux/filter.h>
#include <linux/if_packet.h>
#include <stdlib.h>

#include "faults/netem/qdiscs.h"
#include "faults/netem/tap.h"
#include "faults/wire/engine.h"
#include "harness/base/cleanup.h"

/*
 * The kernel's side of tap.h. The ring sees what comes into a port (it has left its host), what comes
 * into an inner end (it enters a cable), and what goes out of a port (it arrives); a filter in the
 * kernel passes over the rest, so that each frame is copied three times and not eight.
 */

struct netem {
	const struct forwarder_config *config;
	struct qdiscs *qdiscs;
	struct tap *tap;
	struct err err; /* the qdiscs could not be told; empty: they were */
};

/* The interface that a direction of a cable leaves. */
static int ifindex_of(const struct netem *n, int host, enum direction direction)
{
	return direction == DIRECTION_TO_HOST ? n->config->port_ifindex[host]
					      : n->config->inner_ifindex[host];
}

static void set(void *ctx, int host, enum direction direction, const struct netem_params *params,
		uint64_t seed)
{
	struct netem *n = ctx;

	qdiscs_change(n->qdiscs, ifindex_of(n, host, direction), params, seed);
}

static nsec_t commit(void *ctx)
{
	struct netem *n = ctx;
	struct err err;

	if (qdiscs_commit(n->qdiscs, &err) && !n->err.msg[0])
		n->err = err;
	return nsec_monotonic();
}

/* How far a jump at this place of the filter goes, to what takes a frame and to what drops it. */
#define TAKE(at) (6 - (at)-1)
#define DROP(at) (7 - (at)-1)

/*
 * The ports' numbers are one range and the inner ends' the next (harness/run/bridges.c): from `first`
 * on, below `inner` they are ports, below `end` they are of either.
 */
static struct ring *open_ring(const struct forwarder_config *config, struct err *err)
{
	const uint32_t n = (uint32_t)config->plan->hosts.n;
	const uint32_t first = (uint32_t)config->port_ifindex[0];
	const uint32_t inner = (uint32_t)config->inner_ifindex[0];
	struct sock_filter code[] = {
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_IFINDEX)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, first, 0, DROP(1)),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, inner + n, DROP(2), 0),
		BPF_JUMP(BPF_JMP | BPF_JGE | BPF_K, inner, 0, TAKE(3)),
		/* An inner end: only what comes in. */
		BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)(SKF_AD_OFF + SKF_AD_PKTTYPE)),
		BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, PACKET_OUTGOING, DROP(5), TAKE(5)),
		BPF_STMT(BPF_RET | BPF_K, UINT32_MAX),
		BPF_STMT(BPF_RET | BPF_K, 0),
	};
	const struct sock_fprog filter = {.len = ARRAY_SIZE(code), .filter = code};

	const struct ring_config ring = {
		.n_interfaces = 3 * n,
		.filter = &filter,
		.n_slots = config->n_ring_slots,
	};

	return ring_open(&ring, err);
}

static void prepare_tables(struct netem *n)
{
	vec_foreach (step, &n->config->plan->steps) {
		struct netem_params p = {0};

		if (step->step == STEP_FAULT && !netem_add(&p, &step->fault))
			qdiscs_prepare(n->qdiscs, &p);
	}
}

static int install(struct netem *n, struct err *err)
{
	static const enum direction directions[] = {DIRECTION_TO_HOST, DIRECTION_FROM_HOST};

	for (int host = 0; host < (int)n->config->plan->hosts.n; host++)
		for (size_t d = 0; d < ARRAY_SIZE(directions); d++)
			if (tap_has_faults(n->tap, host, directions[d]))
				qdiscs_add(n->qdiscs, ifindex_of(n, host, directions[d]));
	prepare_tables(n);
	return qdiscs_commit(n->qdiscs, err);
}

static void unmake(void *engine)
{
	struct netem *n = engine;

	if (!n)
		return;
	tap_free(n->tap);
	qdiscs_close(n->qdiscs);
	free(n);
}

static void *make(const struct forwarder_config *config, const struct wire_sinks *sinks,
		  struct err *err)
{
	struct netem *n = calloc(1, sizeof(*n));

	if (!n) {
		err_set(err, "out of memory for the link engine");
		return NULL;
	}
	n->config = config;
	n->qdiscs = qdiscs_open(err);
	const struct tap_sinks own = {.wire = *sinks, .ctx = n, .set = set, .commit = commit};
	n->tap = n->qdiscs ? tap_new(config->plan, &own, err) : NULL;
	if (!n->tap || install(n, err)) {
		unmake(n);
		return NULL;
	}
	return n;
}

static void start(void *engine, nsec_t t0)
{
	struct netem *n = engine;

	tap_start(n->tap, t0);
}

static void input(void *engine, int host, const struct ring_frame *frame, nsec_t now)
{
	const struct slot_frame *f = &frame->slot;
	struct netem *n = engine;
	enum tap_point point = f->ifindex != n->config->port_ifindex[host] ? TAP_ENTERED
			       : f->outgoing                               ? TAP_ARRIVED
									   : TAP_LEFT;

	(void)now;
	tap_input(n->tap, point, host, f->bytes, f->len, f->original_len, frame->t);
}

static nsec_t next(const void *engine)
{
	const struct netem *n = engine;

	return tap_next(n->tap);
}

static int check(const struct netem *n, struct err *err)
{
	if (!n->err.msg[0])
		return 0;
	*err = n->err;
	return -1;
}

static int advance(void *engine, nsec_t now, struct err *err)
{
	struct netem *n = engine;

	tap_advance(n->tap, now);
	return check(n, err);
}

static void recycle(void *engine)
{
	struct netem *n = engine;

	tap_recycle(n->tap);
}

static int end(void *engine, nsec_t now, struct err *err)
{
	struct netem *n = engine;

	tap_end(n->tap, now);
	return check(n, err);
}

static const struct engine_ops ops = {
	.open_ring = open_ring,
	.new = make,
	.free = unmake,
	.start = start,
	.input = input,
	.next = next,
	.advance = advance,
	.recycle = recycle,
	.end = end,
};

int netem_run(const struct forwarder_config *config)
{
	return forwarder_run_engine(config, &ops);
}
