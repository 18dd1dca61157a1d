/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_FORGE_H
#define WIRECUT_WIRE_FORGE_H

#include "faults/wire/flow.h"

/* Ethernet, IPv6 and TCP without options. */
#define FORGED_RESET_MAX 74

/* Who a forged frame is said to be from, and who it is for. */
struct forged_ends {
	uint8_t src_mac[MAC_BYTES], dst_mac[MAC_BYTES];
	struct endpoint src, dst;
};

/*
 * Writes the Ethernet and IP headers of a frame with `len` bytes of `protocol` behind them. Gives
 * their length, at most FORGED_HEADERS_MAX.
 */
#define FORGED_HEADERS_MAX 54
size_t forge_headers(const struct forged_ends *ends, uint8_t protocol, size_t len, uint8_t *frame);

/*
 * Writes the frame of a TCP reset to end `victim` of the flow, as its other end would send it, with
 * these numbers and correct checksums. Gives the frame's length, at most FORGED_RESET_MAX.
 */
size_t forge_reset(const struct flow *flow, int victim, uint32_t seq, uint32_t ack, uint8_t *frame);

/*
 * Writes the reset that a closed port answers this segment with (RFC 9293, section 3.10.7.1): to its
 * sender, from where it was sent to. Gives the frame's length, at most FORGED_RESET_MAX; 0: a reset
 * is not answered, nor is what is no TCP segment.
 */
size_t forge_refusal(const struct packet *p, uint8_t *frame);

/* The Internet checksum (RFC 1071) of `len` bytes, added to a partial sum; 0 over correct data. */
uint16_t internet_checksum(const uint8_t *bytes, size_t len, uint32_t partial_sum);

/* The partial sum of the pseudo header of TCP (RFC 9293, section 3.1; RFC 8200, section 8.1). */
uint32_t tcp_pseudo_header_sum(const struct endpoint *src, const struct endpoint *dst, size_t len);
/* The same of another protocol. */
uint32_t pseudo_header_sum(const struct endpoint *src, const struct endpoint *dst, uint8_t protocol,
			   size_t len);

#endif
