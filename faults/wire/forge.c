/* SPDX-License-Identifier: MIT */
#include "faults/wire/forge.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <string.h>

#define IP6_VERSION_BITS (UINT32_C(6) << 28) /* of the first word; no class, no flow label */

#define FORGED_TTL 64 /* what a neighbour's stack sends (RFC 1700, net.ipv4.ip_default_ttl) */

static uint32_t sum_words(const uint8_t *bytes, size_t len)
{
	uint32_t sum = 0;

	for (size_t i = 0; i + 1 < len; i += 2)
		sum += get_be16(bytes + i);
	if (len % 2)
		sum += (uint32_t)bytes[len - 1] << 8;
	return sum;
}

uint16_t internet_checksum(const uint8_t *bytes, size_t len, uint32_t partial_sum)
{
	uint32_t sum = partial_sum + sum_words(bytes, len);

	while (sum >> 16)
		sum = (sum & UINT16_MAX) + (sum >> 16);
	return (uint16_t)~sum;
}

static size_t addr_len(const struct endpoint *e)
{
	return e->family == AF_INET6 ? sizeof(struct in6_addr) : sizeof(struct in_addr);
}

uint32_t pseudo_header_sum(const struct endpoint *src, const struct endpoint *dst, uint8_t protocol,
			   size_t len)
{
	return sum_words(src->addr, addr_len(src)) + sum_words(dst->addr, addr_len(dst)) +
	       protocol + (uint32_t)len;
}

uint32_t tcp_pseudo_header_sum(const struct endpoint *src, const struct endpoint *dst, size_t len)
{
	return pseudo_header_sum(src, dst, IPPROTO_TCP, len);
}

static size_t put_ether(uint8_t *p, const struct forged_ends *ends)
{
	struct ether_header h = {
		.ether_type = htons(ends->dst.family == AF_INET6 ? ETHERTYPE_IPV6 : ETHERTYPE_IP),
	};

	memcpy(h.ether_dhost, ends->dst_mac, MAC_BYTES);
	memcpy(h.ether_shost, ends->src_mac, MAC_BYTES);
	memcpy(p, &h, sizeof(h));
	return sizeof(h);
}

static size_t put_ip4(uint8_t *p, const struct forged_ends *ends, uint8_t protocol, size_t len)
{
	struct iphdr h = {
		.version = IPVERSION,
		.ihl = sizeof(h) / sizeof(uint32_t),
		.tot_len = htons((uint16_t)(sizeof(h) + len)),
		.frag_off = htons(IP_DF),
		.ttl = FORGED_TTL,
		.protocol = protocol,
	};

	memcpy(&h.saddr, ends->src.addr, sizeof(h.saddr));
	memcpy(&h.daddr, ends->dst.addr, sizeof(h.daddr));
	memcpy(p, &h, sizeof(h)); /* the sum is over the bytes of the frame, without itself */
	h.check = htons(internet_checksum(p, sizeof(h), 0));
	memcpy(p, &h, sizeof(h));
	return sizeof(h);
}

static size_t put_ip6(uint8_t *p, const struct forged_ends *ends, uint8_t protocol, size_t len)
{
	struct ip6_hdr h = {0};

	h.ip6_flow = htonl(IP6_VERSION_BITS);
	h.ip6_plen = htons((uint16_t)len);
	h.ip6_nxt = protocol;
	h.ip6_hlim = FORGED_TTL;
	memcpy(&h.ip6_src, ends->src.addr, sizeof(h.ip6_src));
	memcpy(&h.ip6_dst, ends->dst.addr, sizeof(h.ip6_dst));
	memcpy(p, &h, sizeof(h));
	return sizeof(h);
}

size_t forge_headers(const struct forged_ends *ends, uint8_t protocol, size_t len, uint8_t *frame)
{
	uint8_t *p = frame + put_ether(frame, ends);

	p += ends->dst.family == AF_INET6 ? put_ip6(p, ends, protocol, len)
					  : put_ip4(p, ends, protocol, len);
	return (size_t)(p - frame);
}

static size_t put_reset(const struct forged_ends *ends, uint32_t seq, uint32_t ack, uint8_t flags,
			uint8_t *frame)
{
	struct tcphdr h = {
		.th_sport = htons(ends->src.port),
		.th_dport = htons(ends->dst.port),
		.th_seq = htonl(seq),
		.th_ack = htonl(ack),
		.th_off = sizeof(h) / sizeof(uint32_t),
		.th_flags = flags,
	};
	size_t headers = forge_headers(ends, IPPROTO_TCP, sizeof(h), frame);

	h.th_sum =
		htons(internet_checksum((const uint8_t *)&h, sizeof(h),
					tcp_pseudo_header_sum(&ends->src, &ends->dst, sizeof(h))));
	memcpy(frame + headers, &h, sizeof(h));
	return headers + sizeof(h);
}

size_t forge_reset(const struct flow *flow, int victim, uint32_t seq, uint32_t ack, uint8_t *frame)
{
	const struct flow_end *to = &flow->end[victim], *from = &flow->end[!victim];
	struct forged_ends ends = {.src = from->at, .dst = to->at};

	memcpy(ends.src_mac, from->mac, MAC_BYTES);
	memcpy(ends.dst_mac, to->mac, MAC_BYTES);
	return put_reset(&ends, seq, ack, TCP_FLAG_RST | TCP_FLAG_ACK, frame);
}

size_t forge_refusal(const struct packet *p, uint8_t *frame)
{
	struct forged_ends ends = {.src = p->dst, .dst = p->src};

	if (!packet_is_tcp(p) || p->flags & TCP_FLAG_RST)
		return 0;
	memcpy(ends.src_mac, p->dst_mac, MAC_BYTES);
	memcpy(ends.dst_mac, p->src_mac, MAC_BYTES);
	if (p->flags & TCP_FLAG_ACK)
		return put_reset(&ends, p->ack, 0, TCP_FLAG_RST, frame);
	return put_reset(&ends, 0, p->seq + packet_seq_len(p), TCP_FLAG_RST | TCP_FLAG_ACK, frame);
}
