/* SPDX-License-Identifier: MIT */
#ifndef REF_OUTQ_H
#define REF_OUTQ_H

#include <stddef.h>
#include <stdint.h>

/* Bytes waiting for the socket to take them: one buffer, filled at its end and drained at its start. */
struct outq {
	uint8_t *bytes;
	size_t start;
	size_t end;
	size_t cap;
};

static inline size_t outq_len(const struct outq *q)
{
	return q->end - q->start;
}

/* Makes room for `len` bytes at the end and returns where they go; NULL when memory is short. They
 * count once outq_added says so. */
uint8_t *outq_reserve(struct outq *q, size_t len);
void outq_added(struct outq *q, size_t len);

/* `len` bytes at the start have left. An empty queue gives a large buffer back. */
void outq_sent(struct outq *q, size_t len);

void outq_free(struct outq *q);

#endif
