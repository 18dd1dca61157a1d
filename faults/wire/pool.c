/* SPDX-License-Identifier: MIT */
#include "faults/wire/pool.h"

#include <stdlib.h>
#include <string.h>

/* After a burst no more than this stays: a tenth of a second of ten Gbit/s. */
#define KEPT_BYTES_MAX ((size_t)128 << 20)

static int class_of(size_t size)
{
	int class = 0;

	while ((size_t)1 << (POOL_LEAST_BITS + class) < size)
		class ++;
	if (class >= POOL_CLASSES)
		abort();
	return class;
}

static size_t bytes_of(int class)
{
	return (size_t)1 << (POOL_LEAST_BITS + class);
}

void *pool_get(struct pool *p, size_t size)
{
	int class = class_of(size);
	void *block = p->kept[class];

	if (block) {
		memcpy(&p->kept[class], block, sizeof(void *));
		p->kept_bytes -= bytes_of(class);
		return block;
	}
	block = malloc(bytes_of(class));
	if (!block)
		abort();
	return block;
}

void pool_put(struct pool *p, void *block, size_t size)
{
	int class = class_of(size);

	if (p->kept_bytes + bytes_of(class) > KEPT_BYTES_MAX) {
		free(block);
		return;
	}
	memcpy(block, &p->kept[class], sizeof(void *));
	p->kept[class] = block;
	p->kept_bytes += bytes_of(class);
}

void pool_free(struct pool *p)
{
	for (int class = 0; class < POOL_CLASSES; class ++)
		while (p->kept[class]) {
			void *block = p->kept[class];

			memcpy(&p->kept[class], block, sizeof(void *));
			free(block);
		}
	p->kept_bytes = 0;
}
