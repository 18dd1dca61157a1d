/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "faults/netem/params.h"
#include "faults/wire/injector.h"
#include "faults/wire/packet.h"

/*
 * A middlebox that ends connections: a firewall whose policy changed, a balancer that lost its
 * table, a censor. At the on-edge each live connection over the cable gets one forged reset at the
 * chosen ends; the fault does nothing more, however long it lasts.
 *
 * With `each: data` it is a censor that reads along: idle connections are left alone, and each
 * data packet that matches brings a reset in window for the chosen ends, as long as they have a
 * connection. The packet itself goes on: who only listens at a cable cannot hold it back.
 */

static const char *const rst_to_names[] = {"host", "peer", "both", NULL};
static const char *const each_names[] = {"data", NULL};

static const struct field fields[] = {
	{.name = "to",
	 .type = FIELD_ENUM,
	 .flags = 0,
	 .offset = offsetof(struct fault_spec, to),
	 .names = rst_to_names,
	 .doc = "which end gets it: host, peer or both (default)"},
	FIELD(fault_spec, each, "each", FIELD_ENUM, 0,
	      "one at each packet of this kind that passes, for as long as the fault lasts",
	      .names = each_names, .default_text = "one for each live connection, at the on-edge"),
	{0},
};

static bool is_at_each_packet(const struct fault_spec *spec)
{
	return spec->each != ENUM_UNSET;
}

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	const struct match_spec *m = &spec->match;

	if (m->kind.n || (m->protocol != ENUM_UNSET && m->protocol != MATCH_TCP))
		return flaw_set(
			flaw, m->kind.n ? "match.kind" : "match.protocol",
			"rst acts on TCP connections, not on packets of one kind or protocol",
			"match by 'peer' or 'port'");
	if (spec->direction == DIRECTION_TO_HOST || spec->direction == DIRECTION_FROM_HOST)
		return flaw_set(
			flaw, "direction",
			"rst ends connections, which go both ways: 'direction' says nothing",
			"say with 'to' which end gets the reset: host, peer or both");
	return true;
}

/* An end may be meant as the cable's host, as the peer of one, or as both. */
static bool is_victim(const struct fault_spec *spec, const struct crossing *c, int end)
{
	return (c->at_cable[end] && spec->to != RST_TO_PEER) ||
	       (c->at_cable[!end] && spec->to != RST_TO_HOST);
}

static void reset_all(const struct fault_spec *spec, struct injector *injector)
{
	struct crossing c = {0};

	if (is_at_each_packet(spec))
		return;
	while (injector_next(injector, &c))
		for (int end = 0; end < 2; end++)
			if (is_victim(spec, &c, end))
				injector_reset(injector, &c, end);
}

static bool is_cause(const struct fault_spec *spec, const struct packet *packet)
{
	return is_at_each_packet(spec) && packet->kind == KIND_DATA;
}

static void reset_ends(const struct fault_call *call, struct fate *fate)
{
	bool to_host = call->direction == DIRECTION_TO_HOST;
	bool host = call->spec->to != RST_TO_PEER, peer = call->spec->to != RST_TO_HOST;

	fate->reset_receiver = to_host ? host : peer;
	fate->reset_sender = to_host ? peer : host;
}

/* The resets are ours, and which connections they are for too. */
static const char *by_netem(const struct fault_spec *spec, struct netem_params *params)
{
	(void)params;
	return is_at_each_packet(spec) ? "netem cannot tell data packets apart" : NULL;
}

const struct fault_ops fault_rst = {
	.name = "rst",
	.doc = "a forged TCP reset, in window, for every connection that crosses the cable at the "
	       "on-edge, or at each data packet",
	.fields = fields,
	.stage = FAULT_STAGE_BLOCK,
	.momentary = true,
	.lasts = is_at_each_packet,
	.check = check,
	.concerns = is_cause,
	.packet = reset_ends,
	.on = reset_all,
	.netem = by_netem,
};
