/* SPDX-License-Identifier: MIT */
/* What is run in which order: shards, repetitions, shuffling, weights. */
#include <check.h>
#include <stdlib.h>

#include "harness/cli/queue.h"
#include "harness/tests/suite.h"

#define N_SCENARIOS 30

static struct arena arena;
static struct options opt;
static struct loaded loaded;
static struct queue queue;
static struct strings kernels;

static void setup(void)
{
	arena = (struct arena){0};
	opt = (struct options){.arena = &arena, .seed = 7};
	loaded = (struct loaded){0};
	kernels = (struct strings){0};
	for (int i = 0; i < N_SCENARIOS; i++)
		for (int control = 0; control < 2; control++) {
			struct plan *plan = arena_new(&arena, struct plan);

			plan->slug = arena_printf(&arena, "practice-scenario-%d%s", i,
						  control ? "--control" : "");
			plan->apps.n = control ? 45 : 1;
			*vec_push(&arena, &loaded.items) = (struct load_item){.plan = plan};
		}
}

static void teardown(void)
{
	arena_free(&arena);
}

/* The slugs of everything the queue gives, in order; asserts that there are n. */
static char *all(size_t n)
{
	struct queue_entry e;
	char *text = arena_strdup(&arena, "");
	size_t taken = 0;

	queue_init(&queue, &opt, &loaded, &kernels);
	ck_assert_uint_eq(queue_total(&queue), n);
	while (queue_take(&queue, &e)) {
		text = arena_printf(&arena, "%s%s ", text, e.plan->slug);
		taken++;
	}
	ck_assert_uint_eq(taken, n);
	return text;
}

START_TEST(as_loaded)
{
	char *text = all(2 * (size_t)N_SCENARIOS);

	ck_assert_int_eq(strncmp(text, "practice-scenario-0 practice-scenario-0--control ", 49), 0);
}
END_TEST

/* Every scenario is in exactly one shard, its control with it, and no shard has them all. */
START_TEST(shards_are_a_partition)
{
	int seen[2 * N_SCENARIOS] = {0};

	opt.shards = 3;
	for (opt.shard = 1; opt.shard <= 3; opt.shard++) {
		queue_init(&queue, &opt, &loaded, &kernels);
		ck_assert_uint_gt(queue.items.n, 0);
		ck_assert_uint_lt(queue.items.n, loaded.items.n);
		for (size_t i = 0; i < queue.items.n; i++)
			for (size_t k = 0; k < loaded.items.n; k++)
				if (queue.items.v[i].plan == loaded.items.v[k].plan)
					seen[k] += (int)opt.shard;
	}
	for (size_t i = 0; i < N_SCENARIOS; i++) {
		ck_assert_int_ge(seen[2 * i], 1);
		ck_assert_int_le(seen[2 * i], 3);
		ck_assert_int_eq(seen[2 * i], seen[2 * i + 1]);
	}
}
END_TEST

START_TEST(repetitions_have_folders_of_their_own)
{
	opt.repeat = 2;
	char *text = all(4 * (size_t)N_SCENARIOS);

	ck_assert_ptr_nonnull(strstr(text, "practice-scenario-29 "));
	ck_assert_ptr_nonnull(strstr(text, "practice-scenario-29+2 "));
	ck_assert_ptr_nonnull(strstr(text, "practice-scenario-29--control+2 "));
}
END_TEST

/* The first of the loaded ones and its control run on the virtual clock. */
static void make_virtual(void)
{
	loaded.items.v[0].plan->clock = CLOCK_VIRTUAL;
	loaded.items.v[1].plan->clock = CLOCK_VIRTUAL;
}

START_TEST(each_seed_is_a_round)
{
	struct queue_entry e;

	opt.seeds = 3;
	loaded.items.v[5].plan->seed = 40;
	char *text = all(6 * (size_t)N_SCENARIOS);
	ck_assert_ptr_nonnull(strstr(text, "practice-scenario-2--control+seed40 "));
	ck_assert_ptr_nonnull(strstr(text, "practice-scenario-2--control+seed42 "));
	queue_init(&queue, &opt, &loaded, &kernels);
	for (int i = 0; i < 2 * N_SCENARIOS + 6; i++)
		ck_assert(queue_take(&queue, &e));
	ck_assert_uint_eq(e.plan->seed, 41);
	/* The loaded plan is left alone, and another attempt has the same seed. */
	ck_assert_uint_eq(e.item->plan->seed, 40);
	struct queue_entry again = queue_again(&queue, &e);
	ck_assert_uint_eq(again.plan->seed, 41);
	ck_assert_str_eq(again.plan->slug, "practice-scenario-2--control+seed41+again1");
}
END_TEST

START_TEST(each_kernel_is_a_round_of_the_virtual_clock)
{
	struct queue_entry e;

	make_virtual();
	*vec_push(&arena, &kernels) = arena_strdup(&arena, "6.1");
	char *one = all(2 * (size_t)N_SCENARIOS);
	ck_assert_ptr_null(strstr(one, "linux"));
	*vec_push(&arena, &kernels) = arena_strdup(&arena, "6.12");
	opt.repeat = 2;
	char *text = all(4 * (size_t)N_SCENARIOS + 4);
	ck_assert_ptr_nonnull(strstr(text, "practice-scenario-0+linux-6.1 "));
	ck_assert_ptr_nonnull(strstr(text, "practice-scenario-0--control+linux-6.12+2 "));
	ck_assert_ptr_nonnull(strstr(text, "practice-scenario-1+2 "));
	ck_assert_ptr_null(strstr(text, "practice-scenario-1+linux"));
	queue_init(&queue, &opt, &loaded, &kernels);
	for (int i = 0; i < 2 * N_SCENARIOS; i++)
		ck_assert(queue_take(&queue, &e) && e.kernel == 0);
	ck_assert(queue_take(&queue, &e) && e.kernel == 1);
}
END_TEST

START_TEST(the_virtual_clock_comes_first)
{
	struct queue_entry e;

	loaded.items.v[7].plan->clock = CLOCK_VIRTUAL;
	queue_init(&queue, &opt, &loaded, &kernels);
	ck_assert(queue_take(&queue, &e));
	ck_assert_ptr_eq(e.item->plan, loaded.items.v[7].plan);
	ck_assert(queue_take(&queue, &e));
	ck_assert_ptr_eq(e.item->plan, loaded.items.v[0].plan);
}
END_TEST

START_TEST(shuffled_by_the_seed)
{
	char *plain = all(2 * (size_t)N_SCENARIOS);

	opt.shuffle = true;
	char *first = all(2 * (size_t)N_SCENARIOS);
	ck_assert_str_ne(first, plain);
	ck_assert_str_eq(all(2 * (size_t)N_SCENARIOS), first);
	opt.seed = 8;
	ck_assert_str_ne(all(2 * (size_t)N_SCENARIOS), first);
}
END_TEST

START_TEST(until_fail_has_no_end)
{
	struct queue_entry e;

	opt.until_fail = true;
	queue_init(&queue, &opt, &loaded, &kernels);
	ck_assert(queue_total(&queue) == SIZE_MAX);
	for (int i = 0; i < 10 * N_SCENARIOS; i++)
		ck_assert(queue_take(&queue, &e));
	ck_assert_str_eq(e.plan->slug, "practice-scenario-29--control+5");
}
END_TEST

START_TEST(a_crowd_weighs_more)
{
	struct queue_entry e;

	queue_init(&queue, &opt, &loaded, &kernels);
	ck_assert(queue_take(&queue, &e));
	ck_assert_int_eq(e.weight, 1);
	ck_assert(queue_take(&queue, &e));
	ck_assert_int_eq(e.weight, 3);
}
END_TEST

START_TEST(attempts_have_folders_of_their_own)
{
	struct queue_entry e;

	queue_init(&queue, &opt, &loaded, &kernels);
	ck_assert(queue_take(&queue, &e));
	struct queue_entry again = queue_again(&queue, &e);
	ck_assert_int_eq(e.attempt, 1);
	ck_assert_int_eq(again.attempt, 2);
	ck_assert_str_eq(again.plan->slug, "practice-scenario-0+again1");
	/* What the first attempt was is left alone. */
	ck_assert_str_eq(e.plan->slug, "practice-scenario-0");
	ck_assert_str_eq(queue_again(&queue, &again).plan->slug, "practice-scenario-0+again2");
}
END_TEST

START_TEST(an_empty_shard_is_empty)
{
	struct queue_entry e;

	loaded.items.n = 0;
	opt.repeat = 5;
	queue_init(&queue, &opt, &loaded, &kernels);
	ck_assert(!queue_take(&queue, &e));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("queue");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, as_loaded);
	tcase_add_test(t, shards_are_a_partition);
	tcase_add_test(t, repetitions_have_folders_of_their_own);
	tcase_add_test(t, each_seed_is_a_round);
	tcase_add_test(t, each_kernel_is_a_round_of_the_virtual_clock);
	tcase_add_test(t, the_virtual_clock_comes_first);
	tcase_add_test(t, shuffled_by_the_seed);
	tcase_add_test(t, until_fail_has_no_end);
	tcase_add_test(t, a_crowd_weighs_more);
	tcase_add_test(t, attempts_have_folders_of_their_own);
	tcase_add_test(t, an_empty_shard_is_empty);
	return run_tests("queue", t);
}
