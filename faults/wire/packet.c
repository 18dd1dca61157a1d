/* SPDX-License-Identifier: MIT */
#include "faults/wire/packet.h"

#include <arpa/inet.h>
#include <net/ethernet.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <netinet/ip6.h>
#include <netinet/tcp.h>
#include <netinet/udp.h>
#include <string.h>

/* Headers tell their own length in units of so many bytes (RFC 791, RFC 9293). */
#define IP4_LENGTH_UNIT 4
#define TCP_OFFSET_UNIT 4

#define IP6_VERSION 6

/* IPv6 extension headers count themselves in units of 8 bytes, AH in units of 4 (RFC 4302). */
#define EXTENSION_UNIT 8
#define AUTH_UNIT      4

/* A chain longer than this is not sent by any stack; it would only cost time. */
#define MAX_EXTENSION_HEADERS 8

/* The bytes of the packet that are not read yet. */
struct span {
	const uint8_t *p;
	size_t len;
	const uint8_t *frame; /* where the frame begins */
};

static bool skip(struct span *s, size_t n)
{
	if (n > s->len)
		return false;
	s->p += n;
	s->len -= n;
	return true;
}

/* Copies a header, for it may stand at any alignment. False: it is cut short. */
static bool peek(const struct span *s, void *header, size_t n)
{
	if (n > s->len)
		return false;
	memcpy(header, s->p, n);
	return true;
}

static enum packet_kind tcp_kind(uint8_t flags, uint32_t payload_len)
{
	if (flags & TCP_FLAG_RST)
		return KIND_RST;
	if (flags & TCP_FLAG_SYN)
		return flags & TCP_FLAG_ACK ? KIND_SYN_ACK : KIND_SYN;
	if (flags & TCP_FLAG_FIN)
		return KIND_FIN;
	return payload_len ? KIND_DATA : KIND_ACK;
}

/* The window scale option among a SYN's options, or -1. */
static int8_t window_scale(struct span options)
{
	while (options.len) {
		uint8_t kind = options.p[0];

		if (kind == TCPOPT_EOL)
			return -1;
		if (kind == TCPOPT_NOP) {
			skip(&options, 1);
			continue;
		}
		if (options.len < 2 || options.p[1] < 2 || options.p[1] > options.len)
			return -1;
		if (kind == TCPOPT_WINDOW && options.p[1] == TCPOLEN_WINDOW)
			return (int8_t)(options.p[2] > TCP_MAX_WINSHIFT ? TCP_MAX_WINSHIFT
									: options.p[2]);
		skip(&options, options.p[1]);
	}
	return -1;
}

/* All that is left of the frame. */
static void set_body(struct span s, struct packet *ret)
{
	ret->body_offset = (size_t)(s.p - s.frame);
	ret->body_len = s.len;
}

static void parse_tcp(struct span s, struct packet *ret)
{
	struct tcphdr h;

	if (!peek(&s, &h, sizeof(h)))
		return;
	size_t header = (size_t)h.th_off * TCP_OFFSET_UNIT;
	if (header < sizeof(h) || header > s.len)
		return;

	ret->src.port = ntohs(h.th_sport);
	ret->dst.port = ntohs(h.th_dport);
	ret->seq = ntohl(h.th_seq);
	ret->ack = ntohl(h.th_ack);
	ret->flags = h.th_flags;
	ret->window = ntohs(h.th_win);
	ret->payload_len = (uint32_t)(s.len - header);
	ret->kind = (int)tcp_kind(ret->flags, ret->payload_len);
	if (ret->flags & TCP_FLAG_SYN)
		ret->window_scale =
			window_scale((struct span){s.p + sizeof(h), header - sizeof(h), s.frame});
}

static void parse_udp(struct span s, struct packet *ret)
{
	struct udphdr h;

	if (!peek(&s, &h, sizeof(h)))
		return;
	ret->src.port = ntohs(h.uh_sport);
	ret->dst.port = ntohs(h.uh_dport);
}

static void parse_transport(struct span s, struct packet *ret)
{
	if (ret->protocol == IPPROTO_TCP)
		parse_tcp(s, ret);
	else if (ret->protocol == IPPROTO_UDP)
		parse_udp(s, ret);
}

static void parse_ip4(struct span s, struct packet *ret)
{
	struct iphdr h;

	if (!peek(&s, &h, sizeof(h)) || h.version != IPVERSION)
		return;
	size_t header = (size_t)h.ihl * IP4_LENGTH_UNIT, total = ntohs(h.tot_len);
	if (header < sizeof(h) || total < header || total > s.len)
		return;

	ret->protocol = h.protocol;
	ret->ip_len = (uint32_t)total;
	ret->may_fragment = !(ntohs(h.frag_off) & IP_DF);
	ret->src.family = ret->dst.family = AF_INET;
	memcpy(ret->src.addr, &h.saddr, sizeof(h.saddr));
	memcpy(ret->dst.addr, &h.daddr, sizeof(h.daddr));

	s.len = total;
	skip(&s, header);
	set_body(s, ret);
	/* Only the first fragment has the ports. */
	ret->later_fragment = ntohs(h.frag_off) & IP_OFFMASK;
	if (ret->later_fragment)
		return;
	parse_transport(s, ret);
}

/* The length of the extension header of this type that `s` begins with; 0: it is none. */
static size_t extension_len(const struct span *s, uint8_t type)
{
	struct ip6_ext ext;

	if (!peek(s, &ext, sizeof(ext)))
		return 0;
	switch (type) {
	case IPPROTO_HOPOPTS:
	case IPPROTO_ROUTING:
	case IPPROTO_DSTOPTS:
		return ((size_t)ext.ip6e_len + 1) * EXTENSION_UNIT;
	case IPPROTO_FRAGMENT:
		return sizeof(struct ip6_frag);
	case IPPROTO_AH:
		return ((size_t)ext.ip6e_len + 2) * AUTH_UNIT;
	default:
		return 0;
	}
}

/*
 * Goes over the extension headers; *type becomes the protocol behind them. False: what follows is
 * no transport header (a later fragment, a header cut short, too many of them).
 */
static bool skip_extensions(struct span *s, uint8_t *type)
{
	for (int i = 0; i < MAX_EXTENSION_HEADERS; i++) {
		size_t len = extension_len(s, *type);
		struct ip6_frag frag = {0};

		if (!len)
			return true;
		if (*type == IPPROTO_FRAGMENT)
			peek(s, &frag, sizeof(frag));
		*type = s->p[0];
		if (!skip(s, len) || frag.ip6f_offlg & IP6F_OFF_MASK)
			return false;
	}
	return false;
}

static void parse_ip6(struct span s, struct packet *ret)
{
	struct ip6_hdr h;

	if (!peek(&s, &h, sizeof(h)) || h.ip6_vfc >> 4 != IP6_VERSION)
		return;
	skip(&s, sizeof(h));
	if (ntohs(h.ip6_plen) > s.len)
		return;
	ret->ip_len = (uint32_t)(sizeof(h) + ntohs(h.ip6_plen));
	s.len = ntohs(h.ip6_plen);

	ret->src.family = ret->dst.family = AF_INET6;
	memcpy(ret->src.addr, &h.ip6_src, sizeof(h.ip6_src));
	memcpy(ret->dst.addr, &h.ip6_dst, sizeof(h.ip6_dst));
	ret->protocol = h.ip6_nxt;
	bool is_first = skip_extensions(&s, &ret->protocol);
	set_body(s, ret);
	ret->later_fragment = !is_first;
	if (is_first)
		parse_transport(s, ret);
}

void packet_parse(const uint8_t *frame, size_t len, struct packet *ret)
{
	struct span s = {frame, len, frame};
	struct ether_header h;

	*ret = (struct packet){.len = len, .kind = KIND_OTHER, .window_scale = -1};
	if (!peek(&s, &h, sizeof(h)))
		return;
	memcpy(ret->dst_mac, h.ether_dhost, MAC_BYTES);
	memcpy(ret->src_mac, h.ether_shost, MAC_BYTES);
	ret->ethertype = ntohs(h.ether_type);
	skip(&s, sizeof(h));
	set_body(s, ret);
	if (ret->ethertype == ETHERTYPE_IP)
		parse_ip4(s, ret);
	else if (ret->ethertype == ETHERTYPE_IPV6)
		parse_ip6(s, ret);
}

struct observation packet_observed(const struct packet *p, enum obs_event event, int host, nsec_t t)
{
	return (struct observation){
		.t = t,
		.source = OBS_PACKET,
		.event = (uint8_t)event,
		.host = (int16_t)host,
		.app = -1,
		.packet =
			{
				.src = p->src,
				.dst = p->dst,
				.seq = p->seq,
				.ack = p->ack,
				.len = p->payload_len,
				.window = p->window,
				.flags = p->flags,
				.fault = -1,
				.arrived = NSEC_UNSET,
			},
	};
}
