/* SPDX-License-Identifier: MIT */
/* libFuzzer target: the parser of frames. `make fuzz` builds and runs it. */
#include "faults/wire/packet.h"

#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	uint8_t *copy = malloc(size ? size : 1);
	struct packet p;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	packet_parse(copy, size, &p);
	free(copy);
	return 0;
}
