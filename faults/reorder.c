/* SPDX-License-Identifier: MIT */
#include "faults/chance.h"
#include "faults/netem/params.h"

/*
 * Two ways of different length through a network. As with netem the packets that are struck skip the
 * delay and so arrive ahead of those that were sent before them. Without a delay on the same cable
 * there is nothing to be ahead of.
 *
 * With a gap of N at least N - 1 packets go the long way between two that are sent ahead: each Nth at
 * a rate of 100 %.
 */

/* More packets than that between two that are reordered is never. */
#define GAP_MAX 1000000

extern const struct fault_ops fault_delay;

static const struct field fields[] = {
	CHANCE_RATE(FIELD_REQUIRED, "the share that is sent ahead of the delayed ones"),
	CHANCE_CORRELATION,
	FIELD(fault_spec, gap, "gap", FIELD_COUNT, 0,
	      "only each so manyth packet at most: those between are not drawn for",
	      .default_text = "1", .min = 1, .max = GAP_MAX),
	{0},
};

struct state {
	struct chance chance;
	int64_t n_behind; /* packets since the last that was sent ahead */
};

static bool counts_packets(const struct fault_spec *spec, struct flaw *flaw)
{
	flaw_set(flaw, "gap", "the 'gap' of a reorder", "leave out 'gap', or 'gso: on'");
	return spec->gap != COUNT_UNSET;
}

static void reorder(const struct fault_call *call, struct fate *fate)
{
	struct state *s = call->state;
	int64_t gap = call->spec->gap == COUNT_UNSET ? 1 : call->spec->gap;

	if (s->n_behind < gap - 1 || !chance_strikes(&s->chance, call->spec, call->rng)) {
		s->n_behind++;
		return;
	}
	s->n_behind = 0;
	if (!fate->delay)
		return;
	fate->delay = 0;
	fate->reordered = true;
}

static const char *by_netem(const struct fault_spec *spec, struct netem_params *params)
{
	const char *refusal = netem_refuses_match(spec);

	params->reorder = spec->rate;
	params->gap = spec->gap == COUNT_UNSET ? 1 : spec->gap;
	return refusal ? refusal : netem_refuses_correlation(spec);
}

const struct fault_ops fault_reorder = {
	.name = "reorder",
	.doc = "packets skip the delay of the same cable, and so overtake others",
	.fields = fields,
	.stage = FAULT_STAGE_REORDER,
	.beside = &fault_delay,
	.check = chance_check,
	.needs_packets = counts_packets,
	.state_size = sizeof(struct state),
	.packet = reorder,
	.netem = by_netem,
};
