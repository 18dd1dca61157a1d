/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_TRACE_H
#define WIRECUT_WIRE_TRACE_H

#include "faults/wire/flow.h"
#include "faults/wire/sinks.h"

/*
 * What is written down of the packets: one capture record each and, for those that mean something
 * to a connection, one observation. Both are written when the packet's fate is known, in the order
 * in which the packets left their senders: a decided packet waits for the undecided before it.
 */
struct trace {
	struct wire_sinks sinks;
	struct passage *v; /* a ring: packet `id` is at id modulo the capacity */
	size_t capacity;   /* a power of two; 0: nothing allocated yet */
	uint64_t first;    /* the oldest id that is not written yet */
	uint64_t next;     /* the id of the next packet */
};

/* Frees the trace. What is still undecided is never written. */
void trace_free(struct trace *t);

/*
 * A packet leaves `host` at `now`. Its id is good until it is decided: when trace_done() was called
 * for it once, and once more for each trace_hold(). Calls for an id that was already written do
 * nothing. Aborts when memory runs out.
 */
uint64_t trace_enter(struct trace *t, int host, nsec_t now, const uint8_t *bytes, size_t len,
		     size_t original_len);

/* It is worth an observation. */
void trace_observe(struct trace *t, uint64_t id, struct flow_event event, const struct packet *p);

/* A fault forged it, instead of a host that sent it. */
void trace_forged(struct trace *t, uint64_t id, int step);

/* A copy of it is kept back; if all goes well it arrives at `due`. */
void trace_hold(struct trace *t, uint64_t id, nsec_t due);

/* A copy of it reached a host. The first one counts. */
void trace_arrived(struct trace *t, uint64_t id, nsec_t now);

/* A copy of it was dropped by this step; -1: by none. */
void trace_dropped(struct trace *t, uint64_t id, int step);

/* Adds to the packet's comment. */
void trace_note(struct trace *t, uint64_t id, const char *fmt, ...)
	__attribute__((format(printf, 3, 4)));

/* The same, of what is known already: `what` and `by`, one behind the other. */
void trace_note_by(struct trace *t, uint64_t id, const char *what, const char *by);

/* The same of a delay: "delayed 12.345 ms" and `by`. */
void trace_note_delayed(struct trace *t, uint64_t id, nsec_t delay, const char *by);

void trace_done(struct trace *t, uint64_t id);

#endif
