/* SPDX-License-Identifier: MIT */
#include "harness/base/jsontext.h"

#include <stdbool.h>
#include <string.h>

#include <jansson.h>

#define ROOM_AT_FIRST ((size_t)4096)
/* Of a 64-bit number in decimal. */
#define DIGITS_MAX 20
#define DECIMALS   9 /* of a nanosecond in seconds */

/* Place for n more bytes; they count as written. */
static char *extend(struct jsontext *j, size_t n)
{
	if (n > j->room - j->len) {
		while (n > j->room - j->len)
			j->room = j->room ? j->room * 2 : ROOM_AT_FIRST;
		j->text = realloc(j->text, j->room);
		if (!j->text)
			abort();
	}
	j->len += n;
	return j->text + j->len - n;
}

static void put(struct jsontext *j, const char *bytes, size_t n)
{
	memcpy(extend(j, n), bytes, n);
}

void jsontext_put(struct jsontext *j, char c)
{
	*extend(j, 1) = c;
}

void jsontext_open(struct jsontext *j)
{
	jsontext_put(j, '{');
}

void jsontext_close(struct jsontext *j)
{
	jsontext_put(j, '}');
}

static void put_key(struct jsontext *j, const char *key)
{
	if (j->text[j->len - 1] != '{')
		jsontext_put(j, ',');
	jsontext_put(j, '"');
	put(j, key, strlen(key));
	put(j, "\":", 2);
}

/* With zeros before it up to so many digits. */
static void put_number(struct jsontext *j, uint64_t value, int digits_min)
{
	char digits[DIGITS_MAX];
	int n = 0;

	for (; value || n < digits_min; value /= 10)
		digits[DIGITS_MAX - ++n] = (char)('0' + value % 10);
	put(j, digits + DIGITS_MAX - n, (size_t)n);
}

static uint64_t put_sign(struct jsontext *j, int64_t value)
{
	if (value >= 0)
		return (uint64_t)value;
	jsontext_put(j, '-');
	return -(uint64_t)value;
}

void jsontext_int(struct jsontext *j, const char *key, int64_t value)
{
	put_key(j, key);
	put_number(j, put_sign(j, value), 1);
}

void jsontext_true(struct jsontext *j, const char *key)
{
	put_key(j, key);
	put(j, "true", strlen("true"));
}

void jsontext_seconds(struct jsontext *j, const char *key, nsec_t t)
{
	put_key(j, key);
	if (t == NSEC_NEVER) {
		put(j, "null", strlen("null"));
		return;
	}
	uint64_t rest = put_sign(j, t);
	uint64_t decimals = rest % NSEC_PER_SEC;
	int n = DECIMALS;

	put_number(j, rest / NSEC_PER_SEC, 1);
	jsontext_put(j, '.');
	for (; n > 1 && decimals % 10 == 0; n--)
		decimals /= 10;
	put_number(j, decimals, n);
}

/* Printable ASCII stands in a string of JSON as it is, but for two. */
static bool is_plain(const char *text)
{
	for (const char *c = text; *c; c++)
		if (*c < ' ' || *c > '~' || *c == '"' || *c == '\\')
			return false;
	return true;
}

/* Jansson knows what is UTF-8, and what is to be escaped. */
static json_t *string_of(const char *text)
{
	json_t *value = json_string(text);

	if (value)
		return value;
	char *ascii = strdup(text);
	for (char *c = ascii; c && *c; c++)
		if ((unsigned char)*c >= 0x80)
			*c = '?';
	value = json_string(ascii);
	free(ascii);
	return value;
}

void jsontext_string(struct jsontext *j, const char *key, const char *text)
{
	put_key(j, key);
	if (is_plain(text)) {
		jsontext_put(j, '"');
		put(j, text, strlen(text));
		jsontext_put(j, '"');
		return;
	}
	json_t *value = string_of(text);
	char *json = json_dumps(value, JSON_ENCODE_ANY);

	if (!json)
		abort(); /* memory is out */
	put(j, json, strlen(json));
	free(json);
	json_decref(value);
}

void jsontext_json(struct jsontext *j, const char *key, const char *json)
{
	bool in_string = false;

	put_key(j, key);
	for (const char *c = json; *c; c++) {
		if (in_string && *c == '\\' && c[1])
			jsontext_put(j, *c++);
		else if (*c == '"')
			in_string = !in_string;
		else if (!in_string && strchr(" \t\n\r", *c))
			continue;
		jsontext_put(j, *c);
	}
}
