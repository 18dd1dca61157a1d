/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "faults/hands.h"

/*
 * A host whose addresses are gone: moved away by an orchestrator, released by DHCP, taken off by
 * hand. It has power and its programs run, but what is sent to it nobody answers, and its own
 * connections cannot send, for their source address is no longer the host's. With the addresses back
 * they go on.
 */

static const struct field fields[] = {
	{0},
};

static int act(const struct fault_spec *spec, struct hands *hands, int host, struct receipt *did,
	       struct err *err)
{
	uint64_t n = 0;

	(void)spec;
	if (hands->ops->remove_addresses(hands, host, &n, err) < 0)
		return -1;
	did->matched += n;
	return 0;
}

const struct fault_ops fault_remove_host = {
	.name = "remove-host",
	.doc = "a host's addresses are gone: others get no answer, though it runs on",
	.fields = fields,
	.target = FAULT_ON_HOSTS,
	.act = act,
};
