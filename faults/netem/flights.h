/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_FLIGHTS_H
#define WIRECUT_NETEM_FLIGHTS_H

#include "faults/wire/chain.h"

/*
 * The frames that have entered one direction of a cable and were not, or may be once more, seen to
 * come out: found again by their bytes. Pure.
 */

/* The halves of a frame's way, each through one qdisc. */
enum leg {
	LEG_FROM_HOST, /* from its sender to the switch */
	LEG_TO_HOST,   /* from the switch to a receiver */
};

/* More faults than these are not on at once in one direction of a cable: one a kind. */
#define FLIGHT_MAX_FAULTS 12

/* A fault that was on when the frame entered. */
struct flight_fault {
	const struct chain_link *link; /* its place in the direction's chain; not ours */
	size_t window;
};

struct flight {
	struct flight *older, *younger; /* in the order in which they entered */
	struct flight *hash_next;
	uint64_t hash;

	enum leg leg;
	int cable;   /* the host at its end */
	int sender;  /* the host that the frame left */
	uint64_t id; /* in the trace */
	nsec_t entered;
	nsec_t latest;  /* if it comes out at all, it does by then */
	uint32_t n_out; /* how often it came out */
	bool queued;    /* it counts among those that are in front of the next */
	bool overflows; /* it found the queue of a rate full */
	uint8_t *seen;  /* of a frame for several hosts: how often it came out for each; or NULL */
	bool corrupt;   /* its bytes are not what its sender's were */

	struct flight_fault on[FLIGHT_MAX_FAULTS];
	int n_on;
	struct packet packet; /* as it left its sender */
	size_t len;
	uint8_t bytes[];
};

struct flights {
	struct flight **buckets;
	struct flight *oldest, *youngest;
	size_t n_hosts;
};

/* Aborts when memory runs out. flights_free frees what they hold. */
void flights_init(struct flights *fs, size_t n_hosts);
void flights_free(struct flights *fs);

/*
 * A frame enters: all of the flight but its bytes, their length and what is found by them is zero.
 * Aborts when memory runs out.
 */
struct flight *flights_enter(struct flights *fs, enum leg leg, int cable, const uint8_t *bytes,
			     size_t len);

/*
 * The flight that has come out as these bytes, which are seen at the cable of `host`: of a leg from a
 * host that of any other, of a leg to a host its own. The one that has been under way for longest and
 * has not come out yet; else the one that came out last, for then it has a double. NULL: there is none.
 */
struct flight *flights_find(struct flights *fs, enum leg leg, int host, const uint8_t *bytes,
			    size_t len);

/*
 * The same of bytes of which one bit is another, among flights that a fault of the kind `corrupt`
 * was on for. *ret_offset: of the byte with that bit.
 */
struct flight *flights_find_corrupt(struct flights *fs, enum leg leg, int host,
				    const uint8_t *bytes, size_t len, size_t *ret_offset);

/* It is over, and is freed. */
void flights_remove(struct flights *fs, struct flight *f);

/* It has come out for this host before. */
bool flight_was_seen(const struct flight *f, int host);
/* It comes out for this host. */
void flight_see(struct flight *f, int host);

/* The fault of this stage that was on for it; NULL: none was. */
const struct flight_fault *flight_fault_at(const struct flight *f, enum fault_stage stage);

#endif
