/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "faults/wire/packet.h"

/*
 * A firewall that says no: what matches is dropped and its sender is told, as by the REJECT target
 * of iptables (iptables-extensions(8)). A program learns it at once: a connect is refused
 * (ECONNREFUSED after a reset or a port unreachable, ENETUNREACH, EHOSTUNREACH), an established
 * connection ends only by a reset, for there ICMP errors are not obeyed (RFC 1122, section
 * 4.2.3.9).
 */

static const char *const with_names[] = {
	"tcp-reset",        "net-unreachable",  "host-unreachable",
	"port-unreachable", "admin-prohibited", NULL,
};

static const struct field fields[] = {
	FIELD(fault_spec, reject_with, "with", FIELD_ENUM, 0,
	      "what the sender is told: a reset, as of a closed port, or an ICMP error of this "
	      "kind, or its counterpart of ICMPv6",
	      .names = with_names,
	      .default_text = "tcp-reset, and port-unreachable for what is not TCP"),
	{0},
};

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	const struct match_spec *m = &spec->match;

	if (spec->reject_with != REJECT_TCP_RESET || m->protocol == ENUM_UNSET ||
	    m->protocol == MATCH_TCP)
		return true;
	return flaw_set(flaw, "with", "only TCP can be answered with a reset",
			"such as with: port-unreachable");
}

static enum fault_reply reply_to(const struct fault_call *call)
{
	switch (call->spec->reject_with) {
	case REJECT_NET_UNREACHABLE:
		return REPLY_NET_UNREACHABLE;
	case REJECT_HOST_UNREACHABLE:
		return REPLY_HOST_UNREACHABLE;
	case REJECT_PORT_UNREACHABLE:
		return REPLY_PORT_UNREACHABLE;
	case REJECT_ADMIN_PROHIBITED:
		return REPLY_ADMIN_PROHIBITED;
	default:
		return packet_is_tcp(call->packet) ? REPLY_RESET : REPLY_PORT_UNREACHABLE;
	}
}

static void reject(const struct fault_call *call, struct fate *fate)
{
	fate->drop = true;
	fate->reply = reply_to(call);
}

const struct fault_ops fault_reject = {
	.name = "reject",
	.doc = "everything is dropped, and its sender is told so",
	.fields = fields,
	.stage = FAULT_STAGE_BLOCK,
	.check = check,
	.packet = reject,
	.netem = fault_drop_by_netem,
};
