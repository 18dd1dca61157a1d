/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_WIRE_FORWARDER_H
#define WIRECUT_FAULTS_WIRE_FORWARDER_H

#include <stdatomic.h>

#include "harness/data/observation.h"

/*
 * The forwarder: the process that is the link engine. As `wire` it moves every frame between the
 * ports of the cable namespace, applies the plan's faults on the way, and records what passed; as
 * `netem` (faults/netem/netem.h) it lets the kernel move them and watches. What stands here holds for
 * both.
 *
 * It is forked by the sandbox's init, which talks to it through one SOCK_SEQPACKET socketpair and
 * sees it through one shared page. When the socketpair is closed the forwarder exits.
 */

enum forwarder_command {
	FORWARDER_START,  /* to it: t = 0 is at .t0; edges of the plan count from there */
	FORWARDER_END,    /* to it: lift everything, write receipts, flush, answer DONE */
	FORWARDER_UP,     /* from it: packets are being moved */
	FORWARDER_DONE,   /* from it: everything is written; .err empty, or what failed */
	FORWARDER_FAILED, /* from it: .err; it exits */
};

struct forwarder_msg {
	enum forwarder_command command;
	nsec_t t0; /* CLOCK_MONOTONIC */
	struct err err;
};

/* Who does not poll can have itself woken by the next packet of a host. */
enum forwarder_alarm {
	FORWARDER_ALARM_OFF,
	FORWARDER_ALARM_SET,  /* by init */
	FORWARDER_ALARM_RUNG, /* by the forwarder: a packet has passed since */
};

/* What is shared with init of a host of the plan, read at any time. */
struct forwarder_host {
	_Atomic nsec_t last_packet; /* CLOCK_MONOTONIC, either way; 0: none yet */
	_Atomic int alarm;          /* enum forwarder_alarm */
};

struct forwarder_shared {
	/*
	 * How many messages were sent to the forwarder, raised before each: so that it sees one that was
	 * sent before a frame, without a system call for each look.
	 */
	_Atomic uint32_t n_commands;
	struct forwarder_host host[1]; /* as many as the plan has hosts */
};

struct forwarder_config {
	const struct plan *plan;
	const int *port_ifindex; /* per host of the plan: its cable's port in this namespace */
	/* The other end of each cable, before the switch; NULL: the engine is the switch. */
	const int *inner_ifindex;
	int control_fd; /* its end of the socketpair */
	int pcapng_fd;  /* packets.pcapng, empty, open for writing */
	/*
	 * struct observation records are appended to this file (a memfd), times in CLOCK_MONOTONIC
	 * (t, arrived, asked): who reads them subtracts t0. `text` is always NULL.
	 */
	int observations_fd;
	struct forwarder_shared *shared;
	unsigned n_ring_slots; /* of its ring (ring.h); 0: enough */
	int alarm_fd; /* an eventfd(2), written once for each alarm that rings; used if one is set */
};

size_t forwarder_shared_size(const struct plan *plan);

/*
 * The engine `wire`. Runs in the cable's network namespace until FORWARDER_END or end of file, and
 * never returns before. Sends FORWARDER_FAILED itself. Returns the process's exit status.
 */
int forwarder_run(const struct forwarder_config *config);

#endif
