/* SPDX-License-Identifier: MIT */
#include "harness/run/snmp.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>

/* The number of the word that stands at this place in a line, from 0; -1: there is none such. */
static int column_of(const char *words, const char *name)
{
	size_t len = strlen(name);

	for (int i = 0; *words && *words != '\n'; i++) {
		size_t word = strcspn(words, " \n");

		if (word == len && !memcmp(words, name, len))
			return i;
		words += word;
		words += *words == ' ';
	}
	return -1;
}

static bool value_at(const char *words, int column, int64_t *ret)
{
	char *end;

	for (; column > 0; column--) {
		words += strcspn(words, " \n");
		if (*words != ' ')
			return false;
		words++;
	}
	long long value = strtoll(words, &end, 10);
	/* A text that ends here may have been cut, and the number with it. */
	if (end == words || (*end != ' ' && *end != '\n'))
		return false;
	*ret = value;
	return true;
}

/* The line after this one; NULL: there is none. */
static const char *next_line(const char *line)
{
	const char *end = strchr(line, '\n');

	return end && end[1] ? end + 1 : NULL;
}

bool snmp_find(const char *text, const char *name, int64_t *ret)
{
	const char *names = *text ? text : NULL;

	while (names) {
		size_t group = strcspn(names, ":\n");
		const char *values = next_line(names);

		if (names[group] != ':' || !values || strncmp(values, names, group + 1) != 0)
			return false;
		if (!strncmp(name, names, group) && names[group + 1] == ' ') {
			int column = column_of(names + group + 2, name + group);

			/* "Tcp" is also how "TcpExt" begins: another group may be meant. */
			if (column >= 0)
				return values[group + 1] == ' ' &&
				       value_at(values + group + 2, column, ret);
		}
		names = next_line(values);
	}
	return false;
}
