/* SPDX-License-Identifier: MIT */
#include <string.h>

#include "faults/fault.h"

/*
 * A network that falls apart: hosts on different sides do not reach each other, hosts on one side do,
 * and hosts on no side are not touched. Unlike a blackhole on a cable it leaves a host connected to
 * those on its own side: what a cluster must decide then is who goes on.
 *
 * Which packets go between sides is the match's work (wire/match.h), on the cables of their
 * receivers only: so each is met once, and one that is in flight when the network falls apart is
 * lost where it would have arrived.
 */

static const struct field where[] = {
	FIELD(fault_spec, match, "match", FIELD_RECORD, 0,
	      "which packets between the sides it touches", .of = match_fields,
	      .default_text = "all of them"),
	FIELD_MAY_MISS,
	{0},
};

static const struct field fields[] = {
	FIELD(fault_spec, sides, "sides", FIELD_STRINGS, FIELD_REQUIRED,
	      "two or more; each the names of hosts or groups, separated by spaces"),
	{0},
};

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	if (spec->sides.n >= 2)
		return true;
	return flaw_set(flaw, "sides", "a partition has two sides or more",
			"such as sides: [server, client]");
}

/* Who is cut off from whom may differ, even of the same hosts. */
static bool is_apart(const struct fault_spec *a, const struct fault_spec *b)
{
	if (a->sides.n != b->sides.n)
		return true;
	for (size_t i = 0; i < a->sides.n; i++)
		if (strcmp(a->sides.v[i], b->sides.v[i]) != 0)
			return true;
	return false;
}

const struct fault_ops fault_partition = {
	.name = "partition",
	.doc = "hosts on different sides do not reach each other",
	.fields = fields,
	.where = where,
	.stage = FAULT_STAGE_BLOCK,
	.check = check,
	.packet = fault_drop,
	.is_apart = is_apart,
};
