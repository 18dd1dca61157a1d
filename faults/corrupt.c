/* SPDX-License-Identifier: MIT */
#include "faults/chance.h"
#include "faults/netem/params.h"
#include "faults/wire/packet.h"

/*
 * A memory error in a router, a damaged line card: one bit turns over after the link layer's own
 * check. The bit lies in what the transport's checksum covers, so the packet reaches its host, and
 * the host's kernel counts it (InCsumErrors) and throws it away.
 *
 * What has no such checksum (ARP) is left alone: its receiver would believe it.
 */

static const struct field fields[] = {
	CHANCE_RATE(FIELD_REQUIRED, "the share of which one bit is turned over"),
	CHANCE_CORRELATION,
	{0},
};

static void corrupt(const struct fault_call *call, struct fate *fate)
{
	bool struck = chance_strikes(call->state, call->spec, call->rng);

	if (!struck || !call->packet->src.family || !call->packet->body_len)
		return;
	fate->corrupt = true;
	fate->corrupt_draw = rng_u64(call->rng);
}

static const char *by_netem(const struct fault_spec *spec, struct netem_params *params)
{
	const char *refusal = netem_refuses_match(spec);

	params->corrupt = spec->rate;
	return refusal ? refusal : netem_refuses_correlation(spec);
}

const struct fault_ops fault_corrupt = {
	.name = "corrupt",
	.doc = "one bit of a packet turns over, and its receiver's checksum tells",
	.fields = fields,
	.stage = FAULT_STAGE_CORRUPT,
	.check = chance_check,
	.state_size = sizeof(struct chance),
	.needs_packets = fault_needs_packets,
	.packet = corrupt,
	.netem = by_netem,
};
