/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "faults/hands.h"

/*
 * A host without power, at one blow. Its cable is silent first: from the very edge, by nominal time,
 * whatever its kernel still sends is dropped in the link engine. So the FINs and resets of its dying
 * processes reach nobody. Then its processes are killed, and when they are gone its sockets are
 * destroyed, TIME_WAIT and what no process owns any more too: at power-on nothing of before speaks.
 *
 * Its files stay, as on a disk. Programs run again only when a step starts them.
 */

static const struct field fields[] = {
	{0},
};

static int act(const struct fault_spec *spec, struct hands *hands, int host, struct receipt *did,
	       struct err *err)
{
	uint64_t killed = 0, destroyed = 0;

	(void)spec;
	if (hands->ops->cut_power(hands, host, &killed, err) < 0 ||
	    hands->ops->destroy_sockets(hands, host, &destroyed, err) < 0)
		return -1;
	did->killed += killed;
	did->destroyed += destroyed;
	did->matched += killed + destroyed;
	return 0;
}

const struct fault_ops fault_power_off = {
	.name = "power-off",
	.doc = "a host goes dark: its cable is silent, its processes and sockets are gone, and "
	       "nobody is told; until `for` is over or a `power-on` of the same hosts",
	.fields = fields,
	.target = FAULT_ON_HOSTS,
	.stage = FAULT_STAGE_BLOCK,
	.darkens = true,
	.packet = fault_drop,
	.netem = fault_drop_by_netem,
	.act = act,
};
