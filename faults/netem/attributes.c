/* SPDX-License-Identifier: MIT */
#include "faults/netem/attributes.h"

#include <assert.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "faults/distribution.h"

/* Since Linux 6.6; headers may be older. */
#define TCA_NETEM_PRNG_SEED_NR 14

static_assert(NETEM_TABLE_SCALE == NETEM_DIST_SCALE, "the scale is the kernel's");
static_assert(NETEM_TABLE_SIZE <= NETEM_DIST_MAX, "no larger table is taken");
static_assert(TCA_NETEM_SLOT_DIST == TCA_NETEM_PRNG_SEED_NR - 1, "the numbers go on");

/* Bytes that grow. There is room: NETEM_OPTIONS_BYTES. */
struct writer {
	uint8_t *bytes;
	size_t len;
};

static void *put_space(struct writer *w, size_t len)
{
	uint8_t *at = w->bytes + w->len;

	memset(at, 0, NLA_ALIGN(len));
	w->len += NLA_ALIGN(len);
	return at;
}

/* Room for the attribute's payload, all zero. */
static void *put_attribute(struct writer *w, uint16_t type, size_t len)
{
	const struct nlattr header = {.nla_len = (uint16_t)(NLA_HDRLEN + len), .nla_type = type};

	memcpy(put_space(w, NLA_HDRLEN), &header, sizeof(header));
	return put_space(w, len);
}

static void put(struct writer *w, uint16_t type, const void *value, size_t len)
{
	memcpy(put_attribute(w, type, len), value, len);
}

/* The kernel compares with 32 random bits: what is certain is their largest number. */
static uint32_t probability(double fraction)
{
	return (uint32_t)llround(fraction * UINT32_MAX);
}

static void put_reorder(struct writer *w, const struct netem_params *p)
{
	const struct tc_netem_reorder reorder = {.probability = probability(p->reorder),
						 .correlation =
							 probability(p->correlation.reorder)};

	put(w, TCA_NETEM_REORDER, &reorder, sizeof(reorder));
}

static void put_corrupt(struct writer *w, const struct netem_params *p)
{
	const struct tc_netem_corrupt corrupt = {.probability = probability(p->corrupt),
						 .correlation =
							 probability(p->correlation.corrupt)};

	put(w, TCA_NETEM_CORRUPT, &corrupt, sizeof(corrupt));
}

/* A model of losses is in a nest. */
static void put_loss(struct writer *w, uint16_t type, const void *model, size_t len)
{
	size_t begin = w->len;

	put_attribute(w, TCA_NETEM_LOSS | NLA_F_NESTED, 0);
	put(w, type, model, len);
	const struct nlattr nest = {.nla_len = (uint16_t)(w->len - begin),
				    .nla_type = TCA_NETEM_LOSS | NLA_F_NESTED};
	memcpy(w->bytes + begin, &nest, sizeof(nest));
}

/*
 * A packet is lost in the bad state when the number drawn is above `h`, and in the good one when it
 * is below `k1` (loss_gilb_ell() of sch_netem.c): h is 1 less the share, k1 is the share.
 */
static void put_gemodel(struct writer *w, const struct gemodel_spec *m)
{
	const struct tc_netem_gemodel model = {
		.p = probability(m->p),
		.r = probability(m->r),
		.h = probability(1 - m->loss_in_bad),
		.k1 = probability(m->loss_in_good),
	};

	put_loss(w, NETEM_LOSS_GE, &model, sizeof(model));
}

/*
 * The kernel adds up the two ways out of a state in 32 bits. Two halves, each rounded up, would be 2^32
 * together, and so 0: then neither would be taken as it was meant.
 */
static uint32_t probability_beside(double fraction, uint32_t other)
{
	uint32_t own = probability(fraction);

	return own > UINT32_MAX - other ? UINT32_MAX - other : own;
}

static void put_state_model(struct writer *w, const struct netem_state_model *m)
{
	const uint32_t p32 = probability(m->p32), p14 = probability(m->p14);
	const struct tc_netem_gimodel model = {
		.p13 = probability_beside(m->p13, p14),
		.p31 = probability_beside(m->p31, p32),
		.p32 = p32,
		.p14 = p14,
		.p23 = probability(m->p23),
	};

	put_loss(w, NETEM_LOSS_GI, &model, sizeof(model));
}

/* The smaller field is taken as long as the larger one fits it. */
static void put_rate(struct writer *w, const struct netem_params *p)
{
	const uint64_t rate64 = (uint64_t)p->bytes_per_s;
	const struct tc_netem_rate rate = {
		.rate = rate64 > UINT32_MAX ? UINT32_MAX : (uint32_t)rate64,
		.packet_overhead = (int32_t)p->overhead.packet_bytes,
		.cell_size = (uint32_t)p->overhead.cell_bytes,
		.cell_overhead = (int32_t)p->overhead.per_cell_bytes,
	};

	put(w, TCA_NETEM_RATE, &rate, sizeof(rate));
	if (rate64 > UINT32_MAX)
		put(w, TCA_NETEM_RATE64, &rate64, sizeof(rate64));
}

/* As the kernel is told it. */
static int64_t stretched(nsec_t jitter, enum delay_distribution distribution)
{
	return netem_is_stretched(distribution) ? jitter * NETEM_STRETCH_NUM / NETEM_STRETCH_DEN
						: jitter;
}

static void put_times(struct writer *w, const struct netem_params *p, const int16_t *table)
{
	const int64_t latency = p->latency;
	const int64_t jitter = stretched(p->jitter, p->distribution);

	put(w, TCA_NETEM_LATENCY64, &latency, sizeof(latency));
	put(w, TCA_NETEM_JITTER64, &jitter, sizeof(jitter));
	if (jitter)
		put(w, TCA_NETEM_DELAY_DIST, table, NETEM_TABLE_SIZE * sizeof(*table));
}

static void put_slots(struct writer *w, const struct netem_slots *s, const int16_t *table)
{
	const struct tc_netem_slot slot = {
		.min_delay = s->min,
		.max_delay = s->max,
		.max_packets = (int32_t)s->packets,
		.max_bytes = (int32_t)s->bytes,
		.dist_delay = s->mean,
		.dist_jitter = stretched(s->jitter, s->distribution),
	};

	put(w, TCA_NETEM_SLOT, &slot, sizeof(slot));
	if (s->jitter)
		put(w, TCA_NETEM_SLOT_DIST, table, NETEM_TABLE_SIZE * sizeof(*table));
}

size_t netem_options(const struct netem_params *p, const int16_t *table, const int16_t *slot_table,
		     uint64_t seed, uint8_t *out)
{
	static const struct netem_params nothing;
	const struct netem_params *q = p->block ? &nothing : p;
	const struct tc_netem_corr correlation = {
		.delay_corr = probability(q->correlation.delay),
		.loss_corr = probability(q->correlation.loss),
		.dup_corr = probability(q->correlation.duplicate),
	};
	const uint32_t ecn = q->ecn;
	struct writer w = {.bytes = out};
	const struct tc_netem_qopt basic = {
		.limit = (uint32_t)(q->limit ? q->limit : NETEM_LIMIT),
		.loss = probability(p->block ? 1 : q->loss),
		.gap = (uint32_t)q->gap,
		.duplicate = probability(q->duplicate),
	};

	memcpy(put_space(&w, sizeof(basic)), &basic, sizeof(basic));
	put(&w, TCA_NETEM_CORR, &correlation, sizeof(correlation));
	put_reorder(&w, q);
	put_corrupt(&w, q);
	put_rate(&w, q);
	put(&w, TCA_NETEM_ECN, &ecn, sizeof(ecn));
	put_times(&w, q, table);
	put_slots(&w, &q->slots, slot_table);
	if (q->by_state)
		put_state_model(&w, &q->state_model);
	else if (q->bursts)
		put_gemodel(&w, &q->gemodel);
	put(&w, TCA_NETEM_PRNG_SEED_NR, &seed, sizeof(seed));
	return w.len;
}

bool netem_is_stretched(enum delay_distribution distribution)
{
	return distribution == DISTRIBUTION_PARETO || distribution == DISTRIBUTION_PARETONORMAL;
}

void netem_table(enum delay_distribution distribution, int16_t *table)
{
	double scale = NETEM_TABLE_SCALE;

	if (netem_is_stretched(distribution))
		scale = scale * NETEM_STRETCH_DEN / NETEM_STRETCH_NUM;
	for (int i = 0; i < NETEM_TABLE_SIZE; i++) {
		double u = (i + 0.5) / NETEM_TABLE_SIZE;
		double v = distribution_deviation(distribution, u) * scale;

		table[i] = (int16_t)lround(fmin(fmax(v, -INT16_MAX), INT16_MAX));
	}
}
