/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "faults/wire/packet.h"

/*
 * A part of the way that carries only smaller packets: a tunnel, a PPPoE line. With an answer the
 * sender learns the size (RFC 1191, RFC 8201) and sends smaller segments; without one, because some
 * firewall drops ICMP, it is a black hole: connections are made, small messages pass, and the first
 * large one hangs.
 */

#define ETHERNET_MTU 1500 /* of the hosts' eth0: nothing larger is ever sent */
#define IP4_MIN_MTU  68   /* RFC 791: what every link must carry */
#define IP6_MIN_MTU  1280 /* RFC 8200, section 5 */

/*
 * No packet without data is larger: the longest headers of IPv4 and of TCP (RFC 791, section 3.1; RFC
 * 9293, section 3.1), and the byte that a keepalive probe may have (RFC 1122, section 4.2.3.6).
 */
#define BARE_PACKET_MAX (60 + 60 + 1)

static const struct field fields[] = {
	FIELD(fault_spec, mtu_size, "size", FIELD_COUNT, FIELD_REQUIRED,
	      "the largest IP packet that passes, in bytes with its IP header", .min = IP4_MIN_MTU,
	      .max = ETHERNET_MTU - 1),
	FIELD(fault_spec, mtu_answer, "answer", FIELD_BOOL, 0,
	      "tell the sender: \"fragmentation needed\", or ICMPv6 \"packet too big\"",
	      .default_text = "false: larger ones vanish"),
	{0},
};

/* All of these kinds are of packets without data. */
static bool are_bare(const struct strings *kinds)
{
	for (size_t i = 0; i < kinds->n; i++) {
		int kind = field_enum_index(packet_kind_names, kinds->v[i]);

		if (kind != KIND_ACK && kind != KIND_KEEPALIVE)
			return false;
	}
	return true;
}

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	if (spec->match.kind.n && are_bare(&spec->match.kind) && spec->mtu_size >= BARE_PACKET_MAX)
		return flaw_set(flaw, "match.kind", "no packet of that kind is ever so large",
				"match data, or leave 'kind' out");
	if (!spec->mtu_answer || spec->mtu_size >= IP6_MIN_MTU)
		return true;
	return flaw_set(
		flaw, "size", "an IPv6 host does not obey a router that says less than 1280 bytes",
		"make 'size' at least 1280, or leave 'answer' out: then larger packets vanish");
}

/* Who would answer would also cut into fragments what may be cut; whole or so, it arrives. */
static bool is_too_big(const struct fault_spec *spec, const struct packet *packet)
{
	return packet->ip_len > (uint64_t)spec->mtu_size &&
	       !(spec->mtu_answer && packet->may_fragment);
}

static void drop(const struct fault_call *call, struct fate *fate)
{
	fate->drop = true;
	if (!call->spec->mtu_answer)
		return;
	fate->reply = REPLY_TOO_BIG;
	fate->reply_mtu = (uint16_t)call->spec->mtu_size;
}

const struct fault_ops fault_mtu = {
	.name = "mtu",
	.doc = "larger packets vanish, or their sender is told to send smaller ones",
	.fields = fields,
	.stage = FAULT_STAGE_BLOCK,
	.check = check,
	.concerns = is_too_big,
	.needs_packets = fault_needs_packets,
	.packet = drop,
};
