/* SPDX-License-Identifier: MIT */
#ifndef REF_CLIENT_H
#define REF_CLIENT_H

#include "reference-app/attempt.h"
#include "reference-app/backoff.h"
#include "reference-app/heartbeat.h"
#include "reference-app/loop.h"
#include "reference-app/practices.h"
#include "reference-app/requests.h"
#include "reference-app/rng.h"
#include "reference-app/stream.h"

/*
 * The client library: what an SDK of this service would be. A client keeps one connection to its
 * target, sends requests over it, and says what happens to it. Any number of clients share one loop;
 * each has its own connection, heartbeat, backoff and random stream. Nothing here blocks, but for
 * looking up the target's name, until that has succeeded once.
 */

struct client_config {
	struct heartbeat_policy heartbeat;
	struct backoff_policy backoff;
	nsec_t connect_timeout; /* of an attempt; without the practice it does not count */
	double rate;            /* requests per second; 0: none */
	unsigned in_flight; /* requests kept in flight, in place of a rate; 0: the rate counts */
	practices_off_t off;
	uint64_t seed;
};

enum client_event_kind {
	CLIENT_ATTEMPT, /* attempt */
	CLIENT_WAIT,    /* attempt (the next one), wait, why (the last one failed; may be empty) */
	CLIENT_CONNECTED,      /* attempt, address */
	CLIENT_RESPONSE,       /* id, rtt */
	CLIENT_HEARTBEAT_MISS, /* misses */
	CLIENT_DEAD,           /* misses: the peer was given up; CLIENT_LOST follows */
	CLIENT_LOST,           /* why, lifetime, requests */
};

/* Which members are set depends on the kind. Pointers live only during the call. */
struct client_event {
	enum client_event_kind kind;
	nsec_t at;
	unsigned connection; /* the client's number */
	unsigned attempt;    /* from 1, counted since the last connection */
	unsigned misses;
	uint32_t id;
	nsec_t wait;
	nsec_t rtt;
	nsec_t lifetime;
	const char *why;
	const char *address;
	const struct requests *requests;
};

/* Must not free or stop the client. */
typedef void client_listener(void *arg, const struct client_event *event);

enum client_state {
	CLIENT_STATE_STOPPED,
	CLIENT_STATE_WAITING, /* for the end of a backoff wait */
	CLIENT_STATE_CONNECTING,
	CLIENT_STATE_ESTABLISHED,
};

struct client {
	/* given */
	struct loop *loop;
	const struct client_config *config;
	client_listener *listener;
	void *listener_arg;
	unsigned number;
	/* connecting */
	enum client_state state;
	struct attempt attempt;
	struct backoff backoff;
	struct rng backoff_rng;
	struct rng phase_rng;
	unsigned attempts;
	struct timer connect_timer; /* the end of the wait, or the connect deadline */
	/* connected */
	struct watch watch;
	struct stream stream;
	nsec_t established_at;
	struct heartbeat heartbeat;
	struct timer heartbeat_timer;
	struct requests requests;
	struct timer request_timer;
	bool goaway;
	struct why why;
};

/* The loop, the config and the target outlive the client, and the client does not move. -1 when memory
 * is short. */
int client_init(struct client *client, struct loop *loop, const struct client_config *config,
		struct target *target, unsigned number);

void client_listen(struct client *client, client_listener *listener, void *arg);

/* Makes the first attempt at once. */
void client_start(struct client *client);

/* Closes whatever is open, and stays stopped. Without an event. */
void client_stop(struct client *client);

#endif
