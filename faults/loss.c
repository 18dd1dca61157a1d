/* SPDX-License-Identifier: MIT */
#include "faults/chance.h"
#include "faults/netem/params.h"

/*
 * A noisy radio link, a queue that is too full. Which packets vanish is said by one of four models:
 * a share of them, drawn (`rate`); the two-state chain of Gilbert and Elliott, whose losses come in
 * bursts (`gemodel`); or no chance at all: every nth, or exactly those of certain numbers.
 */

/* One of a number of packets that are counted: a whole scenario has fewer. */
#define NTH_MAX 1000000000

static const struct field gemodel_fields[] = {
	FIELD(gemodel_spec, p, "p", FIELD_PERCENT, FIELD_REQUIRED,
	      "the probability at each packet that the cable turns from good to bad"),
	FIELD(gemodel_spec, r, "r", FIELD_PERCENT, FIELD_REQUIRED,
	      "the same from bad to good; the bad state lasts for 1/r packets on average"),
	FIELD(gemodel_spec, loss_in_bad, "1-h", FIELD_PERCENT, 0,
	      "the share that vanishes in the bad state", .default_text = "100%"),
	FIELD(gemodel_spec, loss_in_good, "1-k", FIELD_PERCENT, 0,
	      "the share that vanishes in the good state", .default_text = "0%"),
	{0},
};

static const struct field fields[] = {
	CHANCE_RATE(0, "the share that vanishes"),
	CHANCE_CORRELATION,
	FIELD(fault_spec, gemodel, "gemodel", FIELD_RECORD, 0,
	      "instead of `rate`: losses in bursts, by the model of Gilbert and Elliott",
	      .of = gemodel_fields),
	FIELD(fault_spec, every_nth, "every-nth", FIELD_COUNT, 0,
	      "instead of `rate`: of the packets that match, counted from the on-edge, each whose "
	      "number this divides",
	      .min = 2, .max = NTH_MAX),
	FIELD(fault_spec, nth, "nth", FIELD_COUNTS, 0,
	      "instead of `rate`: of the packets that match, counted from the on-edge, those of "
	      "these numbers, the first being 1",
	      .min = 1, .max = NTH_MAX),
	{0},
};

struct state {
	struct chance chance; /* rate */
	bool bad;             /* gemodel */
};

static bool has_gemodel(const struct fault_spec *spec)
{
	const struct gemodel_spec *m = &spec->gemodel;

	return m->p >= 0 || m->r >= 0 || m->loss_in_bad >= 0 || m->loss_in_good >= 0;
}

/* The two shares, with their defaults. */
static double loss_in_bad(const struct gemodel_spec *m)
{
	return m->loss_in_bad >= 0 ? m->loss_in_bad : 1;
}

static double loss_in_good(const struct gemodel_spec *m)
{
	return m->loss_in_good >= 0 ? m->loss_in_good : 0;
}

/* Of the models that are given, the last in the order of the table. */
static const char *last_model(const struct fault_spec *spec)
{
	if (spec->nth.n)
		return "nth";
	if (spec->every_nth != COUNT_UNSET)
		return "every-nth";
	return has_gemodel(spec) ? "gemodel" : "rate";
}

/* The keys of one model only, and of one. */
static bool is_one_model(const struct fault_spec *spec, struct flaw *flaw)
{
	int models = (spec->rate >= 0) + has_gemodel(spec) + (spec->every_nth != COUNT_UNSET) +
		     (spec->nth.n > 0);

	if (!models)
		return flaw_set(
			flaw, NULL, "nothing says which packets the loss takes",
			"give one of 'rate', 'gemodel', 'every-nth' and 'nth', such as rate: 5%");
	if (models > 1)
		return flaw_set(
			flaw, last_model(spec),
			"only one of 'rate', 'gemodel', 'every-nth' and 'nth' can say which "
			"packets the loss takes",
			"leave the others out, or make two faults of it");
	if (spec->correlation >= 0 && spec->rate < 0)
		return flaw_set(flaw, "correlation",
				"only the losses of a 'rate' have a correlation",
				"leave 'correlation' out, or give a rate");
	return true;
}

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	const struct gemodel_spec *m = &spec->gemodel;

	if (!is_one_model(spec, flaw))
		return false;
	if (!has_gemodel(spec))
		return chance_check(spec, flaw);
	if (loss_in_good(m) == 0 && (m->p == 0 || loss_in_bad(m) == 0))
		return flaw_set(flaw, m->p == 0 ? "gemodel.p" : "gemodel.1-h",
				"this gemodel loses nothing",
				m->p == 0 ? "give a p above 0%" : "give a 1-h above 0%");
	return true;
}

/* As netem's loss_gilb_ell() (net/sched/sch_netem.c): the state that was, and then the next one. */
static bool gemodel_strikes(const struct fault_call *call)
{
	const struct gemodel_spec *m = &call->spec->gemodel;
	struct state *s = call->state;
	double share = s->bad ? loss_in_bad(m) : loss_in_good(m);

	if (rng_uniform(call->rng) < (s->bad ? m->r : m->p))
		s->bad = !s->bad;
	return rng_uniform(call->rng) < share;
}

/* A share of the frames is a share of the packets; but what is counted is told one by one. */
static bool counts_packets(const struct fault_spec *spec, struct flaw *flaw)
{
	flaw_set(flaw, last_model(spec),
		 spec->nth.n                      ? "'nth' of a loss"
		 : spec->every_nth != COUNT_UNSET ? "'every-nth' of a loss"
						  : "'gemodel' of a loss",
		 "give a 'rate', which is then a share of the frames, or " FAULT_LEAVE_OUT_GSO);
	return spec->rate < 0;
}

static bool is_listed(const struct count_list *nth, uint64_t n)
{
	vec_foreach (count, nth)
		if ((uint64_t)*count == n)
			return true;
	return false;
}

static void lose(const struct fault_call *call, struct fate *fate)
{
	const struct fault_spec *spec = call->spec;
	struct state *s = call->state;

	if (spec->rate >= 0)
		fate->drop = chance_strikes(&s->chance, spec, call->rng);
	else if (spec->every_nth != COUNT_UNSET)
		fate->drop = call->nth % (uint64_t)spec->every_nth == 0;
	else if (spec->nth.n)
		fate->drop = is_listed(&spec->nth, call->nth);
	else
		fate->drop = gemodel_strikes(call);
}

/*
 * A rate with a correlation is a chain of two states, lost and not lost, which is what netem's gemodel
 * draws: from good to bad by (1 - rho) * rate, and back by (1 - rho) * (1 - rate). netem's own
 * correlation would lose less than it is told (chance.h).
 */
static struct gemodel_spec chain_of(double rate, double rho)
{
	return (struct gemodel_spec){
		.p = (1 - rho) * rate, .r = (1 - rho) * (1 - rate), .loss_in_bad = 1};
}

static const char *by_netem(const struct fault_spec *spec, struct netem_params *params)
{
	const struct gemodel_spec *m = &spec->gemodel;

	if (spec->rate < 0 && !has_gemodel(spec))
		return "netem draws, and cannot count packets ('nth', 'every-nth')";
	params->bursts = has_gemodel(spec) || spec->correlation > 0;
	if (has_gemodel(spec))
		params->gemodel = (struct gemodel_spec){.p = m->p,
							.r = m->r,
							.loss_in_bad = loss_in_bad(m),
							.loss_in_good = loss_in_good(m)};
	else if (params->bursts)
		params->gemodel = chain_of(spec->rate, spec->correlation);
	else
		params->loss = spec->rate;
	return netem_refuses_match(spec);
}

const struct fault_ops fault_loss = {
	.name = "loss",
	.doc = "packets vanish: a share of them, in bursts, or exactly those that are named",
	.fields = fields,
	.stage = FAULT_STAGE_LOSS,
	.check = check,
	.needs_packets = counts_packets,
	.state_size = sizeof(struct state),
	.packet = lose,
	.netem = by_netem,
};
