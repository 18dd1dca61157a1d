/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "reference-app/loop.h"
#include "reference-app/requests.h"
#include "reference-app/tests/support.h"

#define TIMERS 500

struct probe {
	struct timer timer;
	unsigned fired;
};

static struct timers timers;
static struct probe probes[TIMERS];
static nsec_t last_fired;

static void fired(struct timer *timer, nsec_t now)
{
	struct probe *probe = CONTAINER_OF(timer, struct probe, timer);

	(void)now;
	ck_assert(!timer_armed(timer));
	ck_assert_int_ge(timer->at, last_fired);
	last_fired = timer->at;
	probe->fired++;
}

static void setup(void)
{
	timers = (struct timers){0};
	last_fired = 0;
	for (int i = 0; i < TIMERS; i++)
		probes[i] = (struct probe){.timer.expired = fired};
	ck_assert_int_eq(timers_reserve(&timers, TIMERS), 0);
}

static void teardown(void)
{
	timers_free(&timers);
}

START_TEST(they_fire_in_order_and_once)
{
	unsigned seed = 1;

	for (int i = 0; i < TIMERS; i++)
		timer_arm(&timers, &probes[i].timer, 1 + rand_r(&seed) % 1000);
	timers_run(&timers, 500);
	for (int i = 0; i < TIMERS; i++)
		ck_assert_uint_eq(probes[i].fired, probes[i].timer.at <= 500);
	timers_run(&timers, 1000);
	for (int i = 0; i < TIMERS; i++)
		ck_assert_uint_eq(probes[i].fired, 1);
	ck_assert_int_eq(timers_next(&timers), NSEC_NEVER);
}
END_TEST

START_TEST(moved_and_disarmed_ones)
{
	unsigned seed = 2;

	for (int i = 0; i < TIMERS; i++)
		timer_arm(&timers, &probes[i].timer, 1 + rand_r(&seed) % 1000);
	for (int i = 0; i < TIMERS; i += 2)
		timer_arm(&timers, &probes[i].timer, 1 + rand_r(&seed) % 1000);
	for (int i = 0; i < TIMERS; i += 3)
		timer_disarm(&timers, &probes[i].timer);
	timers_run(&timers, 1000);
	for (int i = 0; i < TIMERS; i++)
		ck_assert_uint_eq(probes[i].fired, i % 3 != 0);
}
END_TEST

static void fire_for_ever(struct timer *timer, nsec_t now)
{
	CONTAINER_OF(timer, struct probe, timer)->fired++;
	timer_arm(&timers, timer, now);
}

START_TEST(one_that_arms_itself_for_the_past_starves_nobody)
{
	probes[0].timer.expired = fire_for_ever;
	timer_arm(&timers, &probes[0].timer, 1);
	timers_run(&timers, 10);
	ck_assert_uint_eq(probes[0].fired, 1);
}
END_TEST

#define S NSEC_PER_SEC

START_TEST(requests_first_at_once_then_on_their_beat)
{
	static struct requests requests;
	uint32_t id;

	requests_start(&requests, 2, 0.5, 100 * S);
	ck_assert(requests_next(&requests, 100 * S, &id));
	ck_assert(!requests_next(&requests, 100 * S, &id));
	ck_assert_int_eq(requests_due(&requests), 100 * S + S / 4);
	ck_assert(requests_next(&requests, 100 * S + S / 4, &id));
	ck_assert_int_eq(requests_due(&requests), 100 * S + S / 4 + S / 2);
}
END_TEST

START_TEST(no_rate_no_requests)
{
	static struct requests requests;
	uint32_t id;

	requests_start(&requests, 0, 0.5, 100 * S);
	ck_assert(!requests_next(&requests, 1000 * S, &id));
	ck_assert_int_eq(requests_due(&requests), NSEC_NEVER);
}
END_TEST

START_TEST(answers_must_have_been_asked_for)
{
	static struct requests requests;
	uint32_t id;

	requests_start(&requests, 1, 0, 100 * S);
	ck_assert(requests_next(&requests, 100 * S, &id));
	ck_assert_int_eq(requests_answered(&requests, id + 1, 101 * S), -1);
	ck_assert_int_eq(requests_answered(&requests, id + REQUESTS_IN_FLIGHT_MAX, 101 * S), -1);
	ck_assert_int_eq(requests_answered(&requests, id, 101 * S), S);
	ck_assert_int_eq(requests_answered(&requests, id, 101 * S), -1);
	ck_assert_uint_eq(requests.in_flight, 0);
}
END_TEST

START_TEST(requests_in_flight_are_bounded_and_not_owed)
{
	static struct requests requests;
	nsec_t now = 100 * S;
	uint32_t id;

	requests_start(&requests, 1000, 0, now);
	for (int i = 0; i < 10000; i++, now += S / 1000)
		while (requests_next(&requests, now, &id))
			;
	ck_assert_uint_eq(requests.in_flight, REQUESTS_IN_FLIGHT_MAX);
	for (id = 0; id < REQUESTS_IN_FLIGHT_MAX; id++)
		ck_assert_int_ge(requests_answered(&requests, id, now), 0);
	/* The 9744 that could not be sent are not sent now. */
	for (int i = 0; requests_next(&requests, now, &id); i++)
		ck_assert_int_lt(i, 2);
}
END_TEST

START_TEST(so_many_are_kept_in_flight)
{
	static struct requests requests;
	uint32_t first;
	uint32_t id;

	requests_keep(&requests, 2);
	ck_assert_int_eq(requests_due(&requests), NSEC_NEVER);
	ck_assert(requests_next(&requests, 100 * S, &first));
	ck_assert(requests_next(&requests, 100 * S, &id));
	ck_assert(!requests_next(&requests, 1000 * S, &id));
	ck_assert_int_eq(requests_answered(&requests, first, 101 * S), S);
	ck_assert(requests_next(&requests, 101 * S, &id));
	ck_assert(!requests_next(&requests, 101 * S, &id));
	ck_assert_uint_eq(requests.in_flight, 2);
}
END_TEST

/* All but the first are answered: the slot of the next is the first's once the ids have come round. */
START_TEST(an_answer_that_stays_away_keeps_its_slot)
{
	static struct requests requests;
	uint32_t first;
	uint32_t id;

	requests_keep(&requests, 2);
	ck_assert(requests_next(&requests, 100 * S, &first));
	for (int i = 1; i < REQUESTS_IN_FLIGHT_MAX; i++) {
		ck_assert(requests_next(&requests, 100 * S, &id));
		ck_assert_int_eq(requests_answered(&requests, id, 100 * S), 0);
	}
	ck_assert(!requests_next(&requests, 100 * S, &id));
	ck_assert_int_eq(requests_answered(&requests, first, 101 * S), S);
	ck_assert(requests_next(&requests, 101 * S, &id));
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("timers");
	TCase *tc = tcase_create("timers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, they_fire_in_order_and_once);
	tcase_add_test(tc, moved_and_disarmed_ones);
	tcase_add_test(tc, one_that_arms_itself_for_the_past_starves_nobody);
	tcase_add_test(tc, requests_first_at_once_then_on_their_beat);
	tcase_add_test(tc, no_rate_no_requests);
	tcase_add_test(tc, answers_must_have_been_asked_for);
	tcase_add_test(tc, requests_in_flight_are_bounded_and_not_owed);
	tcase_add_test(tc, so_many_are_kept_in_flight);
	tcase_add_test(tc, an_answer_that_stays_away_keeps_its_slot);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
