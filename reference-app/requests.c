/* SPDX-License-Identifier: MIT */
#include "reference-app/requests.h"

#include <string.h>

/* How much of a late beat is caught up. After a longer stall of this process the rest is forgotten:
 * a burst would be a fault of our own making. */
#define CATCH_UP_MAX NSEC_PER_SEC

void requests_start(struct requests *requests, double rate, double phase, nsec_t now)
{
	memset(requests, 0, sizeof(*requests));
	if (rate <= 0)
		return;
	requests->period = (nsec_t)(NSEC_PER_SEC / rate);
	if (requests->period < 1)
		requests->period = 1;
	/* The first is sent `now`; after it requests_next adds one period. */
	requests->next_at = now - (nsec_t)((1 - phase) * (double)requests->period);
}

void requests_keep(struct requests *requests, unsigned in_flight)
{
	memset(requests, 0, sizeof(*requests));
	requests->keep_in_flight = in_flight;
}

static bool slot_free(const struct requests *requests)
{
	return !requests->slots[requests->next_id % REQUESTS_IN_FLIGHT_MAX].used;
}

/* The slot is taken where answers come out of order: an old request still holds it. */
static bool has_room(const struct requests *requests)
{
	return requests->in_flight < requests->keep_in_flight && slot_free(requests);
}

static bool beat_is_due(struct requests *requests, nsec_t now)
{
	if (requests->period == 0 || requests->next_at > now)
		return false;
	if (now - requests->next_at > CATCH_UP_MAX + requests->period)
		requests->next_at = now;
	if (slot_free(requests))
		return true;
	requests->next_at = now + requests->period;
	return false;
}

bool requests_next(struct requests *requests, nsec_t now, uint32_t *ret_id)
{
	uint32_t id = requests->next_id;

	if (!(requests->keep_in_flight ? has_room(requests) : beat_is_due(requests, now)))
		return false;
	requests->slots[id % REQUESTS_IN_FLIGHT_MAX].id = id;
	requests->slots[id % REQUESTS_IN_FLIGHT_MAX].used = true;
	requests->slots[id % REQUESTS_IN_FLIGHT_MAX].sent_at = now;
	requests->next_id++;
	requests->in_flight++;
	requests->sent++;
	requests->next_at += requests->period;
	*ret_id = id;
	return true;
}

nsec_t requests_due(const struct requests *requests)
{
	return requests->period ? requests->next_at : NSEC_NEVER;
}

nsec_t requests_answered(struct requests *requests, uint32_t id, nsec_t now)
{
	size_t slot = id % REQUESTS_IN_FLIGHT_MAX;
	nsec_t rtt;

	if (!requests->slots[slot].used || requests->slots[slot].id != id)
		return -1;
	requests->slots[slot].used = false;
	rtt = now - requests->slots[slot].sent_at;
	requests->in_flight--;
	requests->answered++;
	requests->rtt_sum += rtt;
	if (rtt > requests->rtt_max)
		requests->rtt_max = rtt;
	return rtt;
}
