/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_FAULT_H
#define WIRECUT_FAULTS_FAULT_H

#include <stdbool.h>

#include "harness/base/rng.h"
#include "harness/data/spec.h"

/*
 * The registry of faults: each kind is one file under faults/ with one table of operations. Adding
 * one touches its own file and one line of registry.c.
 */
struct packet;       /* a parsed frame: faults/wire/packet.h */
struct injector;     /* how a fault puts packets of its own on a cable: faults/wire/injector.h */
struct hands;        /* what a fault may do to a host and its programs: faults/hands.h */
struct netem_params; /* what the kernel's netem is told: faults/netem/params.h */
struct receipt;      /* what a fault did: harness/data/observation.h */

/*
 * How a middlebox answers the sender of a packet. What may not be answered is not: an ICMP error, a
 * TCP reset, what is not IP, what goes to a group, a later fragment (RFC 1122, section 3.2.2; RFC
 * 4443, section 2.4). Answers go straight to their receiver, past all faults.
 */
enum fault_reply {
	REPLY_NONE,
	REPLY_RESET, /* as a closed port's (RFC 9293, section 3.10.7.1); of TCP only */
	REPLY_NET_UNREACHABLE,
	REPLY_HOST_UNREACHABLE,
	REPLY_PORT_UNREACHABLE,
	REPLY_ADMIN_PROHIBITED,
	REPLY_TOO_BIG, /* "fragmentation needed" (RFC 1191), "packet too big" (RFC 8201) */
};

/*
 * What is to become of one packet in one direction of one cable, filled in by each fault that
 * matches it, in the order of the stages. The engine begins with all zero.
 */
struct fate {
	bool drop;
	nsec_t queued; /* how long it waits for those before it */
	nsec_t delay;  /* and then takes longer */
	bool duplicate; /* a second one goes on from here, through the stages that are still to come */
	bool reordered; /* for the receipt: it goes ahead of others */
	/* Forged for the packet's sender; reply_mtu: what REPLY_TOO_BIG tells it. */
	enum fault_reply reply;
	uint16_t reply_mtu;
	/* These ends of its connection get a reset in window, if they have one (flow.h). */
	bool reset_sender, reset_receiver;
	/* One bit of what its transport's checksum covers is turned over: corrupt_draw modulo them. */
	bool corrupt;
	uint64_t corrupt_draw;
};

/* One packet that matches, as it is shown to a fault that is on. */
struct fault_call {
	const struct fault_spec *spec;
	const struct packet *packet;
	struct rng *rng; /* the fault's stream for this cable and direction: draw from this only */
	void *state; /* of this cable and direction: state_size bytes, zero when a window opens */
	void *cable_state; /* the same, cable_state_size bytes, shared by both directions */
	nsec_t now;        /* when the packet is here: never goes back */
	nsec_t on;         /* when the window opened */
	uint64_t nth;      /* of those that matched in this window on all its cables, from 1 */
	int cable;         /* the host at its end */
	enum direction direction; /* to-host or from-host */
	int peer;                 /* the host at the packet's other end, or -1 */
};

/*
 * The order in which a cable's faults see a packet, whatever the order of the timeline. A packet
 * that one of them drops is not shown to the later ones. A queue (rate) comes before the way
 * (delay), so that packets reach it in the order in which they were sent.
 */
enum fault_stage {
	FAULT_STAGE_BLOCK,
	FAULT_STAGE_LOSS,
	FAULT_STAGE_CORRUPT,
	FAULT_STAGE_DUPLICATE,
	FAULT_STAGE_RATE,
	FAULT_STAGE_DELAY,
	FAULT_STAGE_REORDER,
};

/* What a fault acts on, and so which keys it takes beside its own. */
enum fault_target {
	FAULT_ON_CABLES, /* carried out by the link engine */
	/* Carried out by the sandbox's init; and by the link engine, if it has `packet` or `on`. */
	FAULT_ON_HOSTS,
	FAULT_ON_APPS,
};

struct fault_ops {
	const char *name;           /* the key: "blackhole" */
	const char *doc;            /* one line for the reference */
	const struct field *fields; /* of struct fault_spec: its own keys beside the common ones */
	enum fault_target target;
	enum fault_stage stage;
	bool momentary; /* does its work at the on-edge: without `for` it is over then, not at the end */
	/* With these keys it lasts all the same. NULL: never. */
	bool (*lasts)(const struct fault_spec *spec);
	/*
	 * It does nothing in a window of that length, for the reason in *flaw, whose key is the one to
	 * change. NULL: it may in any.
	 */
	bool (*is_too_short)(const struct fault_spec *spec, nsec_t window, struct flaw *flaw);
	/* While it is on nothing runs on its hosts, and nothing can be started there. */
	bool darkens;
	/* The ports of its cables are down while it is on (each cable counts as matched). */
	bool takes_down;
	/* The keys that say where it acts, in place of those of its target; NULL: those. */
	const struct field *where;

	/*
	 * It does nothing unless a fault of this kind is on too, on the same cable and in the same
	 * direction: a scenario without one is refused. NULL: it stands alone.
	 */
	const struct fault_ops *beside;

	/*
	 * Says what is wrong with the keys together, in *flaw; true if nothing is. May be NULL.
	 */
	bool (*check)(const struct fault_spec *spec, struct flaw *flaw);

	/*
	 * With these keys it is about single packets, so hosts may not send many in one frame: the
	 * flaw's message is what of it is; false if nothing is. NULL: never.
	 */
	bool (*needs_packets)(const struct fault_spec *spec, struct flaw *flaw);

	/* What it remembers of each cable from packet to packet; see struct fault_call. */
	size_t state_size, cable_state_size;
	/* Frees what a state holds beside its own bytes, of which it may be all zero. May be NULL. */
	void (*forget)(void *state, void *cable_state);

	/*
	 * Of the packets that match, those that it is about: others are neither shown to it nor counted
	 * as matched. NULL: all.
	 */
	bool (*concerns)(const struct fault_spec *spec, const struct packet *packet);

	/* One packet that matches, while the fault is on. May be NULL. */
	void (*packet)(const struct fault_call *call, struct fate *fate);

	/* The on-edge has come: what the fault does by itself, once a window. May be NULL. */
	void (*on)(const struct fault_spec *spec, struct injector *injector);

	/*
	 * Of a fault on cables: adds what the link engine netem is to do for it. NULL, or the reason
	 * why netem cannot (netem_add()). No such operation: only the engine `wire` can do it.
	 */
	const char *(*netem)(const struct fault_spec *spec, struct netem_params *params);

	/*
	 * Of a fault on hosts or on apps: does its work on one of them, by its index in the plan, and
	 * counts in *did. What the hands did is taken back by itself when the window ends.
	 */
	int (*act)(const struct fault_spec *spec, struct hands *hands, int index,
		   struct receipt *did, struct err *err);
	/* Of a momentary fault: it ends a window without `for` of this kind, on the same hosts. */
	const struct fault_ops *ends;
	/*
	 * Two windows of this kind on the same target do not get in each other's way. NULL: they do,
	 * unless their directions or their matches differ.
	 */
	bool (*is_apart)(const struct fault_spec *a, const struct fault_spec *b);
};

extern const struct fault_ops *const fault_registry[]; /* NULL-terminated */

/* The table of the keys that name its target, and that every fault on such a target takes. */
const struct field *fault_target_fields(const struct fault_ops *ops);

/* `power-off: server` will do for `power-off: {host: server}`: no key of its own is needed. */
bool fault_takes_target_alone(const struct fault_ops *ops);

/* The `packet` of a fault that drops whatever it is shown. */
void fault_drop(const struct fault_call *call, struct fate *fate);

/* The `needs_packets` of a fault that always does. */
bool fault_needs_packets(const struct fault_spec *spec, struct flaw *flaw);
/* And the mend that is always one. */
#define FAULT_LEAVE_OUT_GSO "leave out 'gso: on'"
/* The `netem` of such a fault. */
const char *fault_drop_by_netem(const struct fault_spec *spec, struct netem_params *params);

/* The kind of that name, or NULL. */
const struct fault_ops *fault_find(const char *name);

#endif
