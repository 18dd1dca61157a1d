/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_MODEL_H
#define WIRECUT_JUDGE_MODEL_H

#include "harness/judge/lookup.h"

/*
 * What the observations mean: connections with their two ends, sockets with their owners, attempts,
 * processes, and the timeline as it really went. The expectations read this and nothing else.
 *
 * In the model a time that never came is NSEC_NEVER, so that the earlier of two is their minimum.
 * Only records up to the plan's duration count. Loopback (one host at both ends, 127/8, ::1) and
 * DNS (port 53) are left out.
 */

/* The two ends of a connection: the one that sent the first SYN, and the other. */
enum { OPENER, ACCEPTOR, N_ENDS };

struct model_end {
	struct endpoint at;
	int host;          /* -1: an address that no host of the plan has */
	int app;           /* the instance that owns the socket; -1: not known */
	int socket;        /* index into model.sockets; -1: never seen */
	nsec_t fin;        /* the first FIN that its host sent */
	nsec_t rst;        /* the first RST that its host sent (a forged one is not) */
	nsec_t data;       /* the first data that its host sent */
	nsec_t acked;      /* the other end's first acknowledgement of data */
	uint32_t data_seq; /* sequence number of that first data */
	nsec_t forged;     /* the first injected reset that reached it */
	nsec_t reset;      /* the first reset of the other end's host that reached it */
};

/*
 * One handshake begun: the first SYN of a (4-tuple, initial sequence number). A connection of which
 * no SYN was seen is not here; its sockets are.
 */
struct model_connection {
	struct model_end end[N_ENDS];
	uint32_t isn;
	int service;  /* index into model.services: the acceptor's address and port */
	int previous; /* the connection before it on the same 4-tuple; -1: none */
	nsec_t first_syn;
	nsec_t established; /* the opener's ACK completed the handshake */
	nsec_t refused;     /* a reset reached the opener before that */
};

/* What a host offers at a port; the addresses of one host (IPv4, IPv6) are one service. */
struct model_service {
	int host; /* -1: outside the plan */
	uint16_t port;
	char *name; /* "server:8000" */
};

struct model_socket {
	uint64_t cookie;
	int host;
	int app; /* its owner, see model_owners.c; -1: not known */
	struct endpoint local, peer;
	int peer_host; /* -1: none of the plan's, or a listener */
	nsec_t seen;   /* first */
	/* It ended within [end_since, end]: both the same for a notification; NSEC_NEVER: it did
	 * not. A TIME_WAIT that outlives the app's socket is no part of this. */
	nsec_t end_since, end;
	/*
	 * When the kernel destroyed it; NSEC_NEVER: it was not told so. A socket that a reset has ended is no
	 * longer found by polls, but it is there until its app closes it.
	 */
	nsec_t destroyed;
	/*
	 * Its app closed it, or its sending side, within [closed_since, closed], as a poll shows: it
	 * left for FIN_WAIT, LAST_ACK or CLOSING, or no file holds it any more. On a cable that is cut
	 * the FIN may wait behind data and never be sent.
	 */
	nsec_t closed_since, closed;
	bool had_inode;
};

/* A socket's state changed. 0: it was not there, or is no longer. */
struct model_change {
	nsec_t t;
	int socket;
	uint8_t from, to; /* enum tcp_state */
};

/* From here on this timer runs for the socket. kind 0: none. */
struct model_timer {
	nsec_t t;
	int socket;
	uint8_t kind; /* enum tcp_timer */
	uint8_t retries;
	nsec_t expires; /* when it will, unless it is set anew */
};

/*
 * An attempt of one instance to connect to one service: one connection, or several to the addresses
 * of the same name begun within a second of the first.
 */
struct model_attempt {
	int service;
	int connection, last; /* its first, and its last */
	nsec_t start;         /* first SYN */
	nsec_t established;   /* NSEC_NEVER: it failed, or is still open */
	nsec_t answered; /* established, or the last refused of all; NSEC_NEVER: some were silent */
	nsec_t end_since, end; /* within [end_since, end]; NSEC_NEVER: no end was seen */
	bool open;             /* no end was seen, and its socket was: it goes on */
};

/* One process of an instance, from start to end. */
struct model_life {
	nsec_t start;
	nsec_t exit; /* NSEC_NEVER: it went on */
	int status, signal;
	bool by_harness;
};

/* What all processes of an instance use together, from t on. */
struct model_sample {
	nsec_t t;
	int64_t fds;
};

/* A line that an instance printed, as its record has it. */
struct model_line {
	nsec_t t;
	const char *text;
};

/* A packet that a `packets` expectation counts at a host. */
struct model_packet {
	nsec_t t;
	const char *label; /* of the expectation */
};

/* From t on a counter of a host had grown by this much since t = 0. */
struct model_count {
	nsec_t t;
	const char *name;
	int64_t value;
};

struct model_app {
	VEC(struct model_life) lives;
	VEC(struct model_sample) samples; /* by time, as are the lines */
	VEC(struct model_line) json;      /* every line of JSON */
	VEC(struct model_line) logged;    /* lines that a `log` expectation asks for */
	VEC(nsec_t) harness_acts; /* its stop, kill and restart steps, its ends by the harness */
	VEC(int) connections;     /* owned at either end, by first SYN */
	VEC(int) opened;          /* those it opened, by service, then by first SYN */
	VEC(struct model_attempt) attempts; /* by service, then by start */
};

struct model_host {
	bool polled;
	VEC(struct model_life) execs;     /* of programs of `exec` steps: together, when some ran */
	VEC(struct model_change) changes; /* by time, as are these two */
	VEC(struct model_timer) timers;
	VEC(nsec_t) notes_lost; /* some of the kernel's notifications of destroyed sockets were */
	VEC(struct model_count) counts;
	VEC(struct model_packet) packets;
};

/* A step's window as it was observed. */
struct model_edge {
	/*
	 * What stood before the step did anything. A fault is exact; a step that acts on apps is
	 * recorded after the act, which what it causes may precede: it begins when it was due.
	 */
	nsec_t began;
	nsec_t on, off; /* NSEC_NEVER: not reached; off of an instantaneous step: on */
};

struct model_step {
	VEC(struct model_edge) edges; /* as many as the plan's */
};

struct model {
	const struct plan *plan;
	/* What stalls may have added to a gap between attempts, or taken from it; usually 0. */
	nsec_t stall_late, stall_early;
	nsec_t stall_held; /* what was spread over so much time may have come at once; usually 0 */
	struct arena *arena;
	VEC(struct model_connection) connections; /* by first SYN */
	VEC(struct model_socket) sockets;         /* by first sight */
	VEC(struct model_service) services;
	struct model_app *apps;   /* as in the plan */
	struct model_host *hosts; /* as in the plan */
	struct model_step *steps; /* as in the plan */
};

/*
 * Makes the model of observations that are sorted by time. It lives in `a` and refers to the plan.
 * Near linear in the number of records.
 */
struct model *model_build(const struct plan *plan, const struct observations *obs, struct arena *a);

/* When the connection ended at one end: the first FIN or RST sent, the socket closed or ended. */
nsec_t model_end_over(const struct model *m, const struct model_end *e);

/* When it ended for the first time at either end; of one that ended by a refusal, that. */
nsec_t model_connection_over(const struct model *m, const struct model_connection *c);

/*
 * The socket of this end was ended by a forged reset and not by its app: what that host sent on the
 * connection later are answers of its kernel.
 */
bool model_reset_by_fault(const struct model *m, const struct model_end *e);

/* The first time at or after t at which the harness itself stopped or killed the instance. */
nsec_t model_harness_act_after(const struct model *m, int app, nsec_t t);

/*
 * The connection is of the same attempt: it was begun within a second of the attempt's first (and of
 * what stalls may have added), at an address of the same service that it has not tried yet.
 */
bool model_is_same_attempt(const struct model *m, const struct model_attempt *attempt,
			   int connection);

/* When the expectation's step began for the first time; NSEC_NEVER: it did not. */
nsec_t model_first_on(const struct model *m, const struct plan_expect *e);

/* The service is one that the expectation's `peer` names, or it names none. */
bool model_is_peer(const struct model *m, const struct plan_expect *e, int service);

/* The socket belongs to the expectation's app and goes to its `peer`, where it names them. */
bool model_is_meant(const struct plan_expect *e, const struct model_socket *s);

/* "client.2 10.0.0.3:41000 > server:8000", with the owner of end `own` first, in `a`. */
char *model_connection_text(const struct model *m, const struct model_connection *c, int own,
			    struct arena *a);

#endif
