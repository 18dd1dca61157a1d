/* SPDX-License-Identifier: MIT */
#include "faults/chance.h"
#include "faults/distribution.h"
#include "faults/netem/params.h"

/*
 * A longer way. With jitter each packet draws its own delay, so packets may overtake each other as
 * they do with netem; without it they never do.
 *
 * A correlation makes the delays wander: each deviation from the mean is rho times the last one plus
 * 1 - rho times a fresh one, which is netem's model. The mean stays. The spread becomes
 * sqrt((1 - rho) / (1 + rho)) times what it is without, and the shape gets closer to the normal law,
 * whatever it was: a sum of many draws. Deviations of packets k apart have the correlation rho^k.
 */

struct wander {
	bool drawn;
	double last; /* deviation, in jitters */
};

static const struct field fields[] = {
	FIELD(fault_spec, mean, "mean", FIELD_DURATION, FIELD_REQUIRED, "how much longer",
	      .unit = "ms"),
	FIELD(fault_spec, jitter, "jitter", FIELD_DURATION, 0,
	      "how much it varies, at most the mean (normal: a third of it; paretonormal: two "
	      "thirds): "
	      "uniform, plus or minus that; of the other distributions the standard deviation",
	      .unit = "ms", .default_text = "none"),
	FIELD(fault_spec, distribution, "distribution", FIELD_ENUM, 0,
	      "how it varies; needs a jitter", .names = delay_distribution_names,
	      .default_text = "uniform"),
	FIELD(fault_spec, correlation, "correlation", FIELD_PERCENT, 0,
	      "how much of the last packet's deviation from the mean is in this one's; needs a "
	      "jitter",
	      .default_text = "0%, each by itself"),
	{0},
};

static nsec_t jitter_of(const struct fault_spec *spec)
{
	return spec->jitter == NSEC_UNSET ? 0 : spec->jitter;
}

/*
 * The largest jitter that the mean has room for. The normal laws know no least value: what would
 * arrive before it was sent is not delayed at all, and beyond these figures that would be more than
 * one packet of 740 (of 1500, with paretonormal), and no longer the law.
 */
static nsec_t jitter_max(const struct fault_spec *spec, const char **ret_hint)
{
	switch (spec->distribution) {
	case DISTRIBUTION_NORMAL:
		*ret_hint = "of a normal distribution, make the jitter at most a third of the mean";
		return spec->mean / 3;
	case DISTRIBUTION_PARETONORMAL:
		*ret_hint = "of a paretonormal distribution, make the jitter at most two thirds of "
			    "the mean";
		return spec->mean / 3 * 2;
	default:
		*ret_hint = "make the jitter at most the mean";
		return spec->mean;
	}
}

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	bool varies = jitter_of(spec) > 0;
	const char *mend;

	if (spec->mean <= 0)
		return flaw_set(flaw, "mean", "a delay of 0 delays nothing",
				"give a mean above 0, or leave the fault out");
	if (jitter_of(spec) > jitter_max(spec, &mend))
		return flaw_set(flaw, "jitter",
				"the jitter is too large for the mean: packets would arrive before "
				"they were sent",
				mend);
	if (!varies && (spec->distribution != ENUM_UNSET || spec->correlation >= 0))
		return flaw_set(
			flaw, spec->distribution != ENUM_UNSET ? "distribution" : "correlation",
			"a distribution and a correlation say how the delay varies, and without "
			"a jitter it does not",
			"give a jitter, such as a tenth of the mean");
	return chance_check_correlation(spec, flaw);
}

/* In jitters. */
static double deviation(const struct fault_call *call)
{
	struct wander *w = call->state;
	double rho = call->spec->correlation > 0 && w->drawn ? call->spec->correlation : 0;
	int distribution = call->spec->distribution == ENUM_UNSET ? DISTRIBUTION_UNIFORM
								  : call->spec->distribution;
	double fresh = distribution_deviation((enum delay_distribution)distribution,
					      rng_uniform_open(call->rng));

	w->last = rho * w->last + (1 - rho) * fresh;
	w->drawn = true;
	return w->last;
}

static void delay(const struct fault_call *call, struct fate *fate)
{
	nsec_t own = call->spec->mean;
	nsec_t jitter = jitter_of(call->spec);

	if (jitter)
		own += (nsec_t)(deviation(call) * (double)jitter);
	if (own > 0) /* the normal law knows no least value */
		fate->delay += own;
}

/*
 * netem's correlation mixes the numbers that are drawn, and then takes their remainder by the size of
 * the table, or by twice the jitter: what is left does not wander at all (tabledist() of
 * net/sched/sch_netem.c).
 */
static const char *by_netem(const struct fault_spec *spec, struct netem_params *params)
{
	if (spec->correlation > 0)
		return "the 'correlation' of netem's delays gets lost on the way to its table: "
		       "they do not wander";
	if (jitter_of(spec) > NETEM_JITTER_MAX)
		return "netem's delays vary by 1.431 s at most (a 'jitter')";
	params->latency += spec->mean;
	params->jitter = jitter_of(spec);
	params->distribution = spec->distribution == ENUM_UNSET
				       ? DISTRIBUTION_UNIFORM
				       : (enum delay_distribution)spec->distribution;
	return netem_refuses_match(spec);
}

const struct fault_ops fault_delay = {
	.name = "delay",
	.doc = "every packet takes longer; with jitter packets may overtake each other, as with "
	       "netem",
	.fields = fields,
	.stage = FAULT_STAGE_DELAY,
	.check = check,
	.state_size = sizeof(struct wander),
	.packet = delay,
	.netem = by_netem,
};
