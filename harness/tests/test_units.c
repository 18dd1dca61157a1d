/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

START_TEST(durations_are_exact)
{
	static const struct {
		const char *text;
		nsec_t t;
	} cases[] = {
		{"0s", 0},
		{"250ms", 250 * NSEC_PER_MSEC},
		{"1.5s", 1500 * NSEC_PER_MSEC},
		{"0.1s", 100 * NSEC_PER_MSEC},
		{"0.3s", 300 * NSEC_PER_MSEC},
		{"0.000000001s", 1},
		{"1.001us", 1001},
		{"2m", 120 * NSEC_PER_SEC},
		{"0.5h", 1800 * NSEC_PER_SEC},
		{"1.0000000000000s", NSEC_PER_SEC},
		{"2562047h", NSEC_PER_SEC * 3600 * 2562047},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		nsec_t t = -1;

		ck_assert_msg(parse_duration(cases[i].text, &t), "%s", cases[i].text);
		ck_assert_int_eq(t, cases[i].t);
	}
}
END_TEST

START_TEST(what_is_no_duration_is_refused)
{
	static const char *const cases[] = {
		"",
		"s",
		"1",
		"1.5",
		"1 s",
		" 1s",
		"1s ",
		"-1s",
		"+1s",
		".5s",
		"1.s",
		"1e3s",
		"0x1s",
		"1S",
		"1sec",
		"1ns",
		"1d",
		"1m30s",
		"1,5s",
		"inf",
		"nans",
		"1.5.5s",
		"2562048h",
		"99999999999999999999s",
		"0.0000000001s",
		"1.0001us",
		"1.00001us",
		"1.0000000001s",
		"1.00000000001m",
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		nsec_t t = -1;

		ck_assert_msg(!parse_duration(cases[i], &t), "%s", cases[i]);
		ck_assert_int_eq(t, -1); /* untouched */
	}
}
END_TEST

START_TEST(rates_and_sizes_are_exact)
{
	static const struct {
		const char *text;
		bool (*parse)(const char *text, int64_t *ret);
		int64_t value; /* -1: it is none */
	} cases[] = {
		{"1bit", parse_bitrate, 1},
		{"64kbit", parse_bitrate, 64000},
		{"1.5mbit", parse_bitrate, 1500000},
		{"0.1gbit", parse_bitrate, 100000000},
		{"0.001kbit", parse_bitrate, 1},
		{"0.0001kbit", parse_bitrate, -1},
		{"0.5bit", parse_bitrate, -1},
		{"1Mbit", parse_bitrate, -1},
		{"1mbps", parse_bitrate, -1},
		{"1", parse_bitrate, -1},
		{"9223372037gbit", parse_bitrate, -1},
		{"1mbit", parse_tc_bitrate, 1000000},
		{"1.5tbit", parse_tc_bitrate, 1500000000000},
		{"1kibit", parse_tc_bitrate, 1024},
		{"1bps", parse_tc_bitrate, 8},
		{"1.5kbps", parse_tc_bitrate, 12000},
		{"1mibps", parse_tc_bitrate, 8388608},
		{"1", parse_tc_bitrate, -1},
		{"1m", parse_tc_bitrate, -1},
		{"1ns", parse_tc_duration, 1},
		{"2usecs", parse_tc_duration, 2000},
		{"1.5msec", parse_tc_duration, 1500000},
		{"1sec", parse_tc_duration, NSEC_PER_SEC},
		{"1m", parse_tc_duration, 60 * NSEC_PER_SEC},
		{"1", parse_tc_duration, -1},
		{"1second", parse_tc_duration, -1},
		{"1500b", parse_tc_size, 1500},
		{"2kib", parse_tc_size, 2048},
		{"1mib", parse_tc_size, 1048576},
		{"1kb", parse_tc_size, -1},
		{"1k", parse_tc_size, -1},
		{"1", parse_tc_size, -1},
		{"0B", parse_size, 0},
		{"1500B", parse_size, 1500},
		{"64kB", parse_size, 64000},
		{"1.5MB", parse_size, 1500000},
		{"2GB", parse_size, 2000000000},
		{"1kb", parse_size, -1},
		{"1KB", parse_size, -1},
		{"1.5B", parse_size, -1},
		{"1 B", parse_size, -1},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		int64_t value = -1;

		ck_assert_msg(cases[i].parse(cases[i].text, &value) == (cases[i].value >= 0), "%s",
			      cases[i].text);
		ck_assert_int_eq(value, cases[i].value); /* untouched if it is none */
	}
}
END_TEST

START_TEST(percentages_are_fractions)
{
	static const struct {
		const char *text;
		double fraction;
	} cases[] = {{"0%", 0}, {"30%", 0.3}, {"0.5%", 0.005}, {"100%", 1}, {"250%", 2.5}};
	static const char *const bad[] = {"",    "%",    "30",   "30 %", "-1%",
					  ".5%", "1e1%", "30%%", "0x1%"};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++) {
		double fraction = -1;

		ck_assert(parse_percent(cases[i].text, &fraction));
		ck_assert_double_eq(fraction, cases[i].fraction);
	}
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++) {
		double fraction = -1;

		ck_assert_msg(!parse_percent(bad[i], &fraction), "%s", bad[i]);
	}
}
END_TEST

START_TEST(names_have_a_form)
{
	static const char *const good[] = {"a", "client", "a-1", "9", "a--b"};
	static const char *const bad[] = {"", "-a", "A", "a.1", "a_b", "a b", "é"};

	char longest[PARSE_NAME_MAX + 2] = {0};

	memset(longest, 'x', PARSE_NAME_MAX);
	ck_assert(parse_is_name(longest));
	longest[PARSE_NAME_MAX] = 'x';
	ck_assert(!parse_is_name(longest));
	for (size_t i = 0; i < ARRAY_SIZE(good); i++)
		ck_assert_msg(parse_is_name(good[i]), "%s", good[i]);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!parse_is_name(bad[i]), "%s", bad[i]);
}
END_TEST

START_TEST(services_have_a_form)
{
	static const char *const bad[] = {"",          "server",
					  ":80",       "server:",
					  "server:0",  "server:65536",
					  "server:8x", "server: 80",
					  "server:+8", "server:99999999999999999999"};
	struct arena a = {0};
	char *host = NULL;
	int64_t port = 0;

	ck_assert(parse_service("client.2:65535", &a, &host, &port));
	ck_assert_str_eq(host, "client.2");
	ck_assert_int_eq(port, 65535);
	for (size_t i = 0; i < ARRAY_SIZE(bad); i++)
		ck_assert_msg(!parse_service(bad[i], &a, &host, &port), "%s", bad[i]);
	arena_free(&a);
}
END_TEST

START_TEST(the_nearest_name_is_suggested)
{
	static const char *const known[] = {"within", "not-before", "app", "peer", "TERM", NULL};
	static const struct {
		const char *name, *hint;
	} cases[] = {
		{"withn", "did you mean 'within'?"},           /* one left out */
		{"wihtin", "did you mean 'within'?"},          /* two swapped */
		{"withiin", "did you mean 'within'?"},         /* one too many */
		{"wizhim", "did you mean 'within'?"},          /* two others */
		{"nott-beefor", "did you mean 'not-before'?"}, /* three of a long one */
		{"SIGTERM", "did you mean 'TERM'?"},
		{"wizhzm", "known: within, not-before, app, peer, TERM"},
		{"xxp", "known: within, not-before, app, peer, TERM"},
		{"", "known: within, not-before, app, peer, TERM"},
	};
	static const char *const none[] = {NULL};
	struct arena a = {0};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_str_eq(parse_suggest(cases[i].name, known, &a), cases[i].hint);
	ck_assert_ptr_null(parse_suggest("x", none, &a));
	arena_free(&a);
}
END_TEST

START_TEST(signals_have_numbers)
{
	ck_assert_int_eq(signal_number("HUP"), 1);
	ck_assert_int_eq(signal_number("KILL"), 9);
	ck_assert_int_eq(signal_number("TERM"), 15);
	ck_assert_int_eq(signal_number("SYS"), 31);
	ck_assert_int_eq(signal_number("SIGTERM"), 0);
	ck_assert_int_eq(signal_number("term"), 0);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("units");

	tcase_add_test(c, durations_are_exact);
	tcase_add_test(c, what_is_no_duration_is_refused);
	tcase_add_test(c, rates_and_sizes_are_exact);
	tcase_add_test(c, percentages_are_fractions);
	tcase_add_test(c, names_have_a_form);
	tcase_add_test(c, services_have_a_form);
	tcase_add_test(c, the_nearest_name_is_suggested);
	tcase_add_test(c, signals_have_numbers);
	return run_tests("units", c);
}
