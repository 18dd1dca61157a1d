/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_EXPECT_H
#define WIRECUT_JUDGE_EXPECT_H

#include "harness/data/verdict.h"

/*
 * The registry of expectations: each kind is one file under harness/judge/ with one table of
 * operations. Adding one touches its own file and one line of registry.c.
 */
struct model; /* connections, attempts and sockets made from the observations: model.h */

/* What the run records for an expectation beyond what it always does. */
enum expect_observes {
	OBSERVES_COUNTERS =
		1 << 0,           /* spec.counter on its hosts; of a herd the drops of listeners */
	OBSERVES_FDS = 1 << 1,    /* samples of its apps' processes */
	OBSERVES_TIMERS = 1 << 2, /* the timers of sockets */
	OBSERVES_LOG = 1 << 3,    /* its apps' lines that spec.match matches */
	OBSERVES_LISTENERS = 1 << 4, /* sockets closely, from its step's off-edge for `within` */
	OBSERVES_PACKETS = 1 << 5,   /* each packet that it counts (plan_counts_packets()) */
};

/*
 * SYNs and handshakes that a full accept queue dropped; the kernel counts each of these also as a
 * drop, among those for other reasons (net/ipv4/tcp_ipv4.c, tcp_v4_syn_recv_sock).
 */
#define COUNTER_LISTEN_OVERFLOWS "TcpExtListenOverflows"
#define COUNTER_LISTEN_DROPS     "TcpExtListenDrops"

struct expect_ops {
	const char *name;           /* the key: "detects" */
	const char *doc;            /* one line for the reference */
	const struct field *fields; /* of struct expect_spec: the keys that it takes */
	bool needs_peer; /* judged by packets: `peer` must be given when the app shares its host */

	unsigned observes; /* enum expect_observes */

	/*
	 * Says what is wrong with the keys together (of a spec whose required keys are there), in
	 * *flaw; true if nothing is. May be NULL.
	 */
	bool (*check)(const struct expect_spec *spec, struct flaw *flaw);

	/*
	 * The latest scenario time at which it can still be decided, for the default duration;
	 * NSEC_UNSET if it does not ask for any.
	 */
	nsec_t (*deadline)(const struct plan *plan, const struct plan_expect *e);

	/* Fills the result (zeroed; .expect is set). Pure: only the model and its plan. */
	void (*judge)(const struct model *m, const struct plan_expect *e, struct arena *a,
		      struct expect_result *ret);
};

extern const struct expect_ops *const expect_registry[]; /* NULL-terminated */

/* The kind of that name, or NULL. */
const struct expect_ops *expect_find(const char *name);

#endif
