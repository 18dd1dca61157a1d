/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_TESTS_TESTTAP_H
#define WIRECUT_FAULTS_TESTS_TESTTAP_H

#include "faults/netem/tap.h"
#include "faults/tests/testframe.h"
#include "faults/tests/testplan.h"

/*
 * The netem engine without a kernel, with a clock that the test moves: the frames that are seen go in by
 * hand, and all that comes out is kept.
 */

/* How long the kernel takes for an edge, here. */
#define TESTTAP_EDGE_TAKES (50 * NSEC_PER_USEC)

/* What a qdisc was told. */
struct tap_told {
	nsec_t t; /* what the clock showed */
	int host;
	enum direction direction;
	struct netem_params params;
	uint64_t seed;
};

/* A frame of a fault's own. */
struct tap_sent {
	int host;
	struct packet packet;
};

struct testtap {
	struct arena *arena;
	struct tap *tap;
	nsec_t clock;
	VEC(struct observation) observed;
	VEC(struct tap_told) told;
	VEC(struct tap_sent) sent;
	VEC(char *) comments; /* of the packets that were captured; "" for none */
	int n_commits;
	int n_down, n_up; /* cables taken */
};

/* Everything lives in the arena but the engine, which testtap_end() frees. t = 0 is at 0. */
struct testtap *testtap_new(struct arena *a, const struct plan *plan);

/* Moves the clock to t, doing what is due at its very time. */
void testtap_run(struct testtap *tt, nsec_t t);

/* Moves the clock to t, and a frame is seen there. */
void testtap_see(struct testtap *tt, nsec_t t, enum tap_point point, int host,
		 const struct testframe *f);

/* From one host to another, with no delay at all but that on the cable of the receiver. */
void testtap_pass(struct testtap *tt, nsec_t t, int from, int to, const struct testframe *f,
		  nsec_t to_host_delay);

/* Moves the clock to t and ends. */
void testtap_end(struct testtap *tt, nsec_t t);

/* The receipt of a window; fails the test if there is none. */
const struct receipt *testtap_receipt(struct testtap *tt, int step, int window);

/* The n-th observation of that event, from 0; fails the test if there is none. */
const struct observation *testtap_event(struct testtap *tt, enum obs_event event, int n);

#endif
