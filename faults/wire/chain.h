/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_CHAIN_H
#define WIRECUT_WIRE_CHAIN_H

#include "faults/fault.h"
#include "faults/wire/flow_counts.h"
#include "faults/wire/match.h"
#include "faults/wire/trace.h"

/* One window of a fault, and what the fault did in it. */
struct fault_window {
	bool open;
	nsec_t opened_at;
	struct receipt did;
	struct flow_counts flows; /* the same by flow */
};

/*
 * A fault of the plan while it runs. All the cables it names share this one object, which is why
 * its edges are atomic: a packet anywhere sees it either on or off.
 */
struct running_fault {
	const struct plan_step *step;
	int index;         /* of the step in the plan */
	char *stream;      /* names its random streams: see running_fault_init() */
	const char *label; /* what messages call it: the step's id, or else the same */
	struct match match;
	struct fault_window *windows; /* as many as the step has edges */
	int n_open;                   /* it is on while any window is open */
	uint64_t n_opened;            /* how often a window was opened */
	size_t current;               /* the window opened last: what it does is counted there */
};

/*
 * `nth` counts the faults of this kind in the plan, from 1. Its random streams are named by the
 * step's own id, or by its kind and that number, so that another fault anywhere in the timeline
 * leaves them as they are. running_fault_free frees it. Aborts when memory runs out.
 */
void running_fault_init(struct running_fault *f, const struct plan *plan, size_t step, int nth);
void running_fault_free(struct running_fault *f);

/* What a fault remembers of a cable, or of one direction of it; empty when a window opens. */
struct fault_memory {
	uint64_t n_opened; /* of the fault, when this was emptied */
	void *state;       /* or NULL: nothing to remember */
};

struct chain_link {
	struct running_fault *fault;
	struct rng rng;
	struct fault_memory memory;
	struct fault_memory *cable_memory; /* shared with the other direction; not ours */
	char *by; /* what a packet's comment says of it: " by cut (blackhole on server to-host)" */
};

/* The faults of one direction of one cable, in the order in which they see a packet. */
struct chain {
	const char *host; /* its name */
	int cable;        /* its index */
	enum direction direction;
	struct chain_link *links;
	size_t n;
};

/*
 * Adds a fault behind all those of its stage that are there. The cable memory must outlive the
 * chain. Aborts when memory runs out.
 */
void chain_add(struct chain *c, struct running_fault *f, struct fault_memory *cable_memory,
	       uint64_t seed);
void chain_free(struct chain *c);

/* For chain_add(); freed after all chains. Aborts when memory runs out. */
void fault_memory_init(struct fault_memory *m, size_t size);
void fault_memory_free(struct fault_memory *m);

/* One packet on its way through a chain. */
struct crossing_packet {
	const struct packet *packet;
	int peer; /* the host at its other end, or HOST_UNKNOWN */
	nsec_t now;
	uint64_t id; /* in the trace */
};

/* More duplicates of one packet on one cable than this are not made. */
#define CHAIN_MAX_COPIES 8

/* What a fault has forged because of it: see struct fate. */
struct answer {
	struct running_fault *fault;
	enum fault_reply reply;
	uint16_t mtu;
	bool reset_sender, reset_receiver;
};

/* More faults than these do not answer one packet on one cable. */
#define CHAIN_MAX_ANSWERS 4

/* What becomes of it, and of its duplicates: each goes on at the link of that index. */
struct passing {
	struct fate fate;
	struct answer answers[CHAIN_MAX_ANSWERS];
	int n_answers;
	size_t copies[CHAIN_MAX_COPIES];
	int n_copies;
};

/*
 * Asks each fault from link `first` on that is on and matches, until one drops the packet. What was
 * done is counted, and noted in the trace. Of the arrays of *ret only as much is written as counts.
 */
void chain_pass(struct chain *c, size_t first, const struct crossing_packet *p, struct trace *trace,
		struct passing *ret);

#endif
