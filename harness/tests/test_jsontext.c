/* SPDX-License-Identifier: MIT */
#include "harness/base/jsontext.h"

#include <string.h>

#include <jansson.h>

#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

static struct jsontext j;

static void setup(void)
{
	j = (struct jsontext){0};
	jsontext_open(&j);
}

static void teardown(void)
{
	jsontext_free(&j);
}

static const char *closed(void)
{
	jsontext_close(&j);
	jsontext_put(&j, '\0');
	return j.text;
}

/* What any other reader makes of it. */
static json_t *read_back(void)
{
	json_error_t where;
	json_t *read = json_loads(closed(), JSON_REJECT_DUPLICATES, &where);

	ck_assert_msg(read != NULL, "%s: %s", where.text, j.text);
	return read;
}

START_TEST(an_empty_object)
{
	ck_assert_str_eq(closed(), "{}");
}
END_TEST

START_TEST(members)
{
	jsontext_int(&j, "a", 0);
	jsontext_true(&j, "b");
	jsontext_string(&j, "c", "");
	jsontext_json(&j, "d", "{\"x\": [1,\t2],\n \"a b\\\" c\" : \"\\\\\" }\r");
	jsontext_seconds(&j, "e", NSEC_NEVER);
	ck_assert_str_eq(
		closed(),
		"{\"a\":0,\"b\":true,\"c\":\"\",\"d\":{\"x\":[1,2],\"a b\\\" c\":\"\\\\\"},"
		"\"e\":null}");
}
END_TEST

START_TEST(numbers)
{
	static const int64_t values[] = {1, -1, 10, 1234567890, INT64_MAX, INT64_MIN};

	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char key[] = {(char)('a' + i), '\0'};

		jsontext_int(&j, key, values[i]);
	}
	_cleanup_json_ json_t *read = read_back();
	for (size_t i = 0; i < ARRAY_SIZE(values); i++) {
		char key[] = {(char)('a' + i), '\0'};

		ck_assert_int_eq(json_integer_value(json_object_get(read, key)), values[i]);
	}
}
END_TEST

static const struct {
	nsec_t t;
	const char *text;
} times[] = {
	{0, "0.0"},
	{1, "0.000000001"},
	{-1, "-0.000000001"},
	{NSEC_PER_SEC, "1.0"},
	{1500 * NSEC_PER_MSEC, "1.5"},
	{-1050 * NSEC_PER_MSEC, "-1.05"},
	{999999999, "0.999999999"},
	{86399999999999, "86399.999999999"},
	{NSEC_NEVER - 1, "9223372036.854775806"},
	{INT64_MIN + 1, "-9223372036.854775807"},
};

START_TEST(seconds)
{
	_cleanup_free_ char *expected = NULL;

	jsontext_seconds(&j, "t", times[_i].t);
	ck_assert_int_ge(asprintf(&expected, "{\"t\":%s}", times[_i].text), 0);
	ck_assert_str_eq(closed(), expected);
}
END_TEST

/* The second is what the first is read back as. */
static const char *const strings[][2] = {
	{"plain ~", "plain ~"},
	{"\"quoted\" \\ \b\f\n\r\t\x01\x7f", "\"quoted\" \\ \b\f\n\r\t\x01\x7f"},
	{"caf\xc3\xa9", "caf\xc3\xa9"},
	{"not \xff UTF-8 caf\xc3\xa9", "not ? UTF-8 caf??"},
	{"\xff\n\"", "?\n\""},
};

START_TEST(texts)
{
	jsontext_string(&j, "s", strings[_i][0]);
	_cleanup_json_ json_t *read = read_back();
	ck_assert_ptr_null(strchr(j.text, '\n'));
	ck_assert_str_eq(json_string_value(json_object_get(read, "s")), strings[_i][1]);
}
END_TEST

START_TEST(it_grows)
{
	enum { MANY = 10000 };

	jsontext_close(&j);
	for (int i = 0; i < MANY; i++) {
		jsontext_put(&j, '\n');
		jsontext_open(&j);
		jsontext_int(&j, "i", i);
		jsontext_close(&j);
	}
	jsontext_put(&j, '\0');
	const char *line = j.text;
	for (int i = 0; i < MANY; i++) {
		line = strchr(line, '\n');
		ck_assert_ptr_nonnull(line++);
		_cleanup_json_ json_t *read = json_loads(line, JSON_DISABLE_EOF_CHECK, NULL);
		ck_assert_int_eq(json_integer_value(json_object_get(read, "i")), i);
	}
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("jsontext");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, an_empty_object);
	tcase_add_test(t, members);
	tcase_add_test(t, numbers);
	tcase_add_loop_test(t, seconds, 0, (int)ARRAY_SIZE(times));
	tcase_add_loop_test(t, texts, 0, (int)ARRAY_SIZE(strings));
	tcase_add_test(t, it_grows);
	return run_tests("jsontext", t);
}
