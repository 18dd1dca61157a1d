/* SPDX-License-Identifier: MIT */
/* libFuzzer target: the reader of inet_diag answers. `make fuzz` builds and runs it. */
#include <stdlib.h>
#include <string.h>

#include "harness/run/sockdiag.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void see(const struct obs_socket *s, void *arg)
{
	char text[ENDPOINT_TEXT];

	endpoint_text(&s->local, text);
	endpoint_text(&s->peer, text);
	++*(size_t *)arg;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	/* A copy of its own size: a read beyond it is caught. Netlink is aligned; so is malloc. */
	void *copy = malloc(size ? size : 1);
	struct err err = {0};
	size_t n = 0;

	if (!copy)
		return 0;
	memcpy(copy, data, size);
	(void)sockdiag_parse(copy, size, see, &n, &err);
	free(copy);
	return 0;
}
