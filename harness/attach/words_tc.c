/* SPDX-License-Identifier: MIT */
/* What the words mean, told: as tc(8) takes them, and where netem does not do what they say. */
#include "harness/attach/words.h"
#include "harness/base/cleanup.h"

/* In the largest unit in which it is a whole number. */
static char *quantity(struct arena *a, int64_t n, const char *const *units, const int64_t *sizes)
{
	size_t i = 0;

	while (n % sizes[i] || n < sizes[i])
		i++;
	return arena_printf(a, "%lld%s", (long long)(n / sizes[i]), units[i]);
}

static char *time_text(struct arena *a, nsec_t t)
{
	static const char *const units[] = {"s", "ms", "us", "ns"};
	static const int64_t sizes[] = {NSEC_PER_SEC, NSEC_PER_MSEC, NSEC_PER_USEC, 1};

	return t ? quantity(a, t, units, sizes) : arena_strdup(a, "0ms");
}

static char *rate_text(struct arena *a, int64_t bits_per_s)
{
	static const char *const units[] = {"gbit", "mbit", "kbit", "bit"};
	static const int64_t sizes[] = {1000000000, 1000000, 1000, 1};

	return quantity(a, bits_per_s, units, sizes);
}

/* " 1%", with a share that is 0 too: it may stand before one that is not. */
static char *share_text(struct arena *a, double fraction)
{
	return arena_printf(a, " %.9g%%", fraction * 100);
}

static char *further_share(struct arena *a, double fraction)
{
	return fraction > 0 ? share_text(a, fraction) : arena_strdup(a, "");
}

static char *delay_text(const struct netem_params *p, struct arena *a)
{
	if (!p->latency && !p->jitter)
		return arena_strdup(a, "");
	if (!p->jitter)
		return arena_printf(a, " delay %s", time_text(a, p->latency));
	return arena_printf(a, " delay %s %s%s%s%s", time_text(a, p->latency),
			    time_text(a, p->jitter), further_share(a, p->correlation.delay),
			    p->distribution == DISTRIBUTION_UNIFORM ? "" : " distribution ",
			    p->distribution == DISTRIBUTION_UNIFORM
				    ? ""
				    : delay_distribution_names[p->distribution]);
}

static char *loss_text(const struct netem_params *p, struct arena *a)
{
	const struct gemodel_spec *m = &p->gemodel;
	const struct netem_state_model *s = &p->state_model;

	if (p->by_state)
		return arena_printf(a, " loss state%s%s%s%s%s", share_text(a, s->p13),
				    share_text(a, s->p31), share_text(a, s->p32),
				    share_text(a, s->p23), share_text(a, s->p14));
	if (!p->bursts)
		return arena_printf(a, " loss%s%s", share_text(a, p->loss),
				    further_share(a, p->correlation.loss));
	return arena_printf(a, " loss gemodel%s%s%s%s", share_text(a, m->p), share_text(a, m->r),
			    share_text(a, m->loss_in_bad), share_text(a, m->loss_in_good));
}

/* As far as anything is said. */
static char *overhead_text(const struct netem_overhead *o, struct arena *a)
{
	char *text = arena_strdup(a, "");

	if (o->packet_bytes || o->cell_bytes)
		text = arena_printf(a, " %lld", (long long)o->packet_bytes);
	if (o->cell_bytes)
		text = arena_printf(a, "%s %lld", text, (long long)o->cell_bytes);
	if (o->per_cell_bytes)
		text = arena_printf(a, "%s %lld", text, (long long)o->per_cell_bytes);
	return text;
}

static char *slots_text(const struct netem_slots *s, struct arena *a)
{
	char *text = arena_strdup(a, "");

	if (s->jitter)
		text = arena_printf(a, " slot distribution %s %s %s",
				    delay_distribution_names[s->distribution],
				    time_text(a, s->mean), time_text(a, s->jitter));
	else if (s->max)
		text = arena_printf(a, " slot %s%s%s", time_text(a, s->min),
				    s->max > s->min ? " " : "",
				    s->max > s->min ? time_text(a, s->max) : "");
	if (s->packets)
		text = arena_printf(a, "%s packets %lld", text, (long long)s->packets);
	if (s->bytes)
		text = arena_printf(a, "%s bytes %lldb", text, (long long)s->bytes);
	return text;
}

char *words_for_tc(const struct netem_words *w, struct arena *a)
{
	const struct netem_params *p = &w->params;
	char *text = arena_printf(a, "limit %lld%s", (long long)p->limit, delay_text(p, a));

	if (netem_loses(p))
		text = arena_printf(a, "%s%s%s", text, loss_text(p, a), p->ecn ? " ecn" : "");
	if (p->duplicate > 0)
		text = arena_printf(a, "%s duplicate%s%s", text, share_text(a, p->duplicate),
				    further_share(a, p->correlation.duplicate));
	if (p->corrupt > 0)
		text = arena_printf(a, "%s corrupt%s%s", text, share_text(a, p->corrupt),
				    further_share(a, p->correlation.corrupt));
	if (p->reorder > 0)
		text = arena_printf(a, "%s reorder%s%s gap %lld", text, share_text(a, p->reorder),
				    further_share(a, p->correlation.reorder), (long long)p->gap);
	if (p->bytes_per_s)
		text = arena_printf(a, "%s rate %s%s", text, rate_text(a, p->bytes_per_s * 8),
				    overhead_text(&p->overhead, a));
	text = arena_printf(a, "%s%s", text, slots_text(&p->slots, a));
	if (w->has_seed)
		text = arena_printf(a, "%s seed %llu", text, (unsigned long long)w->seed);
	return text;
}

const char *words_caveat(const struct netem_words *w, size_t i)
{
	const struct netem_correlations *c = &w->params.correlation;
	const struct netem_slots *s = &w->params.slots;
	const char *found[3];
	size_t n = 0;

	if (c->delay > 0 || c->loss > 0 || c->duplicate > 0 || c->corrupt > 0 || c->reorder > 0)
		found[n++] = "netem's correlations do not do what they say: delays do not wander, "
			     "and 'loss 10% 50%' lost 3 of 2000 packets, not 200; for losses in "
			     "bursts say 'loss gemodel'";
	if (s->max - s->min > NETEM_SLOT_SPAN_SOUND)
		found[n++] =
			"where MAX of a 'slot' is more than 2.147s above MIN, kernels of before "
			"2026 (without 'netem: fix slot delay calculation overflow') often "
			"hold nothing back";
	const char *conflict = netem_conflict(&w->params);
	if (conflict)
		found[n++] = conflict;
	return i < n ? found[i] : NULL;
}
