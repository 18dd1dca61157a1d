/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "faults/hands.h"

/*
 * The end of a `power-off` that has no length of its own: the plan takes this moment as the end of its
 * window, so there is nothing left to do here. Programs are started by `start` steps only.
 */

extern const struct fault_ops fault_power_off;

static const struct field fields[] = {
	{0},
};

static int act(const struct fault_spec *spec, struct hands *hands, int host, struct receipt *did,
	       struct err *err)
{
	(void)spec;
	(void)hands;
	(void)host;
	(void)err;
	did->matched++;
	return 0;
}

const struct fault_ops fault_power_on = {
	.name = "power-on",
	.doc = "ends a `power-off` without `for`; programs are started by `start` steps only",
	.fields = fields,
	.target = FAULT_ON_HOSTS,
	.momentary = true,
	.act = act,
	.ends = &fault_power_off,
};
