/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_PROBE_LINE_H
#define WIRECUT_TESTS_PROBE_LINE_H

#include <stdbool.h>
#include <stddef.h>

#include "harness/base/nsec.h"

/* A line of a receiver's log: harness/tests/guest-programs/udp-probe.c. */
struct probe_line {
	int port;
	size_t number;
	nsec_t sent, received; /* CLOCK_REALTIME */
	int bits;
};

/* False: the line is another one. */
bool probe_line_parse(const char *line, struct probe_line *ret);

#endif
