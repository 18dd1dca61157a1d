/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "reference-app/address.h"
#include "reference-app/backoff.h"
#include "reference-app/heartbeat.h"
#include "reference-app/json-line.h"
#include "reference-app/options.h"
#include "reference-app/tests/support.h"
#include "reference-app/units.h"

struct test_options {
	struct common_options common;
	uint64_t count;
	double number;
	nsec_t duration;
	const char *text;
	struct heartbeat_policy heartbeat;
	struct backoff_policy backoff;
};

static const struct option_row rows[] = {
	{.name = "count",
	 .arg = "N",
	 .accepts = "1 to 10",
	 .parse = option_count,
	 .offset = OPTION(test_options, count),
	 .min = 1,
	 .max = 10},
	{.name = "number",
	 .arg = "R",
	 .accepts = "a number",
	 .parse = option_number,
	 .offset = OPTION(test_options, number)},
	{.name = "duration",
	 .arg = "D",
	 .accepts = "a length of time",
	 .parse = option_duration,
	 .offset = OPTION(test_options, duration)},
	{.name = "text",
	 .arg = "T",
	 .accepts = "anything",
	 .parse = option_text,
	 .offset = OPTION(test_options, text)},
	{.name = "heartbeat",
	 .arg = "I/K",
	 .accepts = "INTERVAL/K",
	 .parse = option_heartbeat,
	 .offset = OPTION(test_options, heartbeat)},
	{.name = "backoff",
	 .arg = "B",
	 .accepts = "BASE/FACTOR/CAP/JITTER",
	 .parse = option_backoff,
	 .offset = OPTION(test_options, backoff)},
	{0},
};

static const struct command command = {
	.name = "test",
	.what = "Tests.",
	.side = SIDE_SERVER,
	.rows = rows,
};

static struct test_options options;
static struct why why;

static void setup(void)
{
	options = (struct test_options){0};
	why.text[0] = '\0';
}

/* Parses one or two words. */
static int parse(const char *first, const char *second)
{
	char *argv[] = {(char *)"test", (char *)first, (char *)second, NULL};

	return options_parse(&command, second ? 3 : 2, argv, &options.common, &why);
}

START_TEST(both_spellings)
{
	ck_assert_int_eq(parse("--count", "7"), 0);
	ck_assert_uint_eq(options.count, 7);
	ck_assert_int_eq(parse("--count=8", NULL), 0);
	ck_assert_uint_eq(options.count, 8);
	ck_assert_int_eq(parse("--text=", NULL), 0);
	ck_assert_str_eq(options.text, "");
	ck_assert_int_eq(parse("--help", NULL), 0);
	ck_assert(options.common.help);
}
END_TEST

START_TEST(compound_values)
{
	ck_assert_int_eq(parse("--heartbeat", "250ms/4"), 0);
	ck_assert_int_eq(options.heartbeat.interval, 250 * NSEC_PER_MSEC);
	ck_assert_uint_eq(options.heartbeat.max_misses, 4);
	ck_assert_int_eq(parse("--backoff", "500ms/1.5/20s/50%"), 0);
	ck_assert_int_eq(options.backoff.base, 500 * NSEC_PER_MSEC);
	ck_assert(options.backoff.factor == 1.5);
	ck_assert_int_eq(options.backoff.cap, 20 * NSEC_PER_SEC);
	ck_assert(options.backoff.jitter == 0.5);
	ck_assert_int_eq(options.backoff.healthy, 10 * NSEC_PER_SEC);
}
END_TEST

START_TEST(practices_off)
{
	ck_assert_int_eq(parse("--without", "heartbeat"), 0);
	ck_assert(!practice_on(options.common.off, PRACTICE_HEARTBEAT));
	ck_assert(practice_on(options.common.off, PRACTICE_CLOSE_ON_EOF));
}
END_TEST

/* What is refused, and what the message must name. */
static const struct {
	const char *first;
	const char *second;
	const char *says;
} refused[] = {
	{"--count", "0", "1 to 10"},
	{"--count", "11", "--count"},
	{"--count", "-1", "\"-1\""},
	{"--count", "7x", "7x"},
	{"--count", "99999999999999999999", "--count"},
	{"--count", NULL, "needs a value"},
	{"--number", "inf", "--number"},
	{"--number", "1e3", "--number"},
	{"--duration", "5", "a length of time"},
	{"--duration", "0s", "--duration"},
	{"--duration", "5 s", "--duration"},
	{"--duration", "5sec", "--duration"},
	{"--heartbeat", "5/3", "INTERVAL/K"},
	{"--heartbeat", "5s", "INTERVAL/K"},
	{"--heartbeat", "5s/0", "INTERVAL/K"},
	{"--heartbeat", "5s/3/1", "INTERVAL/K"},
	{"--backoff", "1s/2/64s", "BASE/FACTOR/CAP/JITTER"},
	{"--backoff", "1s/2/64s/1", "BASE/FACTOR/CAP/JITTER"},
	{"--backoff", "1s/2/64s/100%/", "BASE/FACTOR/CAP/JITTER"},
	{"--backoff", "1s/0.5/64s/100%", "factor"},
	{"--backoff", "2s/2/1s/100%", "cap"},
	{"--without", "backoff", "heartbeat, close-on-eof"},
	{"--without", "nothing", "nothing"},
	{"--coumt", "1", "did you mean --count?"},
	{"--zzz", NULL, "no such option"},
	{"--target", "server:8000", "--target is an option of ref-client, not of test"},
	{"--attempts=3", NULL, "--attempts is an option of ref-client"},
	{"--late", "1s", "no such option"},
	{"--help=yes", NULL, "takes no value"},
	{"word", NULL, "word"},
	{"--", NULL, "begin with --"},
	{"-c", NULL, "-c"},
};

START_TEST(refusals_name_option_value_and_mend)
{
	ck_assert_int_eq(parse(refused[_i].first, refused[_i].second), -1);
	ck_assert_msg(strstr(why.text, refused[_i].says), "\"%s\" does not say \"%s\"", why.text,
		      refused[_i].says);
}
END_TEST

START_TEST(help_has_every_option)
{
	char *text = NULL;
	size_t len = 0;
	FILE *out = open_memstream(&text, &len);

	options_help(out, &command);
	fclose(out);
	for (const struct option_row *row = rows; row->name; row++)
		ck_assert_ptr_nonnull(strstr(text, row->name));
	ck_assert_ptr_nonnull(strstr(text, "--without KEY"));
	free(text);
}
END_TEST

/* Whatever the longest key is. */
START_TEST(practices_stand_in_columns)
{
	char *text = NULL, *end, *rest;
	size_t len = 0, column = 0;
	FILE *out = open_memstream(&text, &len);

	practice_list(out, _i ? SIDE_SERVER : SIDE_CLIENT);
	fclose(out);
	rest = text;
	for (unsigned n = 0; (end = strchr(rest, '\n')); rest = end + 1, n++) {
		*end = '\0';
		char *state = strstr(rest, n % 2 ? " off: " : " on:  ");

		ck_assert_msg(state != NULL, "%s", rest);
		column = n ? column : (size_t)(state - rest);
		ck_assert_msg((size_t)(state - rest) == column, "%s", rest);
	}
	ck_assert_uint_gt(column, 0);
	free(text);
}
END_TEST

static const struct {
	const char *text;
	nsec_t duration;
} durations[] = {
	{"1ns", 1},
	{"3us", 3 * NSEC_PER_USEC},
	{"250ms", 250 * NSEC_PER_MSEC},
	{"1.5s", 1500 * NSEC_PER_MSEC},
	{"90s", 90 * NSEC_PER_SEC},
	{"2m", 120 * NSEC_PER_SEC},
	{"3h", 10800 * NSEC_PER_SEC},
};

START_TEST(durations_in_each_unit)
{
	nsec_t duration;

	ck_assert_int_eq(parse_duration(durations[_i].text, strlen(durations[_i].text), &duration),
			 0);
	ck_assert_int_eq(duration, durations[_i].duration);
}
END_TEST

static const struct {
	const char *text;
	const char *host; /* NULL: refused */
	const char *port;
} hosts[] = {
	{"server:8000", "server", "8000"}, {":8000", "", "8000"},
	{"10.0.0.1:1", "10.0.0.1", "1"},   {"[fd00::1]:8000", "fd00::1", "8000"},
	{"[::]:65535", "::", "65535"},     {"server", NULL, NULL},
	{"server:", NULL, NULL},           {"server:0", NULL, NULL},
	{"server:65536", NULL, NULL},      {"server:http", NULL, NULL},
	{"fd00::1:8000", NULL, NULL},
};

START_TEST(host_and_port)
{
	struct host_port parsed;
	int result = host_port_parse(hosts[_i].text, &parsed);

	if (!hosts[_i].host) {
		ck_assert_int_eq(result, -1);
		return;
	}
	ck_assert_int_eq(result, 0);
	ck_assert_str_eq(parsed.host, hosts[_i].host);
	ck_assert_str_eq(parsed.port, hosts[_i].port);
}
END_TEST

START_TEST(events_are_one_object)
{
	struct json_line line;

	json_begin(&line, "lost", 12 * NSEC_PER_SEC + 5);
	json_text(&line, "why", "a \"b\"\\\n\xff");
	json_count(&line, "n", 3);
	json_ms(&line, "wait_ms", 1500 * NSEC_PER_USEC);
	line.text[line.len] = '\0';
	ck_assert_str_eq(line.text, "{\"event\":\"lost\",\"monotonic_s\":12.000000005,"
				    "\"why\":\"a \\\"b\\\"\\\\\\u000a\\u00ff\",\"n\":3,"
				    "\"wait_ms\":1.500");
}
END_TEST

START_TEST(an_endless_text_leaves_a_whole_object)
{
	static char text[2 * JSON_LINE_MAX];
	struct json_line line;

	memset(text, '"', sizeof(text) - 1);
	json_begin(&line, "lost", 0);
	json_text(&line, "why", text);
	json_text(&line, "more", text);
	json_count(&line, "n", 3);
	ck_assert_uint_le(line.len, JSON_LINE_MAX - 2);
	ck_assert_int_eq(line.text[line.len - 1], '"');
	ck_assert_int_eq(line.text[line.len - 2], '"');
	ck_assert_int_eq(line.text[line.len - 3], '\\');
}
END_TEST

#define COUNT(table) (int)(sizeof(table) / sizeof((table)[0]))

int main(void)
{
	Suite *suite = suite_create("options");
	TCase *tc = tcase_create("options");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, both_spellings);
	tcase_add_test(tc, compound_values);
	tcase_add_test(tc, practices_off);
	tcase_add_loop_test(tc, refusals_name_option_value_and_mend, 0, COUNT(refused));
	tcase_add_test(tc, help_has_every_option);
	tcase_add_loop_test(tc, practices_stand_in_columns, 0, 2);
	tcase_add_loop_test(tc, durations_in_each_unit, 0, COUNT(durations));
	tcase_add_loop_test(tc, host_and_port, 0, COUNT(hosts));
	tcase_add_test(tc, events_are_one_object);
	tcase_add_test(tc, an_endless_text_leaves_a_whole_object);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
