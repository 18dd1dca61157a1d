/* SPDX-License-Identifier: MIT */
#include "harness/tests/probe_line.h"

#include <inttypes.h>
#include <stdio.h>

bool probe_line_parse(const char *line, struct probe_line *ret)
{
	return sscanf(line, "probe %d %zu %" SCNd64 " %" SCNd64 " %d", &ret->port, &ret->number,
		      &ret->sent, &ret->received, &ret->bits) == 5;
}
