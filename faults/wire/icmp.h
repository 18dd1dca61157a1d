/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_ICMP_H
#define WIRECUT_WIRE_ICMP_H

#include "faults/fault.h"
#include "faults/wire/packet.h"

/* A frame of 1280 bytes of IPv6, the most that such an error may have (RFC 4443, section 2.4). */
#define FORGED_ICMP_MAX 1294

/*
 * Writes the ICMP or ICMPv6 error with which a router answers this frame, to its sender; the
 * router is ROUTER_IP4 or ROUTER_IP6, and seen from the sender the frame's next hop. `reply` is
 * REPLY_NET_UNREACHABLE or one of those after it; `mtu` is for REPLY_TOO_BIG. Gives the frame's
 * length, at most FORGED_ICMP_MAX; 0: this frame may not be answered (enum fault_reply says when).
 */
size_t forge_icmp_error(const struct packet *p, const uint8_t *bytes, size_t len,
			enum fault_reply reply, uint16_t mtu, uint8_t *frame);

/* In the hosts' own networks, beyond the 32767 that a plan may have: nobody has them. */
#define ROUTER_IP4 "10.0.255.254"
#define ROUTER_IP6 "fd00::ffff"

#endif
