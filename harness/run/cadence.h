/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_CADENCE_H
#define WIRECUT_RUN_CADENCE_H

#include "harness/data/plan.h"
#include "harness/run/suspects.h"

/*
 * When a run looks: the one place that tells the real clock from the virtual one.
 *
 * On the real clock waiting costs nothing, so a run polls: it wakes each 20 ms. On the virtual clock
 * time jumps over idleness and each wake costs what a simulated minute does, so nothing may be
 * periodic: the kernel's tracepoint (statetrace.h) says when sockets change, and they are dumped
 * then. What changes without the tracepoint is dumped at the moments of the plan, and where an
 * expectation asks for it, on packets or when a timer of the kernel is due.
 */

/* On the real clock the sockets of a host are polled this often while packets move there ... */
#define POLL_BUSY (20 * NSEC_PER_MSEC)
/* ... and this often otherwise. */
#define POLL_IDLE NSEC_PER_SEC

enum phase {
	PHASE_START, /* app groups are started, one after the other, each once the last is ready */
	PHASE_RUN,   /* t = 0 has come */
	PHASE_END,   /* the observations are complete; what still runs is being stopped */
};

struct cadence {
	bool traced;   /* dumps are made when the tracepoint tells of a change, and at every edge */
	bool canary;   /* a process that wakes each 10 ms */
	bool waits;    /* the apps' waits for a processor are read each half second */
	nsec_t gather; /* what has come may wait so long for more to be read with it; 0: not at all */
	nsec_t sample_period; /* of counters and of what processes use */
};

struct cadence cadence_of(const struct plan *plan);

/* How often init wakes in a phase for no other reason; NSEC_NEVER: not at all. */
nsec_t cadence_tick(const struct cadence *c, enum phase phase);

/* What an expectation asks of a host that the tracepoint does not tell. */
struct cadence_wants {
	/* Packets change what is asked for: the timers of sockets, half-open connections. */
	bool packets;
	/* States that a timer of the kernel ends, unheard: TIME_WAIT and its like. */
	bool silent_ends;
};
struct cadence_wants cadence_wants(const struct plan *plan, int host);

/* --- the looks at one host, when the tracepoint tells --- */

/*
 * A look is a dump of all sockets of the host, or takes in only those that may have changed
 * (suspects.h). A change is looked at a moment later, since the kernel tells of it just before it
 * makes it; then once more, since a program that was told of it (one that accepts, say) takes its
 * time. While changes go on, so do the looks, but they take no more than a small part of the time.
 *
 * Times are CLOCK_MONOTONIC; NSEC_NEVER: none. A suspect that is NULL: any socket of the host; the
 * number of looks at one is set here.
 */
struct host_cadence {
	nsec_t changed; /* the first change since the last look */
	nsec_t due;     /* the next look */
	nsec_t looked;  /* when the last one began, and what it took */
	nsec_t cost;
	struct suspects suspects; /* of the next look */
};

void host_cadence_init(struct host_cadence *h);

/* The tracepoint has told, of this socket of the host, that it changed at t. */
void host_cadence_changed(struct host_cadence *h, const struct suspect *one, nsec_t t);
/* Something happened at t (at the other end, say) that may have changed a socket of this host. */
void host_cadence_stirred(struct host_cadence *h, const struct suspect *one, nsec_t t);
/* A packet has passed or a socket is no more: that may be all. As often as on the real clock. */
void host_cadence_hint(struct host_cadence *h, const struct suspect *one, nsec_t now);
/* At t a timer of the kernel ends a socket, or has already been due to. */
void host_cadence_ends(struct host_cadence *h, nsec_t t);

/*
 * A look begins, for whatever reason; *ret is what it is to take in. What is told from now on is for
 * the next one.
 */
void host_cadence_begin(struct host_cadence *h, nsec_t now, struct suspects *ret);
/* It has ended. What of it is to be looked at again will be; it need not hold what is gone. */
void host_cadence_end(struct host_cadence *h, const struct suspects *looked, nsec_t now);

#endif
