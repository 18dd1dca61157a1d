/* SPDX-License-Identifier: MIT */
#include "harness/data/setting.h"

#include <string.h>

bool setting_is_of_namespace(const char *name)
{
	const char *rest = name;

	if (strncmp(name, "net.", strlen("net.")) != 0)
		return false;
	for (;;) {
		size_t n = strspn(rest, "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
					"0123456789_-");
		if (!n || (rest[n] && rest[n] != '.'))
			return false;
		if (!rest[n])
			return true;
		rest += n + 1;
	}
}
