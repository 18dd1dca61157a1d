/* SPDX-License-Identifier: MIT */
#include "harness/run/cadence.h"

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client;
static struct host_cadence h;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	host_cadence_init(&h);
}

static void teardown(void)
{
	world_free(&w);
}

START_TEST(the_real_clock_polls)
{
	w.plan.duration = SEC(36000);
	struct cadence c = cadence_of(&w.plan);

	ck_assert(!c.traced);
	ck_assert(c.canary);
	ck_assert(c.waits);
	ck_assert_int_eq(c.sample_period, SEC(1));
	for (int phase = PHASE_START; phase <= PHASE_END; phase++)
		ck_assert_int_eq(cadence_tick(&c, phase), MS(20));
}
END_TEST

START_TEST(the_virtual_clock_does_not)
{
	w.plan.clock = CLOCK_VIRTUAL;
	struct cadence c = cadence_of(&w.plan);

	ck_assert(c.traced);
	ck_assert(!c.canary);
	ck_assert(!c.waits);
	ck_assert_int_eq(cadence_tick(&c, PHASE_START), MS(20));
	ck_assert_int_eq(cadence_tick(&c, PHASE_RUN), NSEC_NEVER);
	ck_assert_int_eq(cadence_tick(&c, PHASE_END), NSEC_NEVER);
}
END_TEST

START_TEST(samples_of_a_long_plan_are_few)
{
	w.plan.clock = CLOCK_VIRTUAL;
	ck_assert_int_eq(cadence_of(&w.plan).sample_period, SEC(1));
	w.plan.duration = SEC(600);
	ck_assert_int_eq(cadence_of(&w.plan).sample_period, SEC(1));
	w.plan.duration = SEC(7200);
	ck_assert_int_eq(cadence_of(&w.plan).sample_period, SEC(12));
}
END_TEST

static const struct {
	const char *kind, *state;
	bool packets, silent_ends;
} asked[] = {
	{"timer", NULL, true, false},
	{"sockets", "syn-recv", true, true},
	{"sockets", "TIME_WAIT", false, true},
	{"sockets", "FIN_WAIT_2", false, true},
	{"sockets", "CLOSE_WAIT", false, false},
	{"sockets", "ESTABLISHED", false, false},
};

START_TEST(what_the_tracepoint_does_not_tell)
{
	struct plan_expect *e = world_expect(&w, asked[_i].kind);

	e->spec.state = (char *)asked[_i].state;
	world_list(&w, &e->hosts, server);
	struct cadence_wants there = cadence_wants(&w.plan, server);
	struct cadence_wants elsewhere = cadence_wants(&w.plan, client);

	ck_assert_int_eq(there.packets, asked[_i].packets);
	ck_assert_int_eq(there.silent_ends, asked[_i].silent_ends);
	ck_assert(!elsewhere.packets);
	ck_assert(!elsewhere.silent_ends);
}
END_TEST

START_TEST(nothing_is_due_by_itself)
{
	ck_assert_int_eq(h.due, NSEC_NEVER);
	host_cadence_dumped(&h, SEC(1), SEC(1) + MS(1));
	ck_assert_int_eq(h.due, NSEC_NEVER);
	ck_assert_int_eq(h.changed, NSEC_NEVER);
}
END_TEST

/* The first time is what counts, in whatever order the processors' rings are read. */
START_TEST(the_first_change_is_remembered)
{
	host_cadence_changed(&h, SEC(5), SEC(5));
	host_cadence_changed(&h, SEC(5) - MS(3), SEC(5));
	host_cadence_changed(&h, SEC(5) - MS(1), SEC(5));
	ck_assert_int_eq(h.changed, SEC(5) - MS(3));
	ck_assert_int_eq(h.due, SEC(5) + MS(1));
	host_cadence_dumped(&h, h.due, h.due);
	ck_assert_int_eq(h.changed, NSEC_NEVER);
}
END_TEST

START_TEST(what_only_stirs_is_no_change)
{
	host_cadence_stirred(&h, SEC(5));
	ck_assert_int_eq(h.changed, NSEC_NEVER);
	ck_assert_int_eq(h.due, SEC(5) + MS(1));
}
END_TEST

START_TEST(it_is_looked_at_once_more_and_no_more)
{
	host_cadence_changed(&h, SEC(5), SEC(5));
	host_cadence_dumped(&h, SEC(5) + MS(1), SEC(5) + MS(2));
	ck_assert_int_eq(h.due, SEC(5) + MS(22));
	host_cadence_dumped(&h, SEC(5) + MS(22), SEC(5) + MS(23));
	ck_assert_int_eq(h.due, NSEC_NEVER);
}
END_TEST

/* Changes without end, each of which is told at once: a fiftieth of the time, or each 20 ms. */
START_TEST(dumps_cost_a_small_part)
{
	const nsec_t cost = _i ? MS(3) : 100 * NSEC_PER_USEC;
	int dumps = 0;

	for (nsec_t now = SEC(10); now < SEC(11); now += 100 * NSEC_PER_USEC) {
		host_cadence_changed(&h, now, now);
		if (h.due > now)
			continue;
		host_cadence_dumped(&h, now, now + cost);
		dumps++;
	}
	ck_assert_int_ge(dumps, _i ? 45 : 150);
	ck_assert_int_le(dumps, _i ? 51 : 201);
}
END_TEST

START_TEST(packets_are_polled_as_on_the_real_clock)
{
	host_cadence_hint(&h, SEC(5));
	ck_assert_int_eq(h.due, SEC(5) + MS(1));
	host_cadence_dumped(&h, SEC(5) + MS(1), SEC(5) + MS(1));
	ck_assert_int_eq(h.due, NSEC_NEVER);
	host_cadence_hint(&h, SEC(5) + MS(2));
	ck_assert_int_eq(h.due, SEC(5) + MS(21));
	host_cadence_hint(&h, SEC(5) + MS(8));
	ck_assert_int_eq(h.due, SEC(5) + MS(21));
}
END_TEST

/* When it is to end; where that was so already, each second until it has. */
START_TEST(a_silent_end_is_looked_for)
{
	host_cadence_dumped(&h, SEC(5), SEC(5));
	host_cadence_ends(&h, SEC(65));
	ck_assert_int_eq(h.due, SEC(65));
	host_cadence_dumped(&h, SEC(65), SEC(65));
	host_cadence_ends(&h, SEC(65));
	ck_assert_int_eq(h.due, SEC(66));
	/* It does not put off what comes first. */
	host_cadence_ends(&h, SEC(90));
	ck_assert_int_eq(h.due, SEC(66));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("cadence");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, the_real_clock_polls);
	tcase_add_test(t, the_virtual_clock_does_not);
	tcase_add_test(t, samples_of_a_long_plan_are_few);
	tcase_add_loop_test(t, what_the_tracepoint_does_not_tell, 0, ARRAY_SIZE(asked));
	tcase_add_test(t, nothing_is_due_by_itself);
	tcase_add_test(t, the_first_change_is_remembered);
	tcase_add_test(t, what_only_stirs_is_no_change);
	tcase_add_test(t, it_is_looked_at_once_more_and_no_more);
	tcase_add_loop_test(t, dumps_cost_a_small_part, 0, 2);
	tcase_add_test(t, packets_are_polled_as_on_the_real_clock);
	tcase_add_test(t, a_silent_end_is_looked_for);
	return run_tests("cadence", t);
}
