/* SPDX-License-Identifier: MIT */
#include "harness/cli/queue.h"

#include "harness/base/rng.h"

/*
 * A program on a host of its own costs little while it sleeps; a crowd of them wakes together. So
 * many of them count as one more scenario at once.
 */
#define APPS_PER_PLACE 20

/* By the scenario, so that a scenario and its controls stay together, and wherever it was found. */
static bool is_of_shard(const struct options *opt, const struct load_item *item)
{
	if (!opt->shards)
		return true;
	const char *slug = item->plan->slug, *control = strstr(slug, "--");
	char *scenario = control ? arena_strndup(opt->arena, slug, (size_t)(control - slug))
				 : arena_strdup(opt->arena, slug);

	/* The low bits of this hash say little about a short name. */
	return (rng_hash(scenario) >> 32) % (uint64_t)opt->shards == (uint64_t)opt->shard - 1;
}

/* Fisher and Yates, by the run's seed and the round: it can be done again. */
static void shuffle(struct queue *q)
{
	struct rng rng;
	char name[32];

	snprintf(name, sizeof(name), "shuffle/%lld", (long long)q->round);
	rng_init(&rng, q->opt->seed, name);
	for (size_t i = q->items.n; i > 1; i--) {
		size_t k = rng_u64(&rng) % i;
		struct load_item swap = q->items.v[i - 1];

		q->items.v[i - 1] = q->items.v[k];
		q->items.v[k] = swap;
	}
}

/* What runs on the virtual clock, first; else the order stays. */
static void virtual_first(struct queue *q)
{
	struct load_item *sorted = arena_new_array(q->opt->arena, struct load_item, q->items.n + 1);
	size_t n = 0;

	for (int real = 0; real <= 1; real++)
		vec_foreach (item, &q->items)
			if ((item->plan->clock != CLOCK_VIRTUAL) == real)
				sorted[n++] = *item;
	q->items.v = sorted;
}

static void begin_round(struct queue *q)
{
	q->round++;
	q->next = 0;
	if (q->opt->shuffle)
		shuffle(q);
	virtual_first(q);
}

static int64_t at_least_one(int64_t n)
{
	return n > 0 ? n : 1;
}

/* A round is one of each: kernels change fastest, then seeds, then repetitions. */
static int64_t kernels_of(const struct queue *q)
{
	return at_least_one((int64_t)q->kernels->n);
}

static int64_t seeds_of(const struct queue *q)
{
	return at_least_one(q->opt->seeds);
}

static int64_t rounds_of(const struct queue *q)
{
	return kernels_of(q) * seeds_of(q) * at_least_one(q->opt->repeat);
}

static bool is_endless(const struct queue *q)
{
	return q->opt->until_fail && !q->opt->repeat;
}

/* On the real clock there is the machine's kernel only. */
static bool is_of_round(const struct queue *q, const struct load_item *item)
{
	return item->plan->clock == CLOCK_VIRTUAL || (q->round - 1) % kernels_of(q) == 0;
}

void queue_init(struct queue *q, struct options *opt, const struct loaded *l,
		const struct strings *kernels)
{
	*q = (struct queue){.opt = opt, .kernels = kernels};
	vec_foreach (item, &l->items)
		if (is_of_shard(opt, item))
			*vec_push(opt->arena, &q->items) = *item;
	begin_round(q);
}

size_t queue_total(const struct queue *q)
{
	size_t on_virtual = 0;

	if (is_endless(q))
		return SIZE_MAX;
	vec_foreach (item, &q->items)
		on_virtual += item->plan->clock == CLOCK_VIRTUAL;
	return on_virtual * (size_t)rounds_of(q) +
	       (q->items.n - on_virtual) * (size_t)(rounds_of(q) / kernels_of(q));
}

/* The plan of this round: with its kernel, seed and number in the slug, where there are several. */
static struct plan *variant(const struct queue *q, const struct plan *plan)
{
	struct arena *a = q->opt->arena;
	struct plan *copy = arena_new(a, struct plan);
	int64_t kernel = (q->round - 1) % kernels_of(q), round = (q->round - 1) / kernels_of(q);
	int64_t seed = round % seeds_of(q), repetition = round / seeds_of(q);

	*copy = *plan;
	copy->seed += (uint64_t)seed;
	if (q->kernels->n > 1 && plan->clock == CLOCK_VIRTUAL)
		copy->slug = arena_printf(a, "%s+linux-%s", copy->slug, q->kernels->v[kernel]);
	if (seeds_of(q) > 1)
		copy->slug = arena_printf(a, "%s" SLUG_SEED "%llu", copy->slug,
					  (unsigned long long)copy->seed);
	if (repetition > 0)
		copy->slug = arena_printf(a, "%s+%lld", copy->slug, (long long)repetition + 1);
	return copy;
}

const char *queue_clock(const struct queue *q)
{
	size_t on_virtual = 0;

	if (q->opt->clock == CLOCK_REAL || q->opt->clock == CLOCK_VIRTUAL)
		return clock_kind_names[q->opt->clock];
	vec_foreach (item, &q->items)
		on_virtual += item->plan->clock == CLOCK_VIRTUAL;
	if (on_virtual == 0)
		return clock_kind_names[CLOCK_REAL];
	return on_virtual == q->items.n ? clock_kind_names[CLOCK_VIRTUAL] : "mixed";
}

bool queue_take(struct queue *q, struct queue_entry *ret)
{
	do {
		if (q->next == q->items.n && q->items.n &&
		    (is_endless(q) || q->round < rounds_of(q)))
			begin_round(q);
		if (q->next == q->items.n)
			return false;
		q->next++;
	} while (!is_of_round(q, &q->items.v[q->next - 1]));
	const struct load_item *item = &q->items.v[q->next - 1];
	struct plan *plan = variant(q, item->plan);

	*ret = (struct queue_entry){
		.item = item,
		.plan = plan,
		.slug = plan->slug,
		.kernel = (size_t)((q->round - 1) % kernels_of(q)),
		.weight = 1 + (int)(plan->apps.n / APPS_PER_PLACE),
		.attempt = 1,
	};
	return true;
}

struct queue_entry queue_again(const struct queue *q, const struct queue_entry *e)
{
	struct arena *a = q->opt->arena;
	struct queue_entry again = *e;

	again.plan = arena_new(a, struct plan);
	*again.plan = *e->plan;
	again.plan->slug = arena_printf(a, "%s" SLUG_AGAIN "%d", e->slug, e->attempt);
	again.attempt++;
	return again;
}
