/* SPDX-License-Identifier: MIT */
#ifndef REF_HEARTBEAT_H
#define REF_HEARTBEAT_H

#include <stdbool.h>

#include "reference-app/clock.h"

/* Theory, figures and sources: heartbeat.c. Both machines are pure: they own no socket and read no
 * clock; every `now` is the caller's monotonic time. */

struct heartbeat_policy {
	nsec_t interval;     /* between a received byte and the PING that asks for the next one */
	unsigned max_misses; /* K: the peer is dead at the K-th consecutive miss */
};

/* 5 s and 3: a dead peer is noticed after 15 to 20 s. */
extern const struct heartbeat_policy heartbeat_default;

/* The side that asks: sends PINGs and counts misses. */
struct heartbeat {
	struct heartbeat_policy policy;
	nsec_t due;      /* of the next tick */
	unsigned misses; /* consecutive */
	bool asked;      /* a PING went out and nothing has been received since */
};

enum heartbeat_verdict {
	HEARTBEAT_EARLY, /* not due yet, look again at `due` */
	HEARTBEAT_PING,  /* send a PING; the peer has missed nothing */
	HEARTBEAT_MISS,  /* the last PING was missed; send another */
	HEARTBEAT_DEAD,  /* the K-th consecutive miss: give the connection up */
};

/* At the moment the connection is established. */
void heartbeat_start(struct heartbeat *hb, const struct heartbeat_policy *policy, nsec_t now);

/* Whenever anything at all was received: a byte of a half frame is a sign of life too. */
void heartbeat_received(struct heartbeat *hb, nsec_t now);

/* When hb->due has come, and after everything that lay in the socket was read: a process that was
 * itself stopped for a while must not blame its peer. */
enum heartbeat_verdict heartbeat_tick(struct heartbeat *hb, nsec_t now);

/* The side that answers, which sends no PINGs of its own: how long may a peer with this policy be
 * silent? When the policy's deadline after the last received byte has passed, it is gone. */
nsec_t heartbeat_silence_deadline(const struct heartbeat_policy *policy, nsec_t last_received);

#endif
