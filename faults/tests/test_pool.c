/* SPDX-License-Identifier: MIT */
#include "faults/wire/pool.h"

#include <check.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

#define LARGEST ((size_t)1 << POOL_MOST_BITS)

static const size_t sizes[] = {1, 255, 256, 257, 2048, 2049, LARGEST - 1, LARGEST};

/* Each block is as large as it was asked to be (the sanitizer sees to it), and nobody else's. */
START_TEST(blocks_are_whole_and_apart)
{
	struct pool p = {0};
	unsigned char *blocks[ARRAY_SIZE(sizes)];

	for (int round = 0; round < 2; round++) {
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			blocks[i] = pool_get(&p, sizes[i]);
			memset(blocks[i], (int)i, sizes[i]);
		}
		for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
			size_t n_same = 0;

			while (n_same < sizes[i] && blocks[i][n_same] == i)
				n_same++;
			ck_assert_uint_eq(n_same, sizes[i]);
			pool_put(&p, blocks[i], sizes[i]);
		}
	}
	pool_free(&p);
}
END_TEST

START_TEST(what_is_given_back_is_used_again)
{
	struct pool p = {0};
	void *small = pool_get(&p, 300), *other = pool_get(&p, 300), *large = pool_get(&p, 3000);

	pool_put(&p, small, 300);
	pool_put(&p, large, 3000);
	pool_put(&p, other, 300);
	ck_assert_ptr_eq(pool_get(&p, 3001), large); /* of its class */
	ck_assert_ptr_eq(pool_get(&p, 400), other);  /* the last first: it is in the cache */
	ck_assert_ptr_eq(pool_get(&p, 512), small);
	ck_assert_uint_eq(p.kept_bytes, 0);
	pool_put(&p, small, 512);
	pool_put(&p, other, 400);
	pool_put(&p, large, 3001);
	pool_free(&p);
}
END_TEST

/* After a burst the memory goes back. */
START_TEST(only_so_much_is_kept)
{
	enum { N = 2000 }; /* of the largest: 250 MiB of addresses, of which none is touched */
	static void *blocks[N];
	struct pool p = {0};

	for (int i = 0; i < N; i++)
		blocks[i] = pool_get(&p, LARGEST);
	for (int i = 0; i < N; i++)
		pool_put(&p, blocks[i], LARGEST);
	ck_assert_uint_gt(p.kept_bytes, 0);
	ck_assert_uint_lt(p.kept_bytes, N * LARGEST * 2 / 3);
	pool_free(&p);
	ck_assert_uint_eq(p.kept_bytes, 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("pool");

	tcase_add_test(tc, blocks_are_whole_and_apart);
	tcase_add_test(tc, what_is_given_back_is_used_again);
	tcase_add_test(tc, only_so_much_is_kept);
	return run_tests("pool", tc);
}
