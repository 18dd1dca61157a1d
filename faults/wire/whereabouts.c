/* SPDX-License-Identifier: MIT */
#include "faults/wire/whereabouts.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ether.h>
#include <stdlib.h>
#include <string.h>

struct whereabout {
	struct whereabout_key key; /* family 0: the slot is free */
	int host;
};

/* Open addressing stays fast while at least half of the slots are free. */
#define SLOTS_PER_ADDRESS 2

#define HASH_MUL 0x9e3779b97f4a7c15ULL /* the golden ratio: spreads neighbouring addresses */

int whereabouts_init(struct whereabouts *w, uint32_t capacity)
{
	*w = (struct whereabouts){.n_slots = 1};
	while (w->n_slots < capacity * SLOTS_PER_ADDRESS)
		w->n_slots *= 2;
	w->slots = calloc(w->n_slots, sizeof(*w->slots));
	return w->slots ? 0 : -1;
}

void whereabouts_free(struct whereabouts *w)
{
	free(w->slots);
	*w = (struct whereabouts){0};
}

struct whereabout_key whereabouts_key(uint8_t family, const uint8_t *addr, size_t len)
{
	struct whereabout_key key = {.family = family};

	memcpy(key.addr, addr, len);
	return key;
}

/* The slot that holds the key, or the free one where it belongs. One is always free. */
static struct whereabout *slot_of(const struct whereabouts *w, const struct whereabout_key *key)
{
	uint64_t low, high;

	memcpy(&low, key->addr, sizeof(low));
	memcpy(&high, key->addr + sizeof(low), sizeof(high));
	uint64_t hash = (low * HASH_MUL ^ high ^ key->family) * HASH_MUL;
	for (uint32_t i = (uint32_t)(hash >> 32);; i++) {
		struct whereabout *slot = &w->slots[i & (w->n_slots - 1)];

		if (!slot->key.family || !memcmp(&slot->key, key, sizeof(*key)))
			return slot;
	}
}

void whereabouts_put(struct whereabouts *w, const struct whereabout_key *key, int host)
{
	struct whereabout *slot = slot_of(w, key);

	if (!slot->key.family) {
		if (w->n_used >= w->n_slots / SLOTS_PER_ADDRESS)
			return;
		slot->key = *key;
		w->n_used++;
	}
	slot->host = host;
}

int whereabouts_get(const struct whereabouts *w, const struct whereabout_key *key)
{
	const struct whereabout *slot = slot_of(w, key);

	return slot->key.family ? slot->host : HOST_UNKNOWN;
}

int whereabouts_of_ip(const struct whereabouts *ip_addresses, const struct endpoint *e)
{
	if (!e->family)
		return HOST_UNKNOWN;
	struct whereabout_key key = whereabouts_key(e->family, e->addr, sizeof(e->addr));
	return whereabouts_get(ip_addresses, &key);
}

static int put_mac(struct whereabouts *w, const struct plan *plan, int host, struct err *err)
{
	const struct plan_host *h = &plan->hosts.v[host];
	struct ether_addr mac;

	if (!h->mac || !ether_aton_r(h->mac, &mac))
		return err_set(err, "host %s: '%s' is no MAC address", h->name,
			       h->mac ? h->mac : "");
	struct whereabout_key key = whereabouts_key(AF_PACKET, mac.ether_addr_octet, ETH_ALEN);
	whereabouts_put(w, &key, host);
	return 0;
}

static int put_ip(struct whereabouts *w, const struct plan *plan, int host, int family,
		  const char *text, struct err *err)
{
	uint8_t addr[sizeof(struct in6_addr)];

	if (!text || inet_pton(family, text, addr) != 1)
		return err_set(err, "host %s: '%s' is no IP address", plan->hosts.v[host].name,
			       text ? text : "");
	struct whereabout_key key = whereabouts_key(
		(uint8_t)family, addr, family == AF_INET6 ? sizeof(addr) : sizeof(struct in_addr));
	whereabouts_put(w, &key, host);
	return 0;
}

int whereabouts_put_plan(struct whereabouts *macs, struct whereabouts *ip_addresses,
			 const struct plan *plan, struct err *err)
{
	for (int i = 0; i < (int)plan->hosts.n; i++) {
		const struct plan_host *h = &plan->hosts.v[i];

		if (put_mac(macs, plan, i, err) ||
		    put_ip(ip_addresses, plan, i, AF_INET, h->ip4, err) ||
		    put_ip(ip_addresses, plan, i, AF_INET6, h->ip6, err))
			return -1;
	}
	return 0;
}
