/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_INJECTOR_H
#define WIRECUT_WIRE_INJECTOR_H

#include "faults/wire/chain.h"

/*
 * How a fault puts packets of its own on a cable: what it is given at its on-edge. What it sends
 * comes into being in the middle of the cable and goes straight to its receiver, past all faults.
 */
struct injector {
	struct running_fault *fault;
	struct flows *flows;
	struct trace *trace;
	nsec_t now;
	/* Sends a frame to a host; the bytes are copied. False: its cable is down. */
	bool (*send)(void *ctx, int host, const uint8_t *bytes, size_t len);
	void *ctx;
};

/* A live connection that crosses a cable of the fault and matches. */
struct crossing {
	struct flow *flow;
	bool at_cable[2]; /* this end of the flow is the host of one of the fault's cables */
};

/* The next one, from a zeroed *c on; each is counted as matched. False: no more. */
bool injector_next(struct injector *inj, struct crossing *c);

/*
 * Forges a reset that looks as if the other end had sent it, and gives it to end `victim` of the
 * flow. Nothing is sent to an end that has no connection (any more).
 */
void injector_reset(struct injector *inj, const struct crossing *c, int victim);

/* A packet that a fault answers. */
struct answered {
	const struct packet *packet;
	const uint8_t *bytes;
	size_t len;
	int sender; /* the host that it left */
	int cable;  /* the host at the end of the cable on which the fault met it */
};

/* Forges what the fault wants to be answered, as far as it may be (struct fate). */
void injector_answer(struct injector *inj, const struct answer *answer, const struct answered *to);

#endif
