/* SPDX-License-Identifier: MIT */
#include "faults/wire/icmp.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "faults/wire/forge.h"

/* RFC 1812, section 5.2.7.1; the kernel's linux/icmp.h calls it ICMP_PKT_FILTERED. */
#define UNREACHABLE_ADMIN_PROHIBITED 13

/* How much an error may have, with its own IP header (RFC 1812, section 4.3.2.3; RFC 4443, 2.4). */
#define ERROR_MAX_IP4 576
#define ERROR_MAX_IP6 1280

#define MULTICAST_IP4     0xe  /* the first four bits (RFC 1112) */
#define MULTICAST_IP6     0xff /* the first byte (RFC 4291, section 2.7) */
#define ICMP6_FIRST_QUERY 128  /* types below are errors (RFC 4443, section 2.1) */

/* Type, code, checksum, and four bytes that depend on the type: the same in both versions. */
struct error_header {
	uint8_t type, code;
	uint16_t checksum;
	uint16_t unused, mtu4; /* of IPv4: "next-hop MTU" (RFC 1191, section 4) */
};

/* Types and codes of the errors (RFC 792, RFC 1191; RFC 4443, section 3). */
static const struct error_kind {
	uint8_t type4, code4, type6, code6;
} error_kinds[] = {
	[REPLY_NET_UNREACHABLE] = {ICMP_DEST_UNREACH, ICMP_NET_UNREACH, ICMP6_DST_UNREACH,
				   ICMP6_DST_UNREACH_NOROUTE},
	[REPLY_HOST_UNREACHABLE] = {ICMP_DEST_UNREACH, ICMP_HOST_UNREACH, ICMP6_DST_UNREACH,
				    ICMP6_DST_UNREACH_ADDR},
	[REPLY_PORT_UNREACHABLE] = {ICMP_DEST_UNREACH, ICMP_PORT_UNREACH, ICMP6_DST_UNREACH,
				    ICMP6_DST_UNREACH_NOPORT},
	[REPLY_ADMIN_PROHIBITED] = {ICMP_DEST_UNREACH, UNREACHABLE_ADMIN_PROHIBITED,
				    ICMP6_DST_UNREACH, ICMP6_DST_UNREACH_ADMIN},
	[REPLY_TOO_BIG] = {ICMP_DEST_UNREACH, ICMP_FRAG_NEEDED, ICMP6_PACKET_TOO_BIG, 0},
};

static bool is_query4(uint8_t type)
{
	return type == ICMP_ECHO || type == ICMP_ECHOREPLY || type == ICMP_TIMESTAMP ||
	       type == ICMP_TIMESTAMPREPLY;
}

static bool is_icmp_error(const struct packet *p, const uint8_t *bytes)
{
	if (p->protocol == IPPROTO_ICMP)
		return !p->body_len || !is_query4(bytes[p->body_offset]);
	if (p->protocol == IPPROTO_ICMPV6)
		return !p->body_len || bytes[p->body_offset] < ICMP6_FIRST_QUERY;
	return false;
}

static bool is_group(const struct packet *p)
{
	if (p->dst_mac[0] & MAC_GROUP_BIT)
		return true;
	return p->dst.family == AF_INET6 ? p->dst.addr[0] == MULTICAST_IP6
					 : p->dst.addr[0] >> 4 == MULTICAST_IP4;
}

static bool may_be_answered(const struct packet *p, const uint8_t *bytes)
{
	return p->ip_len && !p->later_fragment && !is_group(p) && !is_icmp_error(p, bytes);
}

static struct endpoint router(uint8_t family)
{
	struct endpoint e = {.family = family};

	inet_pton(family, family == AF_INET6 ? ROUTER_IP6 : ROUTER_IP4, e.addr);
	return e;
}

static struct error_header header_of(uint8_t family, enum fault_reply reply, uint16_t mtu)
{
	const struct error_kind *kind = &error_kinds[reply];
	bool ip6 = family == AF_INET6;
	struct error_header h = {
		.type = ip6 ? kind->type6 : kind->type4,
		.code = ip6 ? kind->code6 : kind->code4,
	};

	/* In IPv6 the number has all four bytes, of which these are the lower two. */
	if (reply == REPLY_TOO_BIG)
		h.mtu4 = htons(mtu);
	return h;
}

/* How much of the frame's IP packet the error quotes. */
static size_t quoted(const struct packet *p, size_t len, size_t headers)
{
	size_t most = p->src.family == AF_INET6 ? ERROR_MAX_IP6 : ERROR_MAX_IP4;
	size_t room = most - (headers - ETHER_HDR_LEN) - sizeof(struct error_header);
	size_t have = len - ETHER_HDR_LEN;

	have = have < p->ip_len ? have : p->ip_len;
	return have < room ? have : room;
}

size_t forge_icmp_error(const struct packet *p, const uint8_t *bytes, size_t len,
			enum fault_reply reply, uint16_t mtu, uint8_t *frame)
{
	bool ip6 = p->src.family == AF_INET6;
	uint8_t protocol = ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP;
	struct forged_ends ends = {.src = router(p->src.family), .dst = p->src};
	struct error_header h = header_of(p->src.family, reply, mtu);

	if (!may_be_answered(p, bytes))
		return 0;
	memcpy(ends.src_mac, p->dst_mac, MAC_BYTES);
	memcpy(ends.dst_mac, p->src_mac, MAC_BYTES);
	size_t headers = forge_headers(&ends, protocol, 0, frame);
	size_t quote = quoted(p, len, headers);
	size_t error_len = sizeof(h) + quote;

	forge_headers(&ends, protocol, error_len, frame);
	memcpy(frame + headers, &h, sizeof(h));
	memcpy(frame + headers + sizeof(h), bytes + ETHER_HDR_LEN, quote);
	uint32_t sum = ip6 ? pseudo_header_sum(&ends.src, &ends.dst, protocol, error_len) : 0;
	h.checksum = htons(internet_checksum(frame + headers, error_len, sum));
	memcpy(frame + headers, &h, sizeof(h));
	return headers + error_len;
}
