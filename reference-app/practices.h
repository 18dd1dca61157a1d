/* SPDX-License-Identifier: MIT */
#ifndef REF_PRACTICES_H
#define REF_PRACTICES_H

#include <stdbool.h>
#include <stdio.h>

/* The practices that the reference app has, each in the file of its name. Each can be switched off
 * alone; off means what a naive program does. */

enum practice {
	PRACTICE_CONNECT_TIMEOUT,
	PRACTICE_HEARTBEAT,
	PRACTICE_BACKOFF,
	PRACTICE_CLOSE_ON_EOF,
	PRACTICE_REUSE_ADDR,
	PRACTICE_PORT_POLICY,
	PRACTICE_COUNT,
};

enum practice_side {
	SIDE_CLIENT = 1 << 0,
	SIDE_SERVER = 1 << 1,
};

/* One bit a practice; 0: all on. */
typedef unsigned practices_off_t;

static inline bool practice_on(practices_off_t off, enum practice practice)
{
	return !(off & 1u << practice);
}

/* Switches the practice with this key off. -1: this side has none of that name. */
int practice_switch_off(practices_off_t *off, enum practice_side side, const char *key);

/* "heartbeat, close-on-eof": the keys that the side has. */
#define PRACTICE_KEYS_MAX 256
const char *practice_keys(char buffer[PRACTICE_KEYS_MAX], enum practice_side side);

/* The table of a side's practices, for people. */
void practice_list(FILE *out, enum practice_side side);

#endif
