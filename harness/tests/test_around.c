/* SPDX-License-Identifier: MIT */
/* The events that stand around a failure. */
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/report/report.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static struct tuple c;

static void setup(void)
{
	world_init(&w, SEC(30));
	world_host(&w, "server");
	world_host(&w, "client");
	world_expect(&w, "packets")->label = arena_strdup(&w.arena, "few");
	c = (struct tuple){.from = 1, .to = 0, .from_port = 40000, .to_port = 8000};
}

static void teardown(void)
{
	world_free(&w);
}

/* The n-th at n milliseconds, from the first to the last. */
static void see_counted(int first, int last)
{
	for (int i = first; i <= last; i++) {
		struct observation *o = see_packet(&w, MS(i), EV_COUNTED, &c, 0, TCP_FLAG_ACK);

		o->packet.expect = 0;
	}
}

static void assert_around(nsec_t t, const char *expected)
{
	_cleanup_free_ char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	terminal_around(out, t, &w.plan, &w.obs);
	fclose(out);
	ck_assert_str_eq(text, expected);
}

#define HEAD       "        around it\n"
#define SYN(t)     "                +" t " s  client:40000 > server:8000  syn\n"
#define COUNTED(t) "                +" t " s  client:40000 > server:8000  counted by few\n"
#define DECIDED(t) "          >     +" t " s  client:40000 > server:8000  counted by few\n"

START_TEST(of_a_row_its_ends)
{
	see_syn(&w, MS(1), &c);
	see_counted(2, 100);
	see_counted(101, 200);
	see_syn(&w, MS(201), &c);
	assert_around(
		MS(101),
		HEAD SYN("0.001000") COUNTED("0.002000") COUNTED(
			"0.003000") "                      ...    95 more packets "
				    "that were counted\n" COUNTED("0.099000") COUNTED("0.100000")
					    DECIDED("0.101000") COUNTED(
						    "0.102000") "                      ...    96 "
								"more packets that "
								"were counted\n" COUNTED("0.199000")
									COUNTED("0.200000"));
}
END_TEST

/* What one line would stand for is that line. */
START_TEST(a_short_row_is_whole)
{
	see_syn(&w, MS(0), &c);
	see_syn(&w, MS(1), &c);
	see_counted(2, 6);
	see_syn(&w, MS(7), &c);
	see_counted(8, 9);
	assert_around(MS(9),
		      HEAD SYN("0.001000") COUNTED("0.002000") COUNTED("0.003000")
			      COUNTED("0.004000") COUNTED("0.005000") COUNTED("0.006000")
				      SYN("0.007000") COUNTED("0.008000") DECIDED("0.009000"));
}
END_TEST

START_TEST(nothing_without_a_moment)
{
	see_syn(&w, MS(1), &c);
	assert_around(NSEC_UNSET, "");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("around");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, of_a_row_its_ends);
	tcase_add_test(t, a_short_row_is_whole);
	tcase_add_test(t, nothing_without_a_moment);
	return run_tests("around", t);
}
