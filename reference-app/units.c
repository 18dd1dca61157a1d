/* SPDX-License-Identifier: MIT */
#include "reference-app/units.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#define NUMBER_TEXT_MAX 40

static const struct {
	const char *name;
	nsec_t length;
} units[] = {
	{"h", 3600 * NSEC_PER_SEC}, {"m", 60 * NSEC_PER_SEC}, {"s", NSEC_PER_SEC},
	{"ms", NSEC_PER_MSEC},      {"us", NSEC_PER_USEC},    {"ns", 1},
};

#define UNITS (sizeof(units) / sizeof(units[0]))

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

/* The number at the start of the text: digits, at most one point between them. Returns how long it is,
 * 0 for none. strtod alone would take "inf", "0x1p3" and " 7". */
static size_t number_prefix(const char *text, size_t len, double *ret)
{
	char copy[NUMBER_TEXT_MAX];
	size_t n = 0;
	size_t points = 0;

	while (n < len && (is_digit(text[n]) || (text[n] == '.' && n > 0 && points == 0)))
		points += text[n++] == '.';
	if (n == 0 || n >= sizeof(copy) || text[n - 1] == '.')
		return 0;
	memcpy(copy, text, n);
	copy[n] = '\0';
	*ret = strtod(copy, NULL);
	return n;
}

int parse_duration(const char *text, size_t len, nsec_t *ret)
{
	double number;
	size_t n = number_prefix(text, len, &number);

	if (n == 0)
		return -1;
	for (size_t i = 0; i < UNITS; i++) {
		double duration = number * (double)units[i].length;

		if (strlen(units[i].name) != len - n ||
		    memcmp(units[i].name, text + n, len - n) != 0)
			continue;
		if (duration >= (double)INT64_MAX)
			return -1;
		*ret = (nsec_t)(duration + 0.5);
		return 0;
	}
	return -1;
}

int parse_percent(const char *text, size_t len, double *ret)
{
	double number;
	size_t n = number_prefix(text, len, &number);

	if (n == 0 || len - n != 1 || text[n] != '%')
		return -1;
	*ret = number / 100;
	return 0;
}

int parse_number(const char *text, size_t len, double *ret)
{
	double number;

	if (len == 0 || number_prefix(text, len, &number) != len)
		return -1;
	*ret = number;
	return 0;
}

int parse_count(const char *text, size_t len, uint64_t min, uint64_t max, uint64_t *ret)
{
	uint64_t value = 0;

	if (len == 0)
		return -1;
	for (size_t i = 0; i < len; i++) {
		if (!is_digit(text[i]))
			return -1;
		if (__builtin_mul_overflow(value, 10, &value) ||
		    __builtin_add_overflow(value, (uint64_t)(text[i] - '0'), &value))
			return -1;
	}
	if (value < min || value > max)
		return -1;
	*ret = value;
	return 0;
}
