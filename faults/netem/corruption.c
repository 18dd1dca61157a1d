/* SPDX-License-Identifier: MIT */
#include "faults/netem/corruption.h"

#include <net/ethernet.h>

/* Offsets in an IPv6 header (RFC 8200, section 3). */
#define IP6_FLOW_LABEL_END 4 /* from 0 on: version, traffic class, flow label */
#define IP6_HOP_LIMIT      7
/* The first byte has the version in its upper half: a packet of another version is thrown away. */
#define IP6_VERSION_BYTE 0

bool corruption_is_noticed(const struct packet *p, size_t offset)
{
	if (offset < MAC_BYTES)
		return true;
	if (offset < (size_t)2 * MAC_BYTES)
		return false;
	if (offset < ETHER_HDR_LEN || !p->ip_len)
		return true;

	size_t at = offset - ETHER_HDR_LEN;
	if (at >= p->ip_len)
		return false;
	if (p->ethertype != ETHERTYPE_IPV6)
		return true;
	return at == IP6_VERSION_BYTE || (at >= IP6_FLOW_LABEL_END && at != IP6_HOP_LIMIT);
}
