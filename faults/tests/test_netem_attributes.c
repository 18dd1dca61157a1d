/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "faults/distribution.h"
#include "faults/netem/attributes.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/* The bytes that the kernel is told. */

/* Since Linux 6.6. */
#define PRNG_SEED 14

static uint8_t bytes[NETEM_OPTIONS_BYTES] __attribute__((aligned(NLA_ALIGNTO)));
static size_t n_bytes;

static const struct tc_netem_qopt *encode(const struct netem_params *p, uint64_t seed)
{
	static int16_t table[NETEM_TABLE_SIZE], slot_table[NETEM_TABLE_SIZE];

	netem_table(p->distribution, table);
	netem_table(p->slots.distribution, slot_table);
	memset(bytes, 0xa5, sizeof(bytes)); /* what is not written is seen */
	n_bytes = netem_options(p, table, slot_table, seed, bytes);
	ck_assert_uint_le(n_bytes, sizeof(bytes));
	return (const void *)bytes;
}

/* The payload of an attribute in [at, end), whose length must be this; NULL: it is not there. */
static const void *find_in(const uint8_t *at, const uint8_t *end, int type, size_t len)
{
	while (at < end) {
		const struct nlattr *a = (const void *)at;

		if ((a->nla_type & NLA_TYPE_MASK) == type) {
			ck_assert_uint_eq(a->nla_len, NLA_HDRLEN + len);
			return at + NLA_HDRLEN;
		}
		at += NLA_ALIGN(a->nla_len);
	}
	return NULL;
}

static const void *find(int type, size_t len)
{
	return find_in(bytes + sizeof(struct tc_netem_qopt), bytes + n_bytes, type, len);
}

static const void *get(int type, size_t len)
{
	const void *p = find(type, len);

	ck_assert_msg(p != NULL, "attribute %d is not there", type);
	return p;
}

/* Attributes are aligned to 4 bytes only. */
static int64_t get_64(int type)
{
	int64_t value;

	memcpy(&value, get(type, sizeof(value)), sizeof(value));
	return value;
}

/* The attributes end where the bytes end: the kernel reads them so. */
static void check_whole(void)
{
	const uint8_t *at = bytes + sizeof(struct tc_netem_qopt);

	while (at < bytes + n_bytes)
		at += NLA_ALIGN(((const struct nlattr *)(const void *)at)->nla_len);
	ck_assert_ptr_eq(at, bytes + n_bytes);
}

START_TEST(nothing_resets_everything)
{
	const struct netem_params p = {0};
	const struct tc_netem_qopt *q = encode(&p, 7);

	check_whole();
	ck_assert_uint_eq(q->limit, NETEM_LIMIT);
	ck_assert_uint_eq(q->loss | q->gap | q->duplicate | q->latency | q->jitter, 0);
	/* All that a qdisc would keep of before, were it left out. */
	const struct tc_netem_corr *corr = get(TCA_NETEM_CORR, sizeof(*corr));
	ck_assert_uint_eq(corr->delay_corr | corr->loss_corr | corr->dup_corr, 0);
	const struct tc_netem_reorder *reorder = get(TCA_NETEM_REORDER, sizeof(*reorder));
	ck_assert_uint_eq(reorder->probability | reorder->correlation, 0);
	const struct tc_netem_corrupt *corrupt = get(TCA_NETEM_CORRUPT, sizeof(*corrupt));
	ck_assert_uint_eq(corrupt->probability | corrupt->correlation, 0);
	const struct tc_netem_rate *rate = get(TCA_NETEM_RATE, sizeof(*rate));
	ck_assert_uint_eq(rate->rate | rate->cell_size, 0);
	ck_assert_int_eq(rate->packet_overhead | rate->cell_overhead, 0);
	ck_assert_uint_eq(*(const uint32_t *)get(TCA_NETEM_ECN, sizeof(uint32_t)), 0);
	ck_assert_int_eq(get_64(TCA_NETEM_LATENCY64), 0);
	ck_assert_int_eq(get_64(TCA_NETEM_JITTER64), 0);
	ck_assert_uint_eq((uint64_t)get_64(PRNG_SEED), 7);
	const uint8_t *slot = get(TCA_NETEM_SLOT, sizeof(struct tc_netem_slot));
	for (size_t i = 0; i < sizeof(struct tc_netem_slot); i++)
		ck_assert_uint_eq(slot[i], 0);
	ck_assert_ptr_null(find(TCA_NETEM_LOSS, 0));
	ck_assert_ptr_null(find(TCA_NETEM_DELAY_DIST, 0));
	ck_assert_ptr_null(find(TCA_NETEM_SLOT_DIST, 0));
}
END_TEST

START_TEST(shares_are_of_all_32_bits)
{
	const struct netem_params p = {
		.loss = 0.5, .duplicate = 1, .corrupt = 0.25, .reorder = 1, .gap = 5};
	const struct tc_netem_qopt *q = encode(&p, 0);

	check_whole();
	ck_assert_uint_eq(q->loss, 0x80000000U);
	ck_assert_uint_eq(q->duplicate, UINT32_MAX);
	ck_assert_uint_eq(q->gap, 5);
	const struct tc_netem_corrupt *corrupt = get(TCA_NETEM_CORRUPT, sizeof(*corrupt));
	ck_assert_uint_eq(corrupt->probability, 0x40000000U);
	const struct tc_netem_reorder *reorder = get(TCA_NETEM_REORDER, sizeof(*reorder));
	ck_assert_uint_eq(reorder->probability, UINT32_MAX);
}
END_TEST

/* Beside a block netem would let duplicates of what it drops through. */
START_TEST(a_block_is_nothing_but_a_block)
{
	const struct netem_params p = {.block = true,
				       .duplicate = 0.5,
				       .bursts = true,
				       .latency = 5,
				       .gap = 1,
				       .ecn = true};
	const struct tc_netem_qopt *q = encode(&p, 0);

	check_whole();
	ck_assert_uint_eq(q->loss, UINT32_MAX);
	ck_assert_uint_eq(q->duplicate | q->gap, 0);
	ck_assert_ptr_null(find(TCA_NETEM_LOSS, 0));
	ck_assert_int_eq(get_64(TCA_NETEM_LATENCY64), 0);
	ck_assert_uint_eq(*(const uint32_t *)get(TCA_NETEM_ECN, sizeof(uint32_t)), 0);
}
END_TEST

START_TEST(times_are_of_64_bits_and_a_jitter_brings_its_table)
{
	const struct netem_params p = {.latency = 3600 * NSEC_PER_SEC,
				       .jitter = NSEC_PER_SEC,
				       .distribution = DISTRIBUTION_NORMAL};

	encode(&p, 0);
	check_whole();
	ck_assert_int_eq(get_64(TCA_NETEM_LATENCY64), p.latency);
	ck_assert_int_eq(get_64(TCA_NETEM_JITTER64), p.jitter);
	const int16_t *table = get(TCA_NETEM_DELAY_DIST, NETEM_TABLE_SIZE * sizeof(int16_t));
	/* One jitter above the mean: 84.13 % of the normal law. */
	ck_assert_int_le(abs(table[(int)(0.841345 * NETEM_TABLE_SIZE)] - NETEM_TABLE_SCALE), 8);
}
END_TEST

/* The model of four states, as the kernel is told it. */
static const struct tc_netem_gimodel *encode_states(const struct netem_state_model *model)
{
	const struct netem_params p = {.by_state = true, .state_model = *model};
	const size_t len = NLA_HDRLEN + sizeof(struct tc_netem_gimodel);

	encode(&p, 0);
	check_whole();
	const uint8_t *nest = get(TCA_NETEM_LOSS, len);
	const struct tc_netem_gimodel *m =
		find_in(nest, nest + len, NETEM_LOSS_GI, sizeof(struct tc_netem_gimodel));
	ck_assert_ptr_nonnull(m);
	return m;
}

START_TEST(losses_by_four_states_are_a_nest)
{
	const struct netem_state_model model = {
		.p13 = 0.5, .p31 = 0.25, .p32 = 0.125, .p23 = 0.0625, .p14 = 0.03125};
	const struct tc_netem_gimodel *m = encode_states(&model);

	ck_assert_uint_eq(m->p13, 0x80000000U);
	ck_assert_uint_eq(m->p31, 0x40000000U);
	ck_assert_uint_eq(m->p32, 0x20000000U);
	ck_assert_uint_eq(m->p23, 0x10000000U);
	ck_assert_uint_eq(m->p14, 0x08000000U);
}
END_TEST

/* The kernel's sum of the two ways out of a state has 32 bits. */
START_TEST(what_is_certain_together_stays_so)
{
	const struct netem_state_model halves = {
		.p13 = 0.5, .p31 = 0.5, .p32 = 0.5, .p23 = 1, .p14 = 0.5};
	const struct netem_state_model wholes = {.p13 = 1, .p31 = 1};
	const struct tc_netem_gimodel *m = encode_states(&halves);

	ck_assert_uint_eq(m->p14, 0x80000000U);
	ck_assert_uint_eq(m->p13, 0x7fffffffU);
	ck_assert_uint_eq(m->p32, 0x80000000U);
	ck_assert_uint_eq(m->p31, 0x7fffffffU);
	ck_assert_uint_eq(m->p23, UINT32_MAX);
	m = encode_states(&wholes);
	ck_assert_uint_eq(m->p13, UINT32_MAX);
	ck_assert_uint_eq(m->p31, UINT32_MAX);
}
END_TEST

START_TEST(a_mark_in_place_of_a_loss)
{
	const struct netem_params p = {.loss = 0.5, .ecn = true};

	encode(&p, 0);
	ck_assert_uint_eq(*(const uint32_t *)get(TCA_NETEM_ECN, sizeof(uint32_t)), 1);
}
END_TEST

START_TEST(overheads_of_a_rate)
{
	const struct netem_params p = {
		.bytes_per_s = 1000,
		.overhead = {.packet_bytes = -14, .cell_bytes = 48, .per_cell_bytes = -5}};

	encode(&p, 0);
	check_whole();
	const struct tc_netem_rate *rate = get(TCA_NETEM_RATE, sizeof(*rate));
	ck_assert_uint_eq(rate->rate, 1000);
	ck_assert_int_eq(rate->packet_overhead, -14);
	ck_assert_uint_eq(rate->cell_size, 48);
	ck_assert_int_eq(rate->cell_overhead, -5);
}
END_TEST

static struct tc_netem_slot get_slot(void)
{
	struct tc_netem_slot slot;

	memcpy(&slot, get(TCA_NETEM_SLOT, sizeof(slot)), sizeof(slot));
	return slot;
}

START_TEST(slots_between_two_times)
{
	const struct netem_params p = {
		.slots = {.min = 3600 * NSEC_PER_SEC, .max = 7200 * NSEC_PER_SEC, .packets = 4}};

	encode(&p, 0);
	check_whole();
	struct tc_netem_slot slot = get_slot();
	ck_assert_int_eq(slot.min_delay, p.slots.min);
	ck_assert_int_eq(slot.max_delay, p.slots.max);
	ck_assert_int_eq(slot.max_packets, 4);
	ck_assert_int_eq(slot.max_bytes, 0);
	ck_assert_int_eq(slot.dist_delay | slot.dist_jitter, 0);
	ck_assert_ptr_null(find(TCA_NETEM_SLOT_DIST, 0));
}
END_TEST

/* Of another law than that of the delays, whose table is there, too. */
START_TEST(slots_by_a_law_bring_its_table)
{
	const struct netem_params p = {.latency = 100,
				       .jitter = 10,
				       .distribution = DISTRIBUTION_UNIFORM,
				       .slots = {.mean = 100,
						 .jitter = 20,
						 .distribution = DISTRIBUTION_PARETO,
						 .bytes = 1500}};
	const size_t size = NETEM_TABLE_SIZE * sizeof(int16_t);
	int16_t pareto[NETEM_TABLE_SIZE];

	encode(&p, 0);
	check_whole();
	struct tc_netem_slot slot = get_slot();
	ck_assert_int_eq(slot.min_delay | slot.max_delay, 0);
	ck_assert_int_eq(slot.max_packets, 0);
	ck_assert_int_eq(slot.max_bytes, 1500);
	ck_assert_int_eq(slot.dist_delay, 100);
	ck_assert_int_eq(slot.dist_jitter, 30); /* half as much again, as with delays */
	netem_table(DISTRIBUTION_PARETO, pareto);
	ck_assert_mem_eq(get(TCA_NETEM_SLOT_DIST, size), pareto, size);
	ck_assert_mem_ne(get(TCA_NETEM_DELAY_DIST, size), pareto, size);
}
END_TEST

START_TEST(losses_in_bursts_are_a_nest)
{
	const struct netem_params p = {
		.bursts = true,
		.gemodel = {.p = 0.25, .r = 0.5, .loss_in_bad = 1, .loss_in_good = 0.125}};

	encode(&p, 0);
	check_whole();
	const size_t len = NLA_HDRLEN + sizeof(struct tc_netem_gemodel);
	const uint8_t *nest = get(TCA_NETEM_LOSS, len);
	const struct tc_netem_gemodel *m =
		find_in(nest, nest + len, NETEM_LOSS_GE, sizeof(struct tc_netem_gemodel));
	ck_assert_ptr_nonnull(m);
	ck_assert_uint_eq(m->p, 0x40000000U);
	ck_assert_uint_eq(m->r, 0x80000000U);
	ck_assert_uint_eq(m->h, 0); /* what is above it is lost: all */
	ck_assert_uint_eq(m->k1, 0x20000000U);
}
END_TEST

START_TEST(rates_above_32_bits)
{
	struct netem_params p = {.bytes_per_s = UINT32_MAX, .limit = 10};
	const struct tc_netem_qopt *q = encode(&p, 0);

	ck_assert_uint_eq(q->limit, 10);
	ck_assert_uint_eq(
		((const struct tc_netem_rate *)get(TCA_NETEM_RATE, sizeof(struct tc_netem_rate)))
			->rate,
		UINT32_MAX);
	ck_assert_ptr_null(find(TCA_NETEM_RATE64, 0));
	p.bytes_per_s++;
	encode(&p, 0);
	check_whole();
	ck_assert_uint_eq((uint64_t)get_64(TCA_NETEM_RATE64), (uint64_t)p.bytes_per_s);
}
END_TEST

/* What the kernel multiplies is the law all the same. */
START_TEST(a_long_tail_fits_its_table)
{
	const struct netem_params p = {
		.latency = 100, .jitter = 20, .distribution = DISTRIBUTION_PARETO};

	encode(&p, 0);
	int64_t jitter = get_64(TCA_NETEM_JITTER64);
	const int16_t *table = get(TCA_NETEM_DELAY_DIST, NETEM_TABLE_SIZE * sizeof(int16_t));
	ck_assert_int_eq(jitter, 30);
	ck_assert_int_lt(table[NETEM_TABLE_SIZE - 1], INT16_MAX);
	ck_assert_double_eq_tol((double)(jitter * table[NETEM_TABLE_SIZE - 1]) / NETEM_TABLE_SCALE,
				20 * distribution_deviation(DISTRIBUTION_PARETO, 0.9999), 0.01);
}
END_TEST

/* -- tables ---------------------------------------------------------------------------------- */

/* Drawn from as netem does, all alike: the mean is 0 and the spread is what the law promises. */
START_TEST(tables_have_the_moments_of_their_laws)
{
	static const struct {
		double spread, tolerance;
	} laws[] = {
		[DISTRIBUTION_UNIFORM] = {0.57735, 1e-4},
		[DISTRIBUTION_NORMAL] = {1, 2e-3},
		[DISTRIBUTION_PARETO] = {1, 2e-3},
		[DISTRIBUTION_PARETONORMAL] = {1, 2e-3},
	};

	for (int d = 0; d < (int)ARRAY_SIZE(laws); d++) {
		int16_t table[NETEM_TABLE_SIZE];
		double sum = 0, squares = 0;

		netem_table((enum delay_distribution)d, table);
		for (int i = 0; i < NETEM_TABLE_SIZE; i++) {
			double v = (double)table[i] / NETEM_TABLE_SCALE *
				   (netem_is_stretched((enum delay_distribution)d) ? 1.5 : 1);

			sum += v;
			squares += v * v;
			ck_assert(i == 0 || table[i] >= table[i - 1]);
		}
		double mean = sum / NETEM_TABLE_SIZE;
		double spread = sqrt(squares / NETEM_TABLE_SIZE - mean * mean);
		printf("table %d: mean %.4f, spread %.4f\n", d, mean, spread);
		ck_assert_double_eq_tol(mean, 0, 1e-3);
		ck_assert_double_eq_tol(spread, laws[d].spread, laws[d].tolerance);
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("netem-attributes");

	tcase_add_test(tests, nothing_resets_everything);
	tcase_add_test(tests, shares_are_of_all_32_bits);
	tcase_add_test(tests, a_block_is_nothing_but_a_block);
	tcase_add_test(tests, times_are_of_64_bits_and_a_jitter_brings_its_table);
	tcase_add_test(tests, losses_in_bursts_are_a_nest);
	tcase_add_test(tests, losses_by_four_states_are_a_nest);
	tcase_add_test(tests, what_is_certain_together_stays_so);
	tcase_add_test(tests, a_mark_in_place_of_a_loss);
	tcase_add_test(tests, overheads_of_a_rate);
	tcase_add_test(tests, slots_between_two_times);
	tcase_add_test(tests, slots_by_a_law_bring_its_table);
	tcase_add_test(tests, rates_above_32_bits);
	tcase_add_test(tests, a_long_tail_fits_its_table);
	tcase_add_test(tests, tables_have_the_moments_of_their_laws);
	return run_tests("netem-attributes", tests);
}
