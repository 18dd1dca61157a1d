/* SPDX-License-Identifier: MIT */
#include "harness/run/cadence.h"

#include <sys/socket.h>

#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

/* What is heard of is looked at so much later. */
#define SETTLE (MS(1) / 2)

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
	ck_assert_int_eq(c.gather, 0);
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
	ck_assert_int_eq(c.gather, SETTLE);
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

/* A whole look; what it took in. */
static struct suspects look(nsec_t began, nsec_t ended)
{
	struct suspects taken;

	host_cadence_begin(&h, began, &taken);
	host_cadence_end(&h, &taken, ended);
	return taken;
}

static struct suspect socket_of(uint16_t port)
{
	return (struct suspect){.sk = port,
				.local = {.family = AF_INET, .port = port},
				.peer = {.family = AF_INET, .port = 8000},
				.lives = true};
}

START_TEST(nothing_is_due_by_itself)
{
	ck_assert_int_eq(h.due, NSEC_NEVER);
	look(SEC(1), SEC(1) + MS(1));
	ck_assert_int_eq(h.due, NSEC_NEVER);
	ck_assert_int_eq(h.changed, NSEC_NEVER);
}
END_TEST

/* The first time is what counts, in whatever order the processors' rings are read. */
START_TEST(the_first_change_is_remembered)
{
	host_cadence_changed(&h, NULL, SEC(5));
	host_cadence_changed(&h, NULL, SEC(5) - MS(3));
	host_cadence_changed(&h, NULL, SEC(5) - MS(1));
	ck_assert_int_eq(h.changed, SEC(5) - MS(3));
	ck_assert_int_eq(h.due, SEC(5) - MS(3) + SETTLE);
	look(h.due, h.due);
	ck_assert_int_eq(h.changed, NSEC_NEVER);
}
END_TEST

START_TEST(what_only_stirs_is_no_change)
{
	host_cadence_stirred(&h, NULL, SEC(5));
	ck_assert_int_eq(h.changed, NSEC_NEVER);
	ck_assert_int_eq(h.due, SEC(5) + SETTLE);
}
END_TEST

/* Whether it is one socket that changed or any of them. */
START_TEST(it_is_looked_at_once_more_and_no_more)
{
	struct suspect one = socket_of(41000);
	struct suspects taken;

	host_cadence_changed(&h, _i ? &one : NULL, SEC(5));
	taken = look(SEC(5) + MS(1), SEC(5) + MS(2));
	ck_assert_uint_eq(taken.n, (size_t)_i);
	ck_assert_int_eq(suspects_want_dump(&taken), !_i);
	ck_assert_int_eq(h.due, SEC(5) + MS(20));
	taken = look(SEC(5) + MS(20), SEC(5) + MS(21));
	ck_assert_uint_eq(taken.n, (size_t)_i);
	ck_assert_int_eq(suspects_want_dump(&taken), !_i);
	ck_assert_int_eq(h.due, NSEC_NEVER);
}
END_TEST

/* It could not change any more. */
START_TEST(what_was_gone_is_not_looked_at_again)
{
	struct suspect one = socket_of(41000);
	struct suspects taken;

	host_cadence_changed(&h, &one, SEC(5));
	host_cadence_begin(&h, SEC(5) + MS(1), &taken);
	taken.list[0].looks = 0;
	host_cadence_end(&h, &taken, SEC(5) + MS(1));
	ck_assert_int_eq(h.due, NSEC_NEVER);
}
END_TEST

/* What is told while a look goes on may have come too late for it. */
START_TEST(what_is_told_meanwhile_is_for_the_next)
{
	struct suspect one = socket_of(41000);
	struct suspects taken;

	host_cadence_hint(&h, NULL, SEC(5));
	host_cadence_begin(&h, SEC(5) + MS(1), &taken);
	host_cadence_hint(&h, &one, SEC(5) + MS(2));
	host_cadence_end(&h, &taken, SEC(5) + MS(3));
	ck_assert_int_eq(h.due, SEC(5) + MS(20));
	taken = look(h.due, h.due);
	ck_assert_uint_eq(taken.n, 1);
	ck_assert(!suspects_want_dump(&taken));
	ck_assert_int_eq(h.due, NSEC_NEVER);
}
END_TEST

/* Changes without end, each of which is told at once: a fiftieth of the time, or each 20 ms. */
START_TEST(looks_cost_a_small_part)
{
	const nsec_t cost = _i ? MS(3) : 100 * NSEC_PER_USEC;
	int looks = 0;

	for (nsec_t now = SEC(10); now < SEC(11); now += 100 * NSEC_PER_USEC) {
		host_cadence_changed(&h, NULL, now);
		if (h.due > now)
			continue;
		look(now, now + cost);
		looks++;
	}
	ck_assert_int_ge(looks, _i ? 45 : 150);
	ck_assert_int_le(looks, _i ? 51 : 201);
}
END_TEST

START_TEST(packets_are_polled_as_on_the_real_clock)
{
	host_cadence_hint(&h, NULL, SEC(5));
	ck_assert_int_eq(h.due, SEC(5) + SETTLE);
	look(SEC(5) + MS(1), SEC(5) + MS(1));
	ck_assert_int_eq(h.due, NSEC_NEVER);
	host_cadence_hint(&h, NULL, SEC(5) + MS(2));
	ck_assert_int_eq(h.due, SEC(5) + MS(20));
	host_cadence_hint(&h, NULL, SEC(5) + MS(8));
	ck_assert_int_eq(h.due, SEC(5) + MS(20));
}
END_TEST

/* Two hosts whose looks ended at different times: the next ones cost one wake. */
START_TEST(second_looks_are_taken_together)
{
	struct host_cadence other;

	host_cadence_init(&other);
	host_cadence_changed(&h, NULL, SEC(5));
	look(SEC(5) + MS(1), SEC(5) + MS(1));
	nsec_t due = h.due;
	h = other;
	host_cadence_changed(&h, NULL, SEC(5) + MS(2));
	look(SEC(5) + MS(3), SEC(5) + MS(4));
	ck_assert_int_eq(h.due, due);
	ck_assert_int_le(due, SEC(5) + MS(21));
	ck_assert_int_ge(due, SEC(5) + MS(15));
}
END_TEST

/* When it is to end; where that was so already, each second until it has. */
START_TEST(a_silent_end_is_looked_for)
{
	struct suspects taken;

	look(SEC(5), SEC(5));
	host_cadence_ends(&h, SEC(65));
	ck_assert_int_eq(h.due, SEC(65));
	taken = look(SEC(65), SEC(65));
	ck_assert(suspects_want_dump(&taken));
	host_cadence_ends(&h, SEC(65));
	ck_assert_int_eq(h.due, SEC(66));
	/* It does not put off what comes first. */
	host_cadence_ends(&h, SEC(90));
	ck_assert_int_eq(h.due, SEC(66));
}
END_TEST

/* --- suspects --- */

/* One that has no port yet can only be found among all; the next word about it gives it its name. */
START_TEST(a_nameless_one_is_named_later)
{
	struct suspects s = {0};
	struct suspect one = socket_of(0), other = socket_of(41000);

	one.sk = 1;
	one.looks = other.looks = SUSPECTS_TWICE;
	suspects_add(&s, &one);
	ck_assert(suspects_want_dump(&s));
	other.sk = _i ? 1 : 2;
	suspects_add(&s, &other);
	ck_assert_int_eq(suspects_want_dump(&s), !_i);
	ck_assert_uint_eq(s.n, _i ? 1 : 2);
}
END_TEST

/* The kernel's memory of a socket goes to the next one; what the first left behind is not forgotten. */
START_TEST(the_same_memory_is_not_the_same_socket)
{
	struct suspects s = {0};
	struct suspect one = socket_of(41000), next = socket_of(41001);

	next.sk = one.sk;
	suspects_add(&s, &one);
	suspects_add(&s, &next);
	ck_assert_uint_eq(s.n, 2);
}
END_TEST

/* Of the kernel's words the last one holds, and no hearsay takes it back. */
START_TEST(the_last_word_holds)
{
	struct suspects s = {0};
	struct suspect one = socket_of(41000), hearsay = socket_of(41000);

	hearsay.sk = 0;
	hearsay.lives = false;
	hearsay.looks = SUSPECTS_TWICE;
	one.looks = SUSPECTS_ONCE;
	suspects_add(&s, &one);
	suspects_add(&s, &hearsay);
	ck_assert_uint_eq(s.n, 1);
	ck_assert(s.list[0].lives);
	ck_assert_uint_eq(s.list[0].looks, SUSPECTS_TWICE);
	one.lives = false;
	suspects_add(&s, &one);
	ck_assert(!s.list[0].lives);
}
END_TEST

START_TEST(too_many_are_all)
{
	struct suspects s = {0}, again = {0};

	for (uint16_t port = 1; port <= SUSPECTS_MAX + 1; port++) {
		struct suspect one = socket_of(port);

		ck_assert(!suspects_want_dump(&s));
		one.looks = SUSPECTS_TWICE;
		suspects_add(&s, &one);
	}
	ck_assert(suspects_want_dump(&s));
	/* Twice, as each of them would have been. */
	ck_assert(suspects_keep(&again, &s));
	ck_assert(suspects_want_dump(&again));
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
	tcase_add_loop_test(t, it_is_looked_at_once_more_and_no_more, 0, 2);
	tcase_add_test(t, what_was_gone_is_not_looked_at_again);
	tcase_add_test(t, what_is_told_meanwhile_is_for_the_next);
	tcase_add_loop_test(t, looks_cost_a_small_part, 0, 2);
	tcase_add_test(t, packets_are_polled_as_on_the_real_clock);
	tcase_add_test(t, second_looks_are_taken_together);
	tcase_add_test(t, a_silent_end_is_looked_for);
	tcase_add_loop_test(t, a_nameless_one_is_named_later, 0, 2);
	tcase_add_test(t, the_same_memory_is_not_the_same_socket);
	tcase_add_test(t, the_last_word_holds);
	tcase_add_test(t, too_many_are_all);
	return run_tests("cadence", t);
}
