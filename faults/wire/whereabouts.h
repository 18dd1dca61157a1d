/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_WHEREABOUTS_H
#define WIRECUT_WIRE_WHEREABOUTS_H

#include "harness/data/observation.h"
#include "harness/data/plan.h"

/*
 * Which host an address is at: a hash table from MAC or IP addresses to the plan's host indices.
 * The switch of the engine is one of them (learnt as packets pass), the fault filters use another.
 */
struct whereabouts {
	struct whereabout *slots;
	uint32_t n_slots; /* a power of two */
	uint32_t n_used;
};

struct whereabout_key {
	uint8_t family; /* AF_INET, AF_INET6, AF_PACKET for a MAC address */
	uint8_t addr[16];
};

#define HOST_UNKNOWN (-1)

/* Room for at least `capacity` addresses; -1: out of memory. whereabouts_free frees it. */
int whereabouts_init(struct whereabouts *w, uint32_t capacity);
void whereabouts_free(struct whereabouts *w);

struct whereabout_key whereabouts_key(uint8_t family, const uint8_t *addr, size_t len);

/* Notes where it is, also if it was elsewhere before. When the table is full a new one is lost. */
void whereabouts_put(struct whereabouts *w, const struct whereabout_key *key, int host);

/* The host, or HOST_UNKNOWN. */
int whereabouts_get(const struct whereabouts *w, const struct whereabout_key *key);

/* The host that has this IP address; HOST_UNKNOWN also where there is none (family 0). */
int whereabouts_of_ip(const struct whereabouts *ip_addresses, const struct endpoint *e);

/* Puts in what the plan knows of its hosts. -1 and *err: an address cannot be read. */
int whereabouts_put_plan(struct whereabouts *macs, struct whereabouts *ip_addresses,
			 const struct plan *plan, struct err *err);

/* IPv4 and IPv6 of a host: how many ip_addresses there will be. */
#define ADDRESSES_PER_HOST 2

#endif
