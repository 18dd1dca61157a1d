/* SPDX-License-Identifier: MIT */
#ifndef REF_REQUESTS_H
#define REF_REQUESTS_H

#include <stdbool.h>

#include "reference-app/clock.h"

/* The requests of one connection: when the next is due, which are in flight, how long they took.
 * Pure. */

/* So many may be in flight; with all of them unanswered nothing more is asked. */
#define REQUESTS_IN_FLIGHT_MAX 256

struct requests {
	struct {
		uint32_t id;
		bool used;
		nsec_t sent_at;
	} slots[REQUESTS_IN_FLIGHT_MAX]; /* the request with this id is in slot id % MAX */
	nsec_t period;                   /* 0: no beat */
	unsigned keep_in_flight;         /* in place of a beat; 0: none */
	nsec_t next_at;
	uint32_t next_id;
	unsigned in_flight;
	uint64_t sent;
	uint64_t answered;
	nsec_t rtt_max;
	nsec_t rtt_sum;
};

/* A fresh connection. The first request is due at once: only an answer shows that anybody accepted.
 * `phase` in [0, 1) of a period later the steady beat begins, so that connections made together do not
 * ask together. rate is per second; 0: none. */
void requests_start(struct requests *requests, double rate, double phase, nsec_t now);

/* A fresh connection without a beat: so many, at most REQUESTS_IN_FLIGHT_MAX, are kept in flight, each
 * answer making room for the next request. */
void requests_keep(struct requests *requests, unsigned in_flight);

/* Whether one is due and may be sent; then it counts as sent and *ret_id is its id. While a request
 * may not be sent it is passed over, not owed. */
bool requests_next(struct requests *requests, nsec_t now, uint32_t *ret_id);

/* When to ask requests_next again, beside whenever answers have come; NSEC_NEVER without a beat. */
nsec_t requests_due(const struct requests *requests);

/* The answer to `id` came. Returns its round-trip time, or -1 when no such request is in flight. */
nsec_t requests_answered(struct requests *requests, uint32_t id, nsec_t now);

#endif
