/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_PACKET_H
#define WIRECUT_WIRE_PACKET_H

#include "harness/data/observation.h"

#define MAC_BYTES     6
#define MAC_GROUP_BIT 0x01 /* of the first byte: multicast and broadcast (IEEE 802.3) */

/* struct packet.kind of everything that is not a TCP segment. */
#define KIND_OTHER (-1)

/*
 * What the engine needs to know of one Ethernet frame. A frame that is cut short, malformed or of
 * an unknown protocol is still a packet: what could not be read is zero, and kind is KIND_OTHER.
 */
struct packet {
	size_t len; /* of the whole frame, from the Ethernet header on */
	uint8_t dst_mac[MAC_BYTES], src_mac[MAC_BYTES];
	uint16_t ethertype;       /* host order */
	uint8_t protocol;         /* IPPROTO_*, extension headers skipped; 0: not IP */
	struct endpoint src, dst; /* family 0: not IP; port 0: neither TCP nor UDP */
	uint32_t ip_len;          /* of the IP packet, by its own header; 0: not IP */
	bool may_fragment;        /* IPv4 without DF: a router may cut it */
	bool later_fragment;      /* of IP: it has no transport header */
	/*
	 * Where in the frame what IP carries is (of another protocol: what Ethernet carries), which is
	 * what a checksum of its own protects. body_len 0: there is none.
	 */
	size_t body_offset, body_len;

	/* TCP only */
	int kind;      /* enum packet_kind, or KIND_OTHER; a probe is one once the flow is known */
	uint8_t flags; /* TCP_FLAG_* */
	int8_t window_scale; /* of a SYN that carries the option (RFC 7323); else -1 */
	uint16_t window;     /* unscaled */
	uint32_t seq, ack;
	uint32_t payload_len; /* by the IP header's length: padding of the frame is not payload */
};

/* Reads a frame. Pure; reads nothing beyond `len`; fills the whole of *ret. */
void packet_parse(const uint8_t *frame, size_t len, struct packet *ret);

/* A TCP segment whose header could be read. */
static inline bool packet_is_tcp(const struct packet *p)
{
	return p->kind != KIND_OTHER;
}

/*
 * The record of a packet that `host` sends or receives at t: no retransmission, touched by no fault,
 * and not followed to where it arrives.
 */
struct observation packet_observed(const struct packet *p, enum obs_event event, int host,
				   nsec_t t);

/*
 * Comparison of sequence numbers modulo 2^32 (RFC 9293, section 3.4): right for numbers that are
 * less than 2^31 apart, which a window never exceeds.
 */
static inline bool seq_before(uint32_t a, uint32_t b)
{
	return (int32_t)(a - b) < 0;
}

/* How much sequence space a segment takes: its payload, and one for each of SYN and FIN. */
static inline uint32_t packet_seq_len(const struct packet *p)
{
	return p->payload_len + !!(p->flags & TCP_FLAG_SYN) + !!(p->flags & TCP_FLAG_FIN);
}

/* Numbers in network order, at any alignment. */
static inline uint16_t get_be16(const uint8_t *p)
{
	return (uint16_t)(p[0] << 8 | p[1]);
}

static inline uint32_t get_be32(const uint8_t *p)
{
	return (uint32_t)get_be16(p) << 16 | get_be16(p + 2);
}

#endif
