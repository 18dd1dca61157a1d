/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_SPEC_H
#define WIRECUT_DATA_SPEC_H

#include "harness/base/field.h"
#include "harness/data/diag.h"

/*
 * What a scenario file says of a fault and of an expectation, as written (names not resolved yet).
 * The plan carries the same structs on, beside what their names were resolved to, so that every
 * later message can quote the file.
 */

/* The link engine that a cable is made of. */
enum link_engine { LINK_WIRE, LINK_NETEM };
extern const char *const link_engine_names[]; /* wire, netem */

enum clock_kind { CLOCK_ANY, CLOCK_REAL, CLOCK_VIRTUAL };
extern const char *const clock_kind_names[]; /* any, real, virtual */

/* How a host knows its peers' link addresses. */
enum neighbours {
	NEIGHBOURS_FIXED, /* permanent entries: a cut cable is noticed by TCP alone */
	NEIGHBOURS_LEARN, /* by ARP and ND over the cable, which a fault touches too */
};
extern const char *const neighbours_names[]; /* fixed, learn */

/* Whether hosts leave segmentation and checksums to hardware that is not there. */
enum gso {
	GSO_OFF, /* a packet on the cable is a packet: complete, summed, no larger than the MTU */
	GSO_ON,  /* a frame is up to 64 KiB, many segments of TCP at once */
};
extern const char *const gso_names[]; /* off, on */

/* Seen from the host at the end of the cable. */
enum direction { DIRECTION_BOTH, DIRECTION_TO_HOST, DIRECTION_FROM_HOST };
extern const char *const direction_names[]; /* both, to-host, from-host */

enum match_protocol { MATCH_TCP, MATCH_UDP, MATCH_ICMP };
extern const char *const match_protocol_names[]; /* tcp, udp, icmp */

/*
 * What a packet is. A packet with SYN is never data; one with FIN is fin even if it carries data; a
 * keepalive probe is neither ack nor data. KIND_DNS is what a match may ask for, not what a packet
 * is: one of port 53 is that beside its own kind.
 */
enum packet_kind {
	KIND_SYN,
	KIND_SYN_ACK,
	KIND_ACK,
	KIND_DATA,
	KIND_FIN,
	KIND_RST,
	KIND_KEEPALIVE,
	KIND_DNS,
};
extern const char *const packet_kind_names[]; /* syn, syn-ack, ack, data, fin, rst, ... */

/* Which packets of a cable are meant; every member unset: all of them. */
struct match_spec {
	struct strings peer; /* names of hosts or groups: the other end of the packet */
	int64_t port;        /* source or destination port */
	int protocol;        /* enum match_protocol */
	struct strings kind; /* names in packet_kind_names */
};
extern const struct field match_fields[];

/* At which end of its way a packet is counted. */
enum packets_where {
	PACKETS_SENT,      /* as it leaves its sender, before any fault */
	PACKETS_DELIVERED, /* as it reaches its receiver, behind all of them */
};
extern const char *const packets_where_names[]; /* sent, delivered */

enum rst_to { RST_TO_HOST, RST_TO_PEER, RST_TO_BOTH };
enum rst_each { RST_EACH_DATA };

/* How a reject answers; as the targets of iptables-extensions(8). */
enum reject_with {
	REJECT_TCP_RESET,
	REJECT_NET_UNREACHABLE,
	REJECT_HOST_UNREACHABLE,
	REJECT_PORT_UNREACHABLE,
	REJECT_ADMIN_PROHIBITED,
};

enum idle_answer { IDLE_ANSWER_RESET, IDLE_ANSWER_RESET_BOTH };

/* delay: how the single delays lie around their mean. */
enum delay_distribution {
	DISTRIBUTION_UNIFORM,
	DISTRIBUTION_NORMAL,
	DISTRIBUTION_PARETO,
	DISTRIBUTION_PARETONORMAL,
};
extern const char *const delay_distribution_names[]; /* uniform, normal, pareto, paretonormal */

/* loss: the model of Gilbert and Elliott, with the letters of tc-netem(8); fractions. */
struct gemodel_spec {
	double p;            /* from good to bad, at each packet */
	double r;            /* from bad to good */
	double loss_in_bad;  /* 1-h; unset: 1 */
	double loss_in_good; /* 1-k; unset: 0 */
};

/* rate: how much may be in the queue; one of them at most. */
struct limit_spec {
	int64_t packets, bytes;
	nsec_t time;
};

/*
 * A fault on cables, hosts or apps. The parameters of all kinds stand side by side; which of them a kind takes,
 * and what they mean, is said by the kind's own file under faults/.
 */
struct fault_spec {
	const struct fault_ops *ops; /* the kind, see faults/fault.h */
	struct pos pos;
	bool may_miss;        /* it need not touch anything: then the scenario is not void */
	struct strings cable; /* hosts or groups whose cables it is on */
	struct strings host;  /* or hosts or groups that it acts on */
	struct strings app;   /* or apps that it acts on */
	int direction;        /* of cables: enum direction; unset: both */
	struct match_spec match;
	nsec_t mean;   /* delay */
	nsec_t jitter; /* delay */
	double rate;   /* loss, duplicate, corrupt, reorder: a fraction */
	int to;        /* rst: enum rst_to */
	/* rst */
	int each; /* enum rst_each; unset: once, at the on-edge */
	/* reject */
	int reject_with; /* enum reject_with; unset: REJECT_TCP_RESET */
	/* mtu */
	int64_t mtu_size; /* bytes of the IP packet */
	bool mtu_answer;
	/* idle-drop */
	nsec_t idle_after;
	int idle_answer; /* enum idle_answer; unset: silence */
	/* partition */
	struct strings sides; /* each the names of hosts and groups, separated by spaces */
	/* sysctl, nofile */
	VEC(struct string_pair) set; /* settings and their values */
	int64_t descriptors;         /* that may be open */
	/* delay */
	int distribution; /* enum delay_distribution; unset: uniform */
	/* delay, loss, duplicate, corrupt, reorder */
	double correlation; /* a fraction; unset: 0 */
	/* loss */
	struct gemodel_spec gemodel;
	int64_t every_nth;
	struct count_list nth; /* from 1 */
	/* reorder */
	int64_t gap; /* packets; unset: 1 */
	/* rate */
	int64_t bits_per_s;
	int64_t burst_bytes;     /* unset: 0 */
	struct limit_spec limit; /* all unset: as faults/rate.c says */
};

/* The key that every fault takes, for tables of such keys. */
#define FIELD_MAY_MISS                                                                             \
	FIELD(fault_spec, may_miss, "may-miss", FIELD_BOOL, 0,                                     \
	      "it need not touch anything; else a scenario in which it does not is void",          \
	      .default_text = "false")

/* The keys that every fault on cables takes (cable, direction, match, may-miss). */
extern const struct field fault_common_fields[];
/* The same of faults on hosts (host, may-miss) and on apps (app, may-miss). */
extern const struct field fault_host_fields[], fault_app_fields[];

/* Empties it, and writes the unset value of every parameter of every kind. */
void fault_spec_unset(struct fault_spec *spec);

/*
 * An expectation. As with faults, the parameters of all kinds stand side by side; which of them a
 * kind takes is said by its file under harness/judge/.
 */
struct expect_spec {
	const struct expect_ops *ops; /* the kind, see harness/judge/expect.h */
	char *id;                     /* or NULL */
	struct pos pos;
	char *app;   /* an app, or one instance of it (client.2) */
	char *host;  /* a host group, or one host */
	char *peer;  /* "host:port", the service that is talked to */
	char *fault; /* a timeline step's id or kind */
	char *after; /* a timeline step's id or kind */
	char *state; /* sockets: an RFC 9293 state as in ss, CLOSE_WAIT */
	/*
	 * When a bounded number must hold: "end" or a duration since t = 0, as written and as read
	 * (NSEC_NEVER for end). Of the three at most one is given; see harness/judge/bound.h.
	 */
	char *at, *by;
	struct strings during; /* two: from, to */
	nsec_t at_time, by_time, during_from, during_to;
	nsec_t within;
	nsec_t not_before;
	int64_t at_most;
	int64_t at_least;
	int64_t status;            /* exits */
	char *signal;              /* exits: "KILL" */
	int64_t port;              /* listens */
	char *match;               /* log: an extended regular expression */
	char *counter;             /* counter: its name, as nstat(8) spells it */
	int direction;             /* packets: enum direction; unset: both */
	int where;                 /* packets: enum packets_where; unset: sent */
	struct match_spec packets; /* packets: which ones */
	int timer;                 /* timer: an index into tcp_timer_names */
	int64_t retries_at_least;  /* timer */
	nsec_t left_at_most;       /* timer */
	double success_at_least;   /* requests: a fraction */
	nsec_t p50, p99, max;      /* requests */
	nsec_t bin;                /* herd */
	int64_t drops_at_most;     /* herd */
	nsec_t base;               /* backoff */
	double factor;             /* backoff */
	nsec_t cap;                /* backoff */
	double jitter;             /* backoff: a fraction of the base */
};

/* A figure that a scenario finds again, for the table of claims. Unset: says is NULL. */
struct claim_spec {
	char *says;              /* what is claimed: "connect to silence, tcp_syn_retries 6" */
	char *arithmetic;        /* where the figure comes from: "1 + 2 + 4 + ... + 64 = 127 s" */
	struct strings shown_by; /* ids or kinds of the expectations that bound and measure it */
};
extern const struct field claim_fields[];

/* What only the guest of the virtual clock needs to be told. */
struct guest_spec {
	struct strings files; /* files and folders of this machine that it is to have */
};
extern const struct field guest_fields[];

/* What is wrong with the keys of a fault or of an expectation together. Static strings. */
struct flaw {
	const char *key;     /* the path of the key that is wrong, "match.kind"; NULL: one lacks */
	const char *message; /* "a delay of 0 delays nothing" */
	const char *hint;    /* the mend */
};

/* Fills it. Always returns false, so that `return flaw_set(...)` reads well. */
bool flaw_set(struct flaw *flaw, const char *key, const char *message, const char *hint);

/* The keys that stand beside an expectation's kind (id). */
extern const struct field expect_common_fields[];

/* Empties it, and writes the unset value of every parameter of every kind. */
void expect_spec_unset(struct expect_spec *spec);

#endif
