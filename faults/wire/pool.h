/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_POOL_H
#define WIRECUT_WIRE_POOL_H

#include <stddef.h>

/*
 * Memory for frames that come and go at the rate of packets, which a general allocator is slow at:
 * what is given back is kept for the next one of its size class, a power of two.
 */
#define POOL_LEAST_BITS 8  /* 256 bytes: an acknowledgment and what the engine knows of it */
#define POOL_MOST_BITS  17 /* 128 KiB: the largest frame of a host that segments in "hardware" */
#define POOL_CLASSES    (POOL_MOST_BITS - POOL_LEAST_BITS + 1)

/* All zero: empty. */
struct pool {
	void *kept[POOL_CLASSES]; /* each points to the next of its class */
	size_t kept_bytes;
};

/* `size` is at most 1 << POOL_MOST_BITS. Aborts when memory runs out. */
void *pool_get(struct pool *p, size_t size);

/* `size` as it was asked for. */
void pool_put(struct pool *p, void *block, size_t size);

/* Frees what is kept; what is out is the caller's to put back first. */
void pool_free(struct pool *p);

#endif
