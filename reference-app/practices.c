/* SPDX-License-Identifier: MIT */
#include "reference-app/practices.h"

#include <string.h>

static const struct {
	const char *key;
	unsigned sides;
	const char *with;
	const char *without;
} practices[] = {
	[PRACTICE_CONNECT_TIMEOUT] = {"connect-timeout", SIDE_CLIENT,
				      "an attempt that nothing answers ends at its deadline",
				      "the kernel decides, and tries for two minutes"},
	[PRACTICE_HEARTBEAT] = {"heartbeat", SIDE_CLIENT | SIDE_SERVER,
				"a silent peer is noticed and given up",
				"TCP alone decides, and an idle connection waits for ever"},
	[PRACTICE_BACKOFF] = {"backoff", SIDE_CLIENT, "waits between attempts grow and are spread",
			      "a new attempt each 100 ms, for ever"},
	[PRACTICE_CLOSE_ON_EOF] = {"close-on-eof", SIDE_CLIENT | SIDE_SERVER,
				   "each path closes its socket",
				   "a socket whose peer has closed stays open in CLOSE_WAIT"},
	[PRACTICE_REUSE_ADDR] = {"reuse-addr", SIDE_SERVER,
				 "a restarted server has its port back at once",
				 "not while connections of before are in TIME_WAIT, for 60 s"},
	[PRACTICE_PORT_POLICY] = {"port-policy", SIDE_SERVER,
				  "a port that outgoing connections may hold is refused",
				  "it is taken, and now and then somebody else has it"},
};

_Static_assert(sizeof(practices) / sizeof(practices[0]) == PRACTICE_COUNT, "one row a practice");

int practice_switch_off(practices_off_t *off, enum practice_side side, const char *key)
{
	for (unsigned i = 0; i < PRACTICE_COUNT; i++) {
		if (!(practices[i].sides & side) || strcmp(practices[i].key, key) != 0)
			continue;
		*off |= 1u << i;
		return 0;
	}
	return -1;
}

const char *practice_keys(char buffer[PRACTICE_KEYS_MAX], enum practice_side side)
{
	size_t len = 0;

	buffer[0] = '\0';
	for (unsigned i = 0; i < PRACTICE_COUNT && len < PRACTICE_KEYS_MAX; i++)
		if (practices[i].sides & side)
			len += (size_t)snprintf(buffer + len, PRACTICE_KEYS_MAX - len, "%s%s",
						len ? ", " : "", practices[i].key);
	return buffer;
}

/* Of the longest key of any side. */
static int key_width(void)
{
	size_t width = 0;

	for (unsigned i = 0; i < PRACTICE_COUNT; i++) {
		size_t len = strlen(practices[i].key);

		width = len > width ? len : width;
	}
	return (int)width;
}

void practice_list(FILE *out, enum practice_side side)
{
	int width = key_width();

	for (unsigned i = 0; i < PRACTICE_COUNT; i++)
		if (practices[i].sides & side)
			fprintf(out, "%-*s  on:  %s\n%-*s  off: %s\n", width, practices[i].key,
				practices[i].with, width, "", practices[i].without);
}
