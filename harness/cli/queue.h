/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_CLI_QUEUE_H
#define WIRECUT_CLI_QUEUE_H

#include "harness/cli/load.h"

/*
 * What is to be run, in which order: the loaded items, less those of other shards, shuffled if
 * asked; and again for each repetition, each seed and, on the virtual clock, each kernel. What runs
 * on the virtual clock comes first.
 */
struct queue_entry {
	const struct load_item *item;
	struct plan *plan; /* the item's, or a copy with another slug for what is run again */
	const char *slug;  /* the plan's, without the number of the attempt */
	size_t kernel;     /* of the guest: an index into what queue_init() was given */
	int weight;        /* how many places of --jobs it takes */
	int attempt;       /* 1, or more when an inconclusive one is run again */
};

struct queue {
	struct options *opt;
	const struct strings *kernels; /* their releases, as slugs show them */
	VEC(struct load_item) items;   /* of this shard, in the order in which they are run */
	int64_t round; /* rounds that were begun: each kernel, then each seed, ... */
	size_t next;   /* of the round */
};

/* `kernels`: those that scenarios on the virtual clock are run on; kept, not copied. */
void queue_init(struct queue *q, struct options *opt, const struct loaded *l,
		const struct strings *kernels);

/* How many entries all rounds have together; SIZE_MAX for --until-fail. */
size_t queue_total(const struct queue *q);

/* The clock asked for, or that which the scenarios chose; "mixed": not all the same. */
const char *queue_clock(const struct queue *q);

/* Takes the next one; false: there is no more. */
bool queue_take(struct queue *q, struct queue_entry *ret);

/* The next attempt of an entry whose verdict was inconclusive. */
struct queue_entry queue_again(const struct queue *q, const struct queue_entry *e);

#endif
