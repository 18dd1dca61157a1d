/* SPDX-License-Identifier: MIT */
#include "faults/fault.h"
#include "faults/hands.h"

/*
 * A program runs out of descriptors: EMFILE from accept(2), socket(2) and open(2), because a limit is
 * too low or because of a leak. What is open stays open. It is the soft limit, RLIMIT_NOFILE: a
 * program that raises its own gets out of it.
 */

/* Above fs.nr_open's default no limit can be. */
#define LIMIT_MAX 1048576

static const struct field fields[] = {
	FIELD(fault_spec, descriptors, "limit", FIELD_COUNT, FIELD_REQUIRED,
	      "descriptors below this number can be opened; those above it stay open", .min = 0,
	      .max = LIMIT_MAX),
	{0},
};

static int act(const struct fault_spec *spec, struct hands *hands, int app, struct receipt *did,
	       struct err *err)
{
	uint64_t n = 0;

	if (hands->ops->limit_files(hands, app, (uint64_t)spec->descriptors, &n, err) < 0)
		return -1;
	did->matched += n;
	return 0;
}

const struct fault_ops fault_nofile = {
	.name = "nofile",
	.doc = "running programs cannot open more than so many descriptors (EMFILE)",
	.fields = fields,
	.target = FAULT_ON_APPS,
	.act = act,
};
