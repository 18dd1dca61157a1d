/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_OBSERVATION_H
#define WIRECUT_DATA_OBSERVATION_H

#include <stdint.h>

#include "harness/base/jsontext.h"
#include "harness/data/plan.h"

/*
 * What was seen while a plan ran: one record each, plain data without pointers (but for the two
 * texts), so that the forwarder can hand them over through shared memory and a test can write them
 * down by hand. As JSON: one line each in events.jsonl, in the order of `t`.
 */

enum obs_source {
	OBS_RUN,     /* the run itself: ready (t = 0), end, error */
	OBS_PACKET,  /* a packet on a cable, seen as it leaves its sender's host */
	OBS_SOCKET,  /* a change of a TCP socket of a host */
	OBS_PROCESS, /* an app's process started or ended; what its processes use */
	OBS_APP,     /* a line that an app printed: JSON, or one that an expectation asks for */
	OBS_FAULT,   /* an edge of a timeline step: a fault's on and off, a kill, a start */
	OBS_LAG,     /* a stall or a loss of the harness itself */
	OBS_COUNTER, /* a counter of a host's network stack, where an expectation asks for it */
	OBS_N_SOURCES,
};
extern const char *const obs_source_names[];

enum obs_event {
	/* run */
	EV_READY,
	EV_END,
	EV_ERROR,
	/* packet; one packet is one record, named by the first of these that fits */
	EV_FORGED, /* a reset injected by a fault (obs_packet.fault says which) */
	EV_RST,
	EV_FIN,
	EV_SYN,
	EV_SYN_ACK,
	EV_ESTABLISHED, /* the opener's ACK that completes the handshake */
	EV_DATA,        /* the first data of its direction */
	EV_ACKED, /* the first ACK of the sender's peer's data: data of the other direction arrived */
	EV_RETRANSMIT,  /* data sent before */
	EV_ZERO_WINDOW, /* the sender's window closes */
	/*
	 * Beside these, and only where a `packets` expectation asks for it: any packet that it counts,
	 * at `host`. `t` is when it left its sender, or, of a delivered one, when it reached its receiver.
	 */
	EV_COUNTED,
	/* socket */
	EV_STATE,     /* state, owner or inode changed; the first sight of a socket too */
	EV_DESTROYED, /* the kernel's destroy notification */
	EV_GONE,      /* no longer there at a poll, no notification seen: ended within [since, t] */
	EV_POLLED, /* the sockets of a host were dumped for the first time, or again at the end */
	/* process */
	EV_START,
	EV_EXIT,
	EV_SAMPLE, /* what all processes of the instance use together, when that has changed */
	/* app */
	EV_LINE, /* an object of JSON, in which no key is there twice */
	EV_LOG,  /* any line that a `log` expectation matches, as it was printed */
	/* fault */
	EV_ON,
	EV_OFF,
	EV_RECEIPT, /* at the end of a fault: its totals */
	EV_FLOW, /* after it, of a fault on cables: the same of one of the flows that it touched */
	/* lag */
	EV_STALL,       /* a stage woke this late: obs_lag.lag */
	EV_RING_DROP,   /* the packet ring lost obs_lag.count packets */
	EV_NOTIFY_LOST, /* the destroy notifications overflowed (ENOBUFS) */
	EV_CLOCK_STEP, /* CLOCK_REALTIME was set by obs_lag.lag while packets were stamped with it */
	/* counter */
	EV_COUNT, /* its first value, at t = 0, and each change */
	EV_N_EVENTS,
};
extern const char *const obs_event_names[];

struct endpoint {
	uint8_t family;   /* AF_INET, AF_INET6; 0: none */
	uint8_t addr[16]; /* network order; IPv4 in the first four */
	uint16_t port;    /* host order */
};

/* "10.0.0.2:8000" or "[fd00::2]:8000", into a buffer of at least ENDPOINT_TEXT bytes. */
#define ENDPOINT_TEXT 64
const char *endpoint_text(const struct endpoint *e, char *buf);
int endpoint_parse(struct endpoint *e, const char *text);
bool endpoint_equal(const struct endpoint *a, const struct endpoint *b);
/* Same address, whatever the port. */
bool endpoint_same_addr(const struct endpoint *a, const struct endpoint *b);

#define TCP_FLAG_FIN 0x01
#define TCP_FLAG_SYN 0x02
#define TCP_FLAG_RST 0x04
#define TCP_FLAG_PSH 0x08
#define TCP_FLAG_ACK 0x10

struct obs_packet {
	struct endpoint src, dst;
	uint32_t seq, ack; /* as on the wire, host order */
	uint32_t len;      /* TCP payload bytes */
	uint16_t window;   /* unscaled */
	uint8_t flags;     /* TCP_FLAG_* */
	bool retransmit;   /* a SYN, SYN-ACK, FIN or data that was sent before */
	int16_t fault;     /* step that injected it (EV_FORGED) or dropped it; -1: none */
	nsec_t arrived;    /* when it left the last cable into its receiver; NSEC_NEVER: dropped;
			      NSEC_UNSET: not followed */
	int16_t expect;    /* EV_COUNTED: the expectation of the plan that counts it */
};

/* States as the kernel numbers them (include/net/tcp_states.h), in the names of RFC 9293. */
enum tcp_state {
	STATE_ESTABLISHED = 1,
	STATE_SYN_SENT,
	STATE_SYN_RECEIVED,
	STATE_FIN_WAIT_1,
	STATE_FIN_WAIT_2,
	STATE_TIME_WAIT,
	STATE_CLOSED,
	STATE_CLOSE_WAIT,
	STATE_LAST_ACK,
	STATE_LISTEN,
	STATE_CLOSING,
};
/* Index: enum tcp_state. ESTABLISHED, SYN_SENT, ..., as `ss` spells them but with '_' for '-'. */
extern const char *const tcp_state_names[];
/* Accepts CLOSE_WAIT, close-wait, SYN-RECV: case and the dash do not matter. 0: no such state. */
int tcp_state_parse(const char *name);

/* A socket's running timer, as idiag_timer of the kernel's inet_diag numbers it; 0: none runs. */
enum tcp_timer {
	TIMER_ON = 1,    /* retransmission */
	TIMER_KEEPALIVE, /* keepalive, and what else sk_timer is used for (FIN_WAIT_2) */
	TIMER_TIMEWAIT,
	TIMER_PERSIST, /* zero-window probes */
};
/* Index: enum tcp_timer - 1; NULL-terminated. on, keepalive, timewait, persist, as `ss -o` says. */
extern const char *const tcp_timer_names[];

struct obs_socket {
	struct endpoint local, peer;
	uint64_t cookie;
	uint32_t inode; /* 0: no file (TIME_WAIT, an orphan, not accepted yet) */
	uint8_t state;  /* enum tcp_state; of DESTROYED and GONE: the last one seen, 0 if none */
	uint32_t rqueue, wqueue;
	nsec_t since; /* EV_GONE, EV_STATE: the last time it was seen as it was before; else NSEC_UNSET */
	/* Only in a plan with a `timer` expectation; else, and when no timer runs, all 0. */
	uint8_t timer;   /* enum tcp_timer */
	uint8_t retries; /* retransmissions or probes without an answer (idiag_retrans) */
	nsec_t left;     /* until it expires (idiag_expires) */
};

struct obs_process {
	int32_t pid;     /* in the sandbox */
	int32_t status;  /* EV_EXIT: exit status, or -1 if a signal ended it */
	int32_t signal;  /* EV_EXIT: that signal, or 0 */
	bool by_harness; /* EV_EXIT: after a stop, kill or restart step, or at the end */
	int64_t fds;     /* EV_SAMPLE: open descriptors */
	int64_t rss; /* EV_SAMPLE: resident memory in bytes; what processes share counts in each */
};

struct obs_counter {
	int64_t value; /* what it has grown by since t = 0; its name is the record's text */
};

/* What a fault did in one window: each of these a count. */
struct receipt {
	uint64_t matched; /* packets it was shown while on and that match; of momentary faults, and
			       of faults on hosts and apps, the things they acted on */
	uint64_t dropped; /* of those */
	uint64_t delayed; /* of those */
	uint64_t duplicated; /* of those */
	uint64_t corrupted;  /* of those */
	uint64_t reordered;  /* of those: sent ahead of others */
	uint64_t injected;   /* packets of its own */
	uint64_t killed;     /* processes, of those matched */
	uint64_t destroyed;  /* sockets, of those matched */
};

/* The counts by name, in the order in which they are written; ends with a NULL name. */
struct receipt_count {
	const char *name;
	size_t offset; /* of a uint64_t in struct receipt */
};
extern const struct receipt_count receipt_counts[];

static inline uint64_t *receipt_count_of(struct receipt *r, const struct receipt_count *c)
{
	return (uint64_t *)(void *)((char *)r + c->offset);
}

/* Adds what was counted between `before` and `after` to *to. */
void receipt_add_growth(struct receipt *to, const struct receipt *before,
			const struct receipt *after);

static inline uint64_t receipt_get(const struct receipt *r, const struct receipt_count *c)
{
	return *(const uint64_t *)(const void *)((const char *)r + c->offset);
}

enum flow_protocol { FLOW_TCP, FLOW_UDP, FLOW_ICMP, FLOW_OTHER };
extern const char *const flow_protocol_names[]; /* tcp, udp, icmp, other */

/* A flow: the packets between two ends. `src` sent the first of them that the fault touched. */
struct obs_flow {
	struct endpoint src, dst; /* family 0: not IP; port 0: a protocol without ports */
	uint8_t protocol;         /* enum flow_protocol */
	bool others; /* all those for which there was no place, added up: then there are no ends */
};

struct obs_fault {
	int16_t step;
	int16_t edge;         /* index into the step's edges */
	nsec_t asked;         /* when the plan wanted it; the record's t is when it took effect */
	struct receipt did;   /* EV_RECEIPT, EV_FLOW: in the edge's window */
	struct obs_flow flow; /* EV_FLOW */
};

/* No lag, and no sum of lags, counts for more than this. */
#define LAG_MAX (1000000 * NSEC_PER_SEC)

struct obs_lag {
	uint8_t stage; /* enum lag_stage */
	nsec_t lag;    /* at most LAG_MAX; below 0 only of a clock step */
	uint64_t count;
};

/*
 * What was to be seen at a moment and was seen later, by no more than this, counts as seen at that
 * moment; what was seen later still shows only how things stood then.
 */
#define LOOK_LATE_MAX (200 * NSEC_PER_MSEC)

enum lag_stage {
	LAG_FORWARDER, /* the link engine */
	LAG_INIT,      /* the sandbox's init, which stamps all but packets */
	LAG_CANARY,    /* a process that only sleeps and wakes: what the programs themselves meet */
	LAG_STARVED, /* an app's threads: how long they waited for a processor since the last record */
	LAG_N_STAGES,
};
extern const char *const lag_stage_names[]; /* forwarder, init, canary, starved */

struct observation {
	nsec_t t;       /* since t = 0 of the scenario; what happened before is negative */
	uint8_t source; /* enum obs_source */
	uint8_t event;  /* enum obs_event */
	int16_t host;   /* plan index of the host it was seen at (a packet's sender); -1: none */
	int16_t app;    /* plan index of the instance it belongs to; -1: none or not known */
	union {
		struct obs_packet packet;
		struct obs_socket socket;
		struct obs_process process;
		struct obs_fault fault;
		struct obs_lag lag;
		struct obs_counter counter;
	};
	/* OBS_APP: the line. EV_ERROR: what went wrong. OBS_COUNTER: its name. Else NULL */
	char *text;
};

struct observations {
	struct arena *arena; /* of the texts and of the list */
	VEC(struct observation) list;
};

/* Writes one line of events.jsonl without its newline, names in place of indices. */
void observation_write(struct jsontext *to, const struct observation *o, const struct plan *plan);

/* Reads a line back. Names that the plan does not have are an error. */
int observation_from_line(struct observation *o, const char *line, size_t len,
			  const struct plan *plan, struct arena *a, struct err *err);

/* Orders by t, then source, then by the order in which they stand now (stable). */
void observations_sort(struct observations *obs);

#endif
