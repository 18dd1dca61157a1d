/* SPDX-License-Identifier: MIT */
#include <ctype.h>
#include <errno.h>

#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"

/* What a number may be followed by, and how much one of it is. */
struct unit {
	const char *name;
	int64_t size;
};

static const struct unit duration_units[] = {
	{"us", NSEC_PER_USEC},    {"ms", NSEC_PER_MSEC},      {"s", NSEC_PER_SEC},
	{"m", 60 * NSEC_PER_SEC}, {"h", 3600 * NSEC_PER_SEC}, {0},
};

static const struct unit bitrate_units[] = {
	{"bit", 1}, {"kbit", 1000}, {"mbit", 1000000}, {"gbit", 1000000000}, {0},
};

static const struct unit size_units[] = {
	{"B", 1}, {"kB", 1000}, {"MB", 1000000}, {"GB", 1000000000}, {0},
};

/* Those of tc(8), UNITS, and of our own what it lacks. */
static const struct unit tc_duration_units[] = {
	{"ns", 1},
	{"nsec", 1},
	{"nsecs", 1},
	{"us", NSEC_PER_USEC},
	{"usec", NSEC_PER_USEC},
	{"usecs", NSEC_PER_USEC},
	{"ms", NSEC_PER_MSEC},
	{"msec", NSEC_PER_MSEC},
	{"msecs", NSEC_PER_MSEC},
	{"s", NSEC_PER_SEC},
	{"sec", NSEC_PER_SEC},
	{"secs", NSEC_PER_SEC},
	{"m", 60 * NSEC_PER_SEC},
	{"h", 3600 * NSEC_PER_SEC},
	{0},
};

static const struct unit tc_bitrate_units[] = {
	{"bit", 1},
	{"kbit", 1000},
	{"mbit", 1000000},
	{"gbit", 1000000000},
	{"tbit", 1000000000000},
	{"kibit", 1LL << 10},
	{"mibit", 1LL << 20},
	{"gibit", 1LL << 30},
	{"tibit", 1LL << 40},
	{"bps", 8},
	{"kbps", 8000},
	{"mbps", 8000000},
	{"gbps", 8000000000},
	{"tbps", 8000000000000},
	{"kibps", 8LL << 10},
	{"mibps", 8LL << 20},
	{"gibps", 8LL << 30},
	{"tibps", 8LL << 40},
	{0},
};

static const struct unit tc_size_units[] = {
	{"b", 1}, {"kib", 1LL << 10}, {"mib", 1LL << 20}, {"gib", 1LL << 30}, {0},
};

static int64_t unit_size(const struct unit *units, const char *name)
{
	for (; units->name; units++)
		if (!strcmp(units->name, name))
			return units->size;
	return 0;
}

/* The length of "12" or "1.5" at the start of the text, digits on both sides of a dot; 0: none. */
static size_t number_length(const char *text)
{
	size_t whole = strspn(text, "0123456789");
	size_t fraction = 0;

	if (whole && text[whole] == '.') {
		fraction = strspn(text + whole + 1, "0123456789");
		return fraction ? whole + 1 + fraction : 0;
	}
	return whole;
}

/*
 * In whole numbers: 0.1 s is 100000000 ns and no rounding. False if it does not fit, or is no whole
 * number of the smallest.
 */
static bool parse_quantity(const char *text, const struct unit *units, int64_t *ret)
{
	size_t len = number_length(text);
	int64_t unit = len ? unit_size(units, text + len) : 0;
	int64_t total = 0, digit_value = unit;
	const char *s = text;

	if (!unit)
		return false;
	for (; isdigit((unsigned char)*s); s++)
		if (__builtin_mul_overflow(total, 10, &total) ||
		    __builtin_add_overflow(total, *s - '0', &total))
			return false;
	if (__builtin_mul_overflow(total, unit, &total) || total == INT64_MAX)
		return false;
	if (*s == '.')
		for (s++; isdigit((unsigned char)*s); s++) {
			bool too_fine = !digit_value || digit_value % 10; /* below one */

			if (too_fine && *s != '0')
				return false;
			digit_value /= 10;
			if (__builtin_add_overflow(total, digit_value * (*s - '0'), &total))
				return false;
		}
	if (total == INT64_MAX)
		return false;
	*ret = total;
	return true;
}

bool parse_duration(const char *text, nsec_t *ret)
{
	return parse_quantity(text, duration_units, ret);
}

bool parse_bitrate(const char *text, int64_t *ret)
{
	return parse_quantity(text, bitrate_units, ret);
}

bool parse_tc_duration(const char *text, nsec_t *ret)
{
	return parse_quantity(text, tc_duration_units, ret);
}

bool parse_tc_bitrate(const char *text, int64_t *ret)
{
	return parse_quantity(text, tc_bitrate_units, ret);
}

bool parse_tc_size(const char *text, int64_t *ret)
{
	return parse_quantity(text, tc_size_units, ret);
}

bool parse_size(const char *text, int64_t *ret)
{
	return parse_quantity(text, size_units, ret);
}

bool parse_percent(const char *text, double *ret)
{
	size_t len = number_length(text);

	if (!len || strcmp(text + len, "%") != 0)
		return false;
	*ret = strtod(text, NULL) / 100;
	return true;
}

bool parse_is_name(const char *text)
{
	static const char allowed[] = "abcdefghijklmnopqrstuvwxyz0123456789-";
	size_t len = strspn(text, allowed);

	return len && len <= PARSE_NAME_MAX && *text != '-' && !text[len];
}

bool parse_service(const char *text, struct arena *a, char **ret_host, int64_t *ret_port)
{
	const char *colon = strrchr(text, ':');
	char *end;

	if (!colon || colon == text || !isdigit((unsigned char)colon[1]))
		return false;
	errno = 0;
	long port = strtol(colon + 1, &end, 10);
	if (*end || errno || port < 1 || port > UINT16_MAX)
		return false;
	*ret_host = arena_strndup(a, text, (size_t)(colon - text));
	*ret_port = port;
	return true;
}
