/* SPDX-License-Identifier: MIT */
#include "faults/chance.h"
#include "faults/netem/params.h"

/*
 * A loop in a switched network, a link layer that sends again what it had delivered. Only the first
 * of the two is drawn for: a duplicate goes through the later stages, not through this one again.
 */

static const struct field fields[] = {
	CHANCE_RATE(FIELD_REQUIRED, "the share that comes twice"),
	CHANCE_CORRELATION,
	{0},
};

static void duplicate(const struct fault_call *call, struct fate *fate)
{
	fate->duplicate = chance_strikes(call->state, call->spec, call->rng);
}

static const char *by_netem(const struct fault_spec *spec, struct netem_params *params)
{
	const char *refusal = netem_refuses_match(spec);

	params->duplicate = spec->rate;
	return refusal ? refusal : netem_refuses_correlation(spec);
}

const struct fault_ops fault_duplicate = {
	.name = "duplicate",
	.doc = "packets come twice",
	.fields = fields,
	.stage = FAULT_STAGE_DUPLICATE,
	.check = chance_check,
	.state_size = sizeof(struct chance),
	.packet = duplicate,
	.netem = by_netem,
};
