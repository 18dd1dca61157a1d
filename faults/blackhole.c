/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"

/*
 * A cut cable behind a router, a firewall that drops, a host without power: nothing arrives and
 * nobody is told. Only a timer of the program or of its kernel can notice.
 */

static const struct field fields[] = {
	{0},
};

const struct fault_ops fault_blackhole = {
	.name = "blackhole",
	.doc = "everything vanishes, without a word to anybody",
	.fields = fields,
	.stage = FAULT_STAGE_BLOCK,
	.packet = fault_drop,
	.netem = fault_drop_by_netem,
};
