/* SPDX-License-Identifier: MIT */
#include "reference-app/outq.h"

#include <stdlib.h>
#include <string.h>

#define OUTQ_CAP_FIRST 512u
/* An idle connection keeps at most this: thousands of them are mostly idle. */
#define OUTQ_CAP_KEPT 4096u

uint8_t *outq_reserve(struct outq *q, size_t len)
{
	size_t used = outq_len(q);
	size_t cap = q->cap ? q->cap : OUTQ_CAP_FIRST;
	uint8_t *bytes;

	if (q->cap - q->end >= len)
		return q->bytes + q->end;
	if (q->start > 0) {
		memmove(q->bytes, q->bytes + q->start, used);
		q->start = 0;
		q->end = used;
	}
	while (cap - used < len)
		cap *= 2;
	if (cap == q->cap)
		return q->bytes + q->end;
	bytes = realloc(q->bytes, cap);
	if (!bytes)
		return NULL;
	q->bytes = bytes;
	q->cap = cap;
	return q->bytes + q->end;
}

void outq_added(struct outq *q, size_t len)
{
	q->end += len;
}

void outq_sent(struct outq *q, size_t len)
{
	q->start += len;
	if (q->start < q->end)
		return;
	q->start = 0;
	q->end = 0;
	if (q->cap > OUTQ_CAP_KEPT)
		outq_free(q);
}

void outq_free(struct outq *q)
{
	free(q->bytes);
	*q = (struct outq){0};
}
