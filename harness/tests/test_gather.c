/* SPDX-License-Identifier: MIT */
#include "harness/run/gather.h"

#include <stdbool.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

#define OUTER  7
#define WINDOW ((nsec_t)500000)
#define NOW    ((nsec_t)1000000000)

static struct gather g;
static int outer, one, other;

static void setup(void)
{
	struct err err = {0};

	outer = epoll_create1(EPOLL_CLOEXEC);
	one = eventfd(0, EFD_CLOEXEC);
	other = eventfd(0, EFD_CLOEXEC);
	ck_assert_msg(gather_init(&g, outer, OUTER, WINDOW, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(gather_add(&g, one, 1), 0);
	ck_assert_int_eq(gather_add(&g, other, 2), 0);
}

static void teardown(void)
{
	close(one);
	close(other);
	close(g.fd);
	close(outer);
}

static void tell(int fd)
{
	const uint64_t n = 1;

	ck_assert_int_eq(write(fd, &n, sizeof(n)), sizeof(n));
}

static void hear(int fd)
{
	uint64_t n;

	ck_assert_int_eq(read(fd, &n, sizeof(n)), sizeof(n));
}

static bool outer_tells(void)
{
	struct epoll_event e;
	int n = epoll_wait(outer, &e, 1, 0);

	ck_assert(n <= 0 || e.data.u64 == OUTER);
	return n > 0;
}

START_TEST(the_first_wakes_and_no_other)
{
	struct epoll_event events[4];

	ck_assert(!outer_tells());
	tell(one);
	ck_assert(outer_tells());
	gather_begin(&g, NOW, NSEC_NEVER);
	ck_assert_int_eq(g.until, NOW + WINDOW);
	tell(other);
	ck_assert(!outer_tells());
	ck_assert_int_eq(gather_take(&g, events, 4), 2);
	ck_assert_uint_eq(events[0].data.u64 + events[1].data.u64, 3);
	hear(one);
	hear(other);
	ck_assert_int_eq(gather_take(&g, events, 4), 0);
	gather_end(&g);
	ck_assert_int_eq(g.until, NSEC_NEVER);
	ck_assert(!outer_tells());
}
END_TEST

/* What came behind the last take is not forgotten. */
START_TEST(what_was_left_wakes_again)
{
	tell(one);
	ck_assert(outer_tells());
	gather_begin(&g, NOW, NSEC_NEVER);
	hear(one);
	tell(other);
	gather_end(&g);
	ck_assert(outer_tells());
}
END_TEST

/* It is to be known before what comes at `limit`, not after. */
START_TEST(no_window_goes_over_a_moment_of_the_plan)
{
	gather_begin(&g, NOW, NOW + WINDOW + 1);
	ck_assert_int_eq(g.until, NOW + WINDOW);
	gather_begin(&g, NOW, NOW + WINDOW);
	ck_assert_int_eq(g.until, NOW);
	gather_begin(&g, NOW, 0);
	ck_assert_int_eq(g.until, NOW);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("gather");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_first_wakes_and_no_other);
	tcase_add_test(t, what_was_left_wakes_again);
	tcase_add_test(t, no_window_goes_over_a_moment_of_the_plan);
	return run_tests("gather", t);
}
