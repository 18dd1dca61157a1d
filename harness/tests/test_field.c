/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/base/field.h"
#include "harness/tests/suite.h"

struct part {
	char *name;
	int64_t n;
};

static const struct field part_fields[] = {
	FIELD(part, n, "n", FIELD_COUNT, FIELD_REQUIRED, NULL, .min = 1, .max = 9),
	{0},
};

static const char *const colours[] = {"red", "green", NULL};

/* One member of every type that goes to JSON. */
struct whole {
	char *string;
	bool yes;
	int64_t count;
	nsec_t duration;
	double percent, factor;
	int colour;
	struct strings strings;
	struct count_list counts;
	int64_t bitrate, bytes;
	struct part record;
	VEC(struct part) records;
	VEC(struct part) named;
	VEC(struct string_pair) map;
};

static const struct field fields[] = {
	FIELD(whole, string, "string", FIELD_STRING, FIELD_REQUIRED, NULL),
	FIELD(whole, yes, "yes", FIELD_BOOL, 0, NULL),
	FIELD(whole, count, "count", FIELD_COUNT, 0, NULL),
	FIELD(whole, duration, "duration", FIELD_DURATION, 0, NULL),
	FIELD(whole, percent, "percent", FIELD_PERCENT, 0, NULL),
	FIELD(whole, factor, "factor", FIELD_FACTOR, 0, NULL),
	FIELD(whole, colour, "colour", FIELD_ENUM, 0, NULL, .names = colours),
	FIELD(whole, strings, "strings", FIELD_STRINGS, 0, NULL),
	FIELD(whole, counts, "counts", FIELD_COUNTS, 0, NULL, .min = 1, .max = 9),
	FIELD(whole, bitrate, "bitrate", FIELD_BITRATE, 0, NULL, .min = 1, .max = 1000),
	FIELD(whole, bytes, "bytes", FIELD_BYTES, 0, NULL),
	FIELD(whole, record, "record", FIELD_RECORD, 0, NULL, .of = part_fields),
	FIELD(whole, records, "records", FIELD_RECORDS, 0, NULL, .of = part_fields,
	      .of_size = sizeof(struct part)),
	FIELD(whole, named, "named", FIELD_NAMED, 0, NULL, .of = part_fields,
	      .of_size = sizeof(struct part)),
	FIELD(whole, map, "map", FIELD_STRING_MAP, 0, NULL),
	{0},
};

static const char full[] =
	"{\"string\":\"é\\u0001\",\"yes\":true,\"count\":-0,\"duration\":1.5,\"percent\":0.3,"
	"\"factor\":2.0,\"colour\":\"green\",\"strings\":[\"a\",\"b\"],\"counts\":[3,1],"
	"\"bitrate\":64,\"bytes\":0,\"record\":{\"n\":1},"
	"\"records\":[{\"n\":2},{\"n\":3}],\"named\":{\"z\":{\"n\":4},\"a\":{\"n\":5}},"
	"\"map\":{\"k\":\"v\",\"b\":\"\"}}";

static struct arena arena;

static void tear_down(void)
{
	arena_free(&arena);
}

/* Reads the text into a record; the error, or "". */
static const char *read_text(const char *text, struct whole *ret)
{
	_cleanup_json_ json_t *j = json_loads(text, 0, NULL);
	struct err err = {0};

	ck_assert_ptr_nonnull(j);
	int r = field_from_json(fields, ret, j, &arena, &err);
	ck_assert(!r == !err.msg[0]);
	return arena_strdup(&arena, err.msg);
}

static char *write_text(const struct whole *w)
{
	_cleanup_json_ json_t *j = field_to_json(fields, w);
	_cleanup_free_ char *text = json_dumps(j, JSON_LINE_FLAGS);

	return arena_strdup(&arena, text);
}

START_TEST(every_type_comes_back)
{
	struct whole w, again;

	ck_assert_str_eq(read_text(full, &w), "");
	ck_assert_str_eq(w.string, "é\001");
	ck_assert(w.yes);
	ck_assert_int_eq(w.count, 0);
	ck_assert_int_eq(w.duration, 1500 * NSEC_PER_MSEC);
	ck_assert_double_eq(w.percent, 0.3);
	ck_assert_int_eq(w.colour, 1);
	ck_assert_uint_eq(w.strings.n, 2);
	ck_assert_uint_eq(w.counts.n, 2);
	ck_assert_int_eq(w.counts.v[1], 1);
	ck_assert_int_eq(w.bitrate, 64);
	ck_assert_int_eq(w.bytes, 0);
	ck_assert_int_eq(w.record.n, 1);
	ck_assert_int_eq(w.records.v[1].n, 3);
	ck_assert_str_eq(w.named.v[0].name, "z");
	ck_assert_int_eq(w.named.v[1].n, 5);
	ck_assert_str_eq(w.map.v[0].value, "v");
	char *once = write_text(&w);
	ck_assert_str_eq(read_text(once, &again), "");
	ck_assert_str_eq(write_text(&again), once);
}
END_TEST

START_TEST(what_is_unset_is_left_out)
{
	struct whole w;

	memset(&w, 0x5a, sizeof(w));
	field_unset_all(fields, &w);
	for (const struct field *f = fields; f->name; f++)
		ck_assert_msg(!field_is_set(f, &w), "%s", f->name);
	ck_assert_str_eq(write_text(&w), "{}");
	ck_assert_str_eq(read_text("{\"string\":\"\"}", &w), "");
	ck_assert_str_eq(write_text(&w), "{\"string\":\"\"}");
	ck_assert(field_is_set(&fields[0], &w)); /* empty is not unset */
	ck_assert_int_eq(w.count, COUNT_UNSET);
	ck_assert_int_eq(w.duration, NSEC_UNSET);
	ck_assert_int_eq(w.record.n, COUNT_UNSET);
}
END_TEST

START_TEST(errors_name_the_key)
{
	static const struct {
		const char *text, *error;
	} cases[] = {
		{"[]", "a map is needed"},
		{"{}", "missing key 'string'"},
		{"{\"string\":\"\",\"other\":1}", "unknown key 'other'"},
		{"{\"string\":1}", "'string' must be a text"},
		{"{\"yes\":1}", "'yes' must be true or false"},
		{"{\"counts\":1}", "'counts' must be a list of whole numbers"},
		{"{\"counts\":[1,0]}", "'counts' is out of range: 0"},
		{"{\"bitrate\":1001}", "'bitrate' is out of range: 1001"},
		{"{\"bytes\":-1}", "'bytes' is out of range: -1"},
		{"{\"count\":1.0}", "'count' must be a whole number"},
		{"{\"count\":-1}", "'count' is out of range: -1"},
		{"{\"duration\":\"1s\"}",
		 "'duration' must be a number of seconds, or null for never"},
		{"{\"duration\":1e300}",
		 "'duration' must be a number of seconds, or null for never"},
		{"{\"percent\":1.01}", "'percent' is out of range: 1.01"},
		{"{\"percent\":\"30%\"}", "'percent' must be a number"},
		{"{\"factor\":-0.5}", "'factor' is out of range: -0.5"},
		{"{\"colour\":\"blue\"}", "'colour' cannot be 'blue'"},
		{"{\"colour\":1}", "'colour' cannot be 'no text'"},
		{"{\"strings\":\"a\"}", "'strings' must be a list of texts"},
		{"{\"strings\":[\"a\",1]}", "'strings' must be a text"},
		{"{\"record\":{}}", "record: missing key 'n'"},
		{"{\"record\":[]}", "record: a map is needed"},
		{"{\"records\":[{\"n\":1},{\"n\":0}]}", "records.1: 'n' is out of range: 0"},
		{"{\"records\":{}}", "'records' must be a list"},
		{"{\"named\":{\"x\":{\"n\":10}}}", "named.x: 'n' is out of range: 10"},
		{"{\"named\":[]}", "'named' must be a map"},
		{"{\"map\":{\"k\":1}}", "k: 'map' must be a text"},
		{"{\"map\":[]}", "'map' must be a map"},
	};
	struct whole w;

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_str_eq(read_text(cases[i].text, &w), cases[i].error);
}
END_TEST

/* Through the text of a file, as an observation goes. */
static nsec_t there_and_back(nsec_t t)
{
	_cleanup_json_ json_t *j = json_seconds(t);
	_cleanup_free_ char *text = json_dumps(j, JSON_LINE_FLAGS | JSON_ENCODE_ANY);
	_cleanup_json_ json_t *back = json_loads(text, JSON_DECODE_ANY, NULL);

	return json_to_nsec(back);
}

START_TEST(seconds_are_exact_to_the_nanosecond)
{
	const nsec_t eleven_days = 950400 * NSEC_PER_SEC;
	uint64_t x = 88172645463325252ULL; /* xorshift64: any stream will do */

	ck_assert_int_eq(there_and_back(0), 0);
	ck_assert_int_eq(there_and_back(1), 1);
	ck_assert_int_eq(there_and_back(-1), -1);
	ck_assert_int_eq(there_and_back(eleven_days - 1), eleven_days - 1);
	for (int i = 0; i < 100000; i++) {
		x ^= x << 13;
		x ^= x >> 7;
		x ^= x << 17;
		nsec_t t = (nsec_t)(x % (uint64_t)eleven_days) * (i % 2 ? 1 : -1);
		ck_assert_int_eq(there_and_back(t), t);
	}
}
END_TEST

START_TEST(never_is_null)
{
	_cleanup_json_ json_t *never = json_seconds(NSEC_NEVER);

	ck_assert(json_is_null(never));
	ck_assert_int_eq(json_to_nsec(never), NSEC_NEVER);
	ck_assert_int_eq(json_to_nsec(NULL), NSEC_UNSET);
	_cleanup_json_ json_t *far = json_real(1e10);
	ck_assert_int_eq(json_to_nsec(far), NSEC_UNSET);
	_cleanup_json_ json_t *whole_number = json_integer(3);
	ck_assert_int_eq(json_to_nsec(whole_number), 3 * NSEC_PER_SEC);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("field");

	tcase_add_checked_fixture(c, NULL, tear_down);
	tcase_add_test(c, every_type_comes_back);
	tcase_add_test(c, what_is_unset_is_left_out);
	tcase_add_test(c, errors_name_the_key);
	tcase_add_test(c, seconds_are_exact_to_the_nanosecond);
	tcase_add_test(c, never_is_null);
	return run_tests("field", c);
}
