/* SPDX-License-Identifier: MIT */
#include "faults/chance.h"

bool chance_strikes(struct chance *c, const struct fault_spec *spec, struct rng *rng)
{
	bool repeats = spec->correlation > 0 && c->drawn && rng_uniform(rng) < spec->correlation;

	if (!repeats)
		c->struck = rng_uniform(rng) < spec->rate;
	c->drawn = true;
	return c->struck;
}

bool chance_check_correlation(const struct fault_spec *spec, struct flaw *flaw)
{
	if (spec->correlation == 1)
		return flaw_set(
			flaw, "correlation",
			"with a correlation of 100% the first packet decides for all of them",
			"give a correlation below 100%");
	return true;
}

bool chance_check(const struct fault_spec *spec, struct flaw *flaw)
{
	if (spec->rate == 0)
		return flaw_set(flaw, "rate", "a rate of 0% strikes no packet",
				"give a rate above 0%, or leave the fault out");
	return chance_check_correlation(spec, flaw);
}
