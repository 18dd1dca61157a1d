/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_CABLE_CASES_H
#define WIRECUT_TESTS_CABLE_CASES_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/nsec.h"
#include "harness/data/spec.h"

/*
 * What the faults on cables promise to whoever sends through them: a table. Each case is a host with a
 * fault on its cable and a stream of probes to the host `sink`, and is judged by what arrives there. What
 * the link engine is made of, or says of itself, is not asked.
 *
 * Each has a counter-trial: the same stream through another fault, under which every one of its promises
 * must be found broken.
 *
 * In the text of a fault @ is the cable of the case's host, the direction from it, and, where the link engine
 * knows one, a match of the stream's port; # is the host.
 */

/* What a struck probe has suffered. */
enum cable_effect {
	EFFECT_NONE,
	EFFECT_LOST,
	EFFECT_TWICE, /* arrived two times */
	EFFECT_BENT,  /* did not arrive as it was sent */
	EFFECT_SLOW,  /* took longer than the threshold */
	EFFECT_FAST,  /* took less */
};

/* Of each: what is measured and how far it may be off, cable_judge.c. */
enum cable_promise {
	PROMISE_MEAN = 1 << 0,        /* of the delay */
	PROMISE_SPREAD = 1 << 1,      /* its standard deviation */
	PROMISE_SHAPE = 1 << 2,       /* the law of the delays */
	PROMISE_LEAST = 1 << 3,       /* no probe takes less than the law's least */
	PROMISE_MOST = 1 << 4,        /* none takes longer than its most */
	PROMISE_ORDER = 1 << 5,       /* none arrives behind one that was sent after it */
	PROMISE_SHARE = 1 << 6,       /* of those struck */
	PROMISE_CORRELATION = 1 << 7, /* of the delays, or of being struck */
	PROMISE_BURSTS = 1 << 8,      /* how many are struck in a row */
	PROMISE_NTH = 1 << 9,         /* struck are each n-th, and no others */
	PROMISE_ONE_BIT = 1 << 10,    /* is wrong in each that is bent */
	PROMISE_CLEAN = 1 << 11,      /* whatever is not struck arrives once and whole */
	PROMISE_RATE = 1 << 12,       /* bits a second that arrive */
	PROMISE_WAIT = 1 << 13,       /* the longest: a full queue's */
	PROMISE_QUEUE = 1 << 14,      /* how many find room that come at once */
	PROMISE_WINDOW = 1 << 15,     /* is as long as it is said to be */
	PROMISE_PLACE = 1 << 16,      /* and when */
	PROMISE_EXACT = 1 << 17,      /* all are struck in it, and none outside */
	PROMISE_PORT = 1 << 18,       /* none of another port is struck */
	PROMISE_DIRECTION = 1 << 19,  /* none of the other direction */
};

#define CABLE_FAULTS_MAX 3

struct cable_case {
	const char *name; /* its host's name, too */
	const char *group;
	const char *faults[CABLE_FAULTS_MAX];
	const char *instead[CABLE_FAULTS_MAX]; /* in the counter-trial */
	struct {
		size_t count; /* 0: as many as all the others */
		int interval_us;
		int size; /* of the UDP payload */
		bool no_checksum;
	} probes;
	unsigned promises; /* enum cable_promise */
	enum cable_effect effect;
	nsec_t threshold; /* EFFECT_SLOW, EFFECT_FAST */
	double share;     /* of those struck */
	double rho;       /* correlation */
	size_t nth;
	struct {
		enum delay_distribution distribution;
		nsec_t mean, jitter;
	} delay;
	struct {
		double bits_per_s;
		int packets; /* that have room, with the one that is being sent */
	} line;
};

#define CABLE_CASES_MAX 64
extern const struct cable_case cable_cases[];
extern const size_t n_cable_cases;

/* The cases of a group are hosts of one scenario. */
extern const char *const cable_groups[];
extern const size_t n_cable_groups;

/* Of the cases that promise a window: three streams, and a fault that is on in the middle of them. */
#define CABLE_WINDOW_ON  (4 * NSEC_PER_SEC)
#define CABLE_WINDOW_OFF (7 * NSEC_PER_SEC)
#define CABLE_AIMED                                                                                \
	(PROMISE_WINDOW | PROMISE_PLACE | PROMISE_EXACT | PROMISE_PORT | PROMISE_DIRECTION)

/* Ethernet, IPv4 and UDP. */
#define CABLE_HEADER_BYTES 42

#endif
