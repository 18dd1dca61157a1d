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

bool chance_check_correlation(const struct fault_spec *spec, const char **message,
			      const char **hint)
{
	if (spec->correlation == 1) {
		*message = "with a correlation of 100% the first packet decides for all of them";
		*hint = "give a correlation below 100%";
		return false;
	}
	return true;
}

bool chance_check(const struct fault_spec *spec, const char **message, const char **hint)
{
	if (spec->rate == 0) {
		*message = "a rate of 0% strikes no packet";
		*hint = "give a rate above 0%, or leave the fault out";
		return false;
	}
	return chance_check_correlation(spec, message, hint);
}
