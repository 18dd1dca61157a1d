/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"

/*
 * A plug that is pulled, a switch without power: the host's eth0 loses its carrier (NO-CARRIER), and
 * what is on its way to the host is lost. The host itself can see it, which tells it from every other
 * fault: routes over eth0 are marked linkdown, what is sent is dropped before it reaches the cable.
 * The addresses, routes and permanent neighbours of the host stay.
 *
 * The port goes down a little after the edge, as late as the engine is. What a host sends in between
 * is dropped here, and so the window is exact for packets.
 */

static const struct field where[] = {
	FIELD(fault_spec, cable, "cable", FIELD_STRINGS, FIELD_REQUIRED,
	      "the hosts, or groups of hosts, that lose their carrier"),
	FIELD_MAY_MISS,
	{0},
};

static const struct field fields[] = {
	{0},
};

const struct fault_ops fault_link_down = {
	.name = "link-down",
	.doc = "the host sees the carrier of its eth0 go",
	.fields = fields,
	.where = where,
	.stage = FAULT_STAGE_BLOCK,
	.takes_down = true,
	.packet = fault_drop,
	.netem = fault_drop_by_netem,
};
