/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_TESTS_TESTWIRE_H
#define WIRECUT_FAULTS_TESTS_TESTWIRE_H

#include "faults/tests/testframe.h"
#include "faults/tests/testplan.h"
#include "faults/wire/wire.h"

/* The engine with a clock that the test moves, and all that comes out of it, kept. */
struct emitted {
	nsec_t t; /* what the clock showed */
	int host;
	size_t len;
	struct virtio_net_hdr offload;
	uint8_t bytes[256];
};

/* A change of a cable's carrier. */
struct carried {
	nsec_t t; /* what the clock showed */
	int host;
	bool up;
};

struct captured {
	nsec_t t;
	int host;
	uint32_t len, original_len;
	uint8_t bytes[CAPTURE_SNAPLEN];
	char *comment; /* or NULL */
};

struct testwire {
	struct arena *arena;
	struct wire *wire;
	nsec_t clock;
	VEC(struct emitted) emitted;
	VEC(struct observation) observed;
	VEC(struct captured) captured;
	VEC(struct carried) carried;
};

/* Everything lives in the arena but the engine, which testwire_end() frees. t = 0 is at 0. */
struct testwire *testwire_new(struct arena *a, const struct plan *plan);

/* Moves the clock to t, doing what is due at its very time. */
void testwire_run(struct testwire *tw, nsec_t t);

/* Moves the clock to t and puts a frame in there. */
void testwire_input(struct testwire *tw, nsec_t t, int host, struct testframe f);

/* A whole frame straight into an engine, without this one's clock. */
void testwire_put(struct wire *w, int host, const uint8_t *bytes, size_t len, nsec_t t, nsec_t now);

/* Moves the clock to t and ends. */
void testwire_end(struct testwire *tw, nsec_t t);

/* The receipt of a window, or NULL. */
const struct receipt *testwire_receipt(struct testwire *tw, int step, int window);

/* The n-th observation of that event, from 0; or NULL. */
const struct observation *testwire_event(struct testwire *tw, enum obs_event event, int n);

#endif
