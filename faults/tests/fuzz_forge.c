/* SPDX-License-Identifier: MIT */
/*
 * libFuzzer target: the frames that are forged in answer to a frame, whatever is in that. `make fuzz`
 * builds and runs it. What comes out must be a frame that its receiver would take: well-formed, to whom it
 * is for, with correct checksums; and it must not be answered itself, or two would answer each other for
 * ever.
 */
#include <net/ethernet.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include "faults/wire/forge.h"
#include "faults/wire/icmp.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void must(bool holds)
{
	if (!holds)
		abort();
}

/* A block of its very size, so that what is read or written beyond it is caught. */
static uint8_t *block(size_t size)
{
	uint8_t *bytes = malloc(size ? size : 1);

	must(bytes != NULL);
	return bytes;
}

static void check_frame(const uint8_t *frame, size_t len, const struct packet *p)
{
	bool ip6 = p->src.family == AF_INET6;
	size_t ip = ip6 ? sizeof(struct ip6_hdr) : sizeof(struct iphdr);
	struct packet forged;

	packet_parse(frame, len, &forged);
	must(forged.ip_len == len - ETHER_HDR_LEN);
	must(forged.src.family == p->src.family && endpoint_same_addr(&forged.dst, &p->src));
	must(memcmp(forged.dst_mac, p->src_mac, MAC_BYTES) == 0);
	must(memcmp(forged.src_mac, p->dst_mac, MAC_BYTES) == 0);
	if (!ip6)
		must(internet_checksum(frame + ETHER_HDR_LEN, ip, 0) == 0);
	/* ICMP of IPv4 alone has no pseudo header. */
	uint32_t sum = forged.protocol == IPPROTO_ICMP
			       ? 0
			       : pseudo_header_sum(&forged.src, &forged.dst, forged.protocol,
						   forged.body_len);
	must(internet_checksum(frame + forged.body_offset, forged.body_len, sum) == 0);
}

static bool is_answered(const struct packet *p, const uint8_t *bytes, size_t len)
{
	uint8_t *frame = block(FORGED_ICMP_MAX);
	bool is = forge_icmp_error(p, bytes, len, REPLY_HOST_UNREACHABLE, 0, frame) > 0;

	free(frame);
	return is;
}

static void check_error(const uint8_t *bytes, size_t size, const struct packet *p,
			enum fault_reply reply)
{
	uint8_t *frame = block(FORGED_ICMP_MAX);
	size_t len = forge_icmp_error(p, bytes, size, reply, (uint16_t)size, frame);
	struct packet forged;

	must(len <= FORGED_ICMP_MAX);
	if (len) {
		check_frame(frame, len, p);
		packet_parse(frame, len, &forged);
		must(!is_answered(&forged, frame, len));
	}
	free(frame);
}

static void check_reset(const uint8_t *frame, size_t len, const struct packet *p)
{
	struct packet forged;

	must(len <= FORGED_RESET_MAX);
	check_frame(frame, len, p);
	packet_parse(frame, len, &forged);
	must(packet_is_tcp(&forged) && forged.flags & TCP_FLAG_RST);
	must(endpoint_equal(&forged.src, &p->dst) && endpoint_equal(&forged.dst, &p->src));
}

static void check_resets(const struct packet *p)
{
	struct flow flow = {.end = {{.at = p->src}, {.at = p->dst}}};
	uint8_t *frame = block(FORGED_RESET_MAX);
	size_t len = forge_refusal(p, frame);

	if (len) {
		struct packet forged;
		uint8_t *answer = block(FORGED_RESET_MAX);

		check_reset(frame, len, p);
		packet_parse(frame, len, &forged);
		must(forge_refusal(&forged, answer) == 0);
		free(answer);
	}
	if (packet_is_tcp(p)) {
		memcpy(flow.end[0].mac, p->src_mac, MAC_BYTES);
		memcpy(flow.end[1].mac, p->dst_mac, MAC_BYTES);
		check_reset(frame, forge_reset(&flow, 0, p->ack, p->seq, frame), p);
	}
	free(frame);
}

/* What the last byte of an input says of its frame: random bytes would seldom be a large one, or of IPv6. */
#define IS_IP4     0x01
#define IS_IP6     0x02
#define HAS_LENGTH 0x04 /* the IP packet is as long as the frame has room for it */
#define PADDING    0x1f /* so many times 64 bytes of zero behind it, the byte shifted by three */

static size_t padding_of(uint8_t choice)
{
	return (size_t)(choice >> 3 & PADDING) * 64;
}

static void put_be16(uint8_t *at, size_t value)
{
	at[0] = (uint8_t)(value >> 8);
	at[1] = (uint8_t)value;
}

static void shape(uint8_t *bytes, size_t size, uint8_t choice)
{
	uint8_t *ip = bytes + ETHER_HDR_LEN;
	size_t len = size - ETHER_HDR_LEN;

	if (choice & IS_IP6) {
		put_be16(ip - sizeof(uint16_t), ETHERTYPE_IPV6);
		*ip = (uint8_t)(0x60 | (*ip & 0x0f));
		if (choice & HAS_LENGTH)
			put_be16(ip + offsetof(struct ip6_hdr, ip6_plen),
				 len - sizeof(struct ip6_hdr));
	} else if (choice & IS_IP4) {
		put_be16(ip - sizeof(uint16_t), ETHERTYPE_IP);
		*ip = (uint8_t)(0x40 | (*ip & 0x0f));
		if (choice & HAS_LENGTH)
			put_be16(ip + offsetof(struct iphdr, tot_len), len);
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static const enum fault_reply replies[] = {
		REPLY_NET_UNREACHABLE,  REPLY_HOST_UNREACHABLE, REPLY_PORT_UNREACHABLE,
		REPLY_ADMIN_PROHIBITED, REPLY_TOO_BIG,
	};
	uint8_t choice = size ? data[size - 1] : 0;
	size_t len = size + padding_of(choice);
	uint8_t *bytes = block(len);
	struct packet p;

	memset(bytes, 0, len);
	if (size)
		memcpy(bytes, data, size);
	if (len >= ETHER_HDR_LEN + sizeof(struct ip6_hdr))
		shape(bytes, len, choice);
	packet_parse(bytes, len, &p);
	for (size_t i = 0; i < sizeof(replies) / sizeof(replies[0]); i++)
		check_error(bytes, len, &p, replies[i]);
	check_resets(&p);
	free(bytes);
	return 0;
}
