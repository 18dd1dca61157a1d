/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <string.h>

#include "faults/fault.h"
#include "faults/netem/attributes.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/* What each fault asks of netem, and what netem cannot do. */

static struct fault_spec spec_of(const char *kind)
{
	struct fault_spec s;

	fault_spec_unset(&s);
	s.ops = fault_find(kind);
	ck_assert_ptr_nonnull(s.ops);
	return s;
}

static struct netem_params params_of(const struct fault_spec *s)
{
	struct netem_params p = {0};
	const char *reason = netem_add(&p, s);

	ck_assert_msg(!reason, "%s", reason);
	return p;
}

static void refused(const struct fault_spec *s, const char *part)
{
	struct netem_params p = {0};
	const char *reason = netem_add(&p, s);

	ck_assert_msg(reason && strstr(reason, part), "%s", reason ? reason : "it was taken");
}

START_TEST(what_blocks_blocks)
{
	static const char *const kinds[] = {"blackhole", "reject", "link-down", "power-off"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fault_spec s = spec_of(kinds[i]);

		ck_assert(params_of(&s).block);
	}
}
END_TEST

START_TEST(what_only_wire_has)
{
	static const char *const kinds[] = {"mtu", "partition", "idle-drop"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fault_spec s = spec_of(kinds[i]);

		refused(&s, "nothing of the kind");
	}
}
END_TEST

START_TEST(a_match_is_refused_but_where_we_do_it_ourselves)
{
	static const char *const kinds[] = {"blackhole", "reject", "delay",   "loss",
					    "corrupt",   "rate",   "reorder", "duplicate"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fault_spec s = spec_of(kinds[i]);

		s.mean = NSEC_PER_SEC;
		s.rate = 0.1;
		s.bits_per_s = 8000;
		s.match.port = 8000;
		refused(&s, "match");
	}
	struct fault_spec rst = spec_of("rst");
	rst.match.port = 8000;
	params_of(&rst);
	rst.each = RST_EACH_DATA;
	refused(&rst, "data packets");
}
END_TEST

START_TEST(delays)
{
	struct fault_spec s = spec_of("delay");

	s.mean = 10 * NSEC_PER_SEC;
	ck_assert_int_eq(params_of(&s).latency, s.mean);
	s.jitter = INT32_MAX / 3 * 2;
	s.distribution = DISTRIBUTION_PARETO;
	ck_assert_int_eq(params_of(&s).jitter, s.jitter);
	ck_assert_int_eq(params_of(&s).distribution, DISTRIBUTION_PARETO);
	s.jitter++;
	refused(&s, "1.431 s");
	s.jitter = NSEC_PER_SEC;
	s.correlation = 0.25;
	refused(&s, "do not wander");
}
END_TEST

START_TEST(losses)
{
	struct fault_spec s = spec_of("loss");

	s.rate = 0.25;
	ck_assert_double_eq(params_of(&s).loss, 0.25);
	ck_assert(!params_of(&s).bursts);

	/* The chain that has the same two properties: its share, and that of repetitions. */
	s.correlation = 0.5;
	struct netem_params p = params_of(&s);
	ck_assert(p.bursts);
	ck_assert_double_eq_tol(p.gemodel.p / (p.gemodel.p + p.gemodel.r), 0.25, 1e-12);
	ck_assert_double_eq_tol(1 - p.gemodel.r, 0.5 + 0.5 * 0.25, 1e-12);
	ck_assert_double_eq(p.gemodel.loss_in_bad, 1);
	ck_assert_double_eq(p.gemodel.loss_in_good, 0);

	s = spec_of("loss");
	s.gemodel.p = 0.1;
	s.gemodel.r = 0.3;
	p = params_of(&s);
	ck_assert(p.bursts);
	ck_assert_double_eq(p.gemodel.loss_in_bad, 1);
	s = spec_of("loss");
	s.every_nth = 3;
	refused(&s, "every-nth");
}
END_TEST

START_TEST(what_comes_in_rows_is_refused)
{
	static const char *const kinds[] = {"corrupt", "reorder", "duplicate"};

	for (size_t i = 0; i < ARRAY_SIZE(kinds); i++) {
		struct fault_spec s = spec_of(kinds[i]);

		s.rate = 0.1;
		params_of(&s);
		s.correlation = 0.25;
		refused(&s, "correlation");
	}
}
END_TEST

START_TEST(rates)
{
	struct fault_spec s = spec_of("rate");

	s.bits_per_s = 8000000;
	ck_assert_int_eq(params_of(&s).bytes_per_s, 1000000);
	ck_assert_int_eq(params_of(&s).limit, 1000);
	s.limit.packets = 7;
	ck_assert_int_eq(params_of(&s).limit, 7);
	s.bits_per_s = 7;
	refused(&s, "whole bytes");
	s.bits_per_s = 8000;
	s.burst_bytes = 1;
	refused(&s, "burst");
	s.burst_bytes = 0;
	params_of(&s);
	s.limit.packets = COUNT_UNSET;
	s.limit.bytes = 1000;
	refused(&s, "limit");
	s.limit.bytes = COUNT_UNSET;
	s.limit.time = NSEC_PER_SEC;
	refused(&s, "limit");
}
END_TEST

START_TEST(conflicts)
{
	static const struct {
		struct netem_params p;
		const char *part; /* NULL: none */
	} rows[] = {
		{{.loss = 0.1, .latency = 1, .corrupt = 0.1}, NULL},
		{{.loss = 0.1, .duplicate = 0.1}, "duplicate"},
		{{.bursts = true, .duplicate = 0.1}, "duplicate"},
		{{.by_state = true, .duplicate = 0.1}, "duplicate"},
		{{.block = true, .loss = 0.1, .duplicate = 0.1}, NULL},
		{{.bytes_per_s = 1, .latency = 1, .limit = 1000}, NULL},
		{{.bytes_per_s = 1, .latency = 1, .jitter = 1}, "jitter"},
		{{.bytes_per_s = 1, .latency = 1, .gap = 1}, "reorder"},
		{{.bytes_per_s = 1, .latency = 1, .limit_is_asked = true}, "limit"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		const char *reason = netem_conflict(&rows[i].p);

		ck_assert_msg(!reason == !rows[i].part && (!reason || strstr(reason, rows[i].part)),
			      "row %zu: %s", i, reason);
	}
}
END_TEST

START_TEST(how_long_a_packet_can_stay)
{
	const struct netem_params delayed = {.latency = 100, .jitter = 10};
	const struct netem_params thin = {.bytes_per_s = 1514, .limit = 10};
	const struct netem_params endless = {.bytes_per_s = 1, .limit = 100000};

	ck_assert_int_eq(netem_longest(&delayed), 160);
	ck_assert_int_eq(netem_longest(&thin), 10 * NSEC_PER_SEC);
	ck_assert_int_eq(netem_longest(&endless), (nsec_t)24 * 3600 * NSEC_PER_SEC);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("netem-params");

	tcase_add_test(tests, what_blocks_blocks);
	tcase_add_test(tests, what_only_wire_has);
	tcase_add_test(tests, a_match_is_refused_but_where_we_do_it_ourselves);
	tcase_add_test(tests, delays);
	tcase_add_test(tests, losses);
	tcase_add_test(tests, what_comes_in_rows_is_refused);
	tcase_add_test(tests, rates);
	tcase_add_test(tests, conflicts);
	tcase_add_test(tests, how_long_a_packet_can_stay);
	return run_tests("netem-params", tests);
}
