/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_ENGINE_H
#define WIRECUT_WIRE_ENGINE_H

#include "faults/wire/forwarder.h"
#include "faults/wire/ring.h"
#include "faults/wire/sinks.h"

/*
 * What the process of a link engine (forwarder.c) needs of an engine. The calls and their order are
 * those of wire.h, where they are explained.
 */
struct engine_ops {
	/* The ring of frames that it is to see. */
	struct ring *(*open_ring)(const struct forwarder_config *config, struct err *err);
	/* NULL and *err: it cannot be made. */
	void *(*new)(const struct forwarder_config *config, const struct wire_sinks *sinks,
		     struct err *err);
	void (*free)(void *engine);
	void (*start)(void *engine, nsec_t t0);
	/* `host`: the one at the end of the cable on which the frame was seen. */
	void (*input)(void *engine, int host, const struct ring_frame *f, nsec_t now);
	nsec_t (*next)(const void *engine);
	/* -1 and *err: what was due could not be done. */
	int (*advance)(void *engine, nsec_t now, struct err *err);
	void (*recycle)(void *engine);
	int (*end)(void *engine, nsec_t now, struct err *err);
};

/* As forwarder_run(), with an engine of the caller's choice. */
int forwarder_run_engine(const struct forwarder_config *config, const struct engine_ops *engine);

#endif
