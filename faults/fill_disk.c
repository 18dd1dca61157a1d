/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "faults/hands.h"

/*
 * Somebody else's data has filled the disk: nothing more can be written into the host's private /tmp
 * (ENOSPC). What is there can be read and written over, and what a program deletes makes that much
 * room again. Empty files can still be made, as on most file systems.
 */

static const struct field fields[] = {
	{0},
};

static int act(const struct fault_spec *spec, struct hands *hands, int host, struct receipt *did,
	       struct err *err)
{
	(void)spec;
	if (hands->ops->fill_tmp(hands, host, err) < 0)
		return -1;
	did->matched++;
	return 0;
}

const struct fault_ops fault_fill_disk = {
	.name = "fill-disk",
	.doc = "a host's private /tmp is full (ENOSPC)",
	.fields = fields,
	.target = FAULT_ON_HOSTS,
	.act = act,
};
