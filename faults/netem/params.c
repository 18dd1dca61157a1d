/* SPDX-License-Identifier: MIT */
#include "faults/netem/params.h"

#include "faults/fault.h"

/* No law of faults/distribution.h has a deviation of more jitters; what a table can hold ends there. */
#define DEVIATION_MAX 6
/* Ethernet's largest frame without its check sequence: how long the queue of a rate can be. */
#define FRAME_MAX 1514
#define DAY       ((nsec_t)24 * 3600 * NSEC_PER_SEC)

const char *netem_add(struct netem_params *p, const struct fault_spec *spec)
{
	if (!spec->ops->netem)
		return "netem has nothing of the kind";
	return spec->ops->netem(spec, p);
}

bool netem_loses(const struct netem_params *p)
{
	return p->loss > 0 || p->bursts || p->by_state;
}

const char *netem_conflict(const struct netem_params *p)
{
	if (p->block)
		return NULL;
	if (netem_loses(p) && p->duplicate > 0)
		return "beside a 'duplicate' netem loses less than it is told, for the second of "
		       "two packets makes up for the loss of the first";
	if (p->bytes_per_s && p->jitter > 0)
		return "netem lets no packet overtake another in the queue of a 'rate', whatever "
		       "the 'jitter' of a delay";
	if (p->bytes_per_s && p->gap)
		return "with netem what a 'reorder' sends ahead skips the queue of a 'rate' too";
	if (p->bytes_per_s && p->latency > 0 && p->limit_is_asked)
		return "the 'limit' of netem's rate counts what a 'delay' holds back, too";
	return NULL;
}

nsec_t netem_longest(const struct netem_params *p)
{
	double queue = p->bytes_per_s ? (double)p->limit * FRAME_MAX / (double)p->bytes_per_s : 0;
	double longest = (double)p->latency + DEVIATION_MAX * (double)p->jitter +
			 queue * (double)NSEC_PER_SEC;

	return longest < (double)DAY ? (nsec_t)longest : DAY;
}

const char *netem_refuses_match(const struct fault_spec *spec)
{
	const struct match_spec *m = &spec->match;

	if (m->port == COUNT_UNSET && m->protocol == ENUM_UNSET && !m->kind.n && !m->peer.n)
		return NULL;
	return "netem meets every packet of a cable and knows no 'match'";
}

const char *netem_refuses_correlation(const struct fault_spec *spec)
{
	if (!(spec->correlation > 0))
		return NULL;
	return "with a 'correlation' netem strikes another share of the packets than it is told";
}
