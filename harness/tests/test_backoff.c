/* SPDX-License-Identifier: MIT */
#include "harness/base/cleanup.h"
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_client;
static uint16_t next_port;

static void setup(void)
{
	world_init(&w, SEC(600));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	next_port = 41000;
}

static void teardown(void)
{
	world_free(&w);
}

/* 1 s, 2 s, 4 s, 8 s, 8 s, ..., each up to half as long again. */
static struct plan_expect *expect_waits(void)
{
	struct plan_expect *e = world_expect(&w, "backoff");

	e->spec.app = "client";
	e->spec.base = SEC(1);
	e->spec.factor = 2;
	e->spec.cap = SEC(8);
	e->spec.jitter = 0.5;
	world_list(&w, &e->apps, app_client);
	return e;
}

static struct tuple new_tuple(void)
{
	next_port++;
	return (struct tuple){client, server, next_port, 8000, next_port, false};
}

/* An attempt that is refused: from its SYN to its end, when the reset arrives, it takes 10 ms. */
static nsec_t see_refused(nsec_t t)
{
	struct tuple c = new_tuple();

	see_syn(&w, t, &c);
	see_refusal(&w, t + MS(9), &c);
	return t + MS(10);
}

/* Attempts from t on with these waits (in ms, 0 ends the list) in between; gives the last end. */
static nsec_t see_waits(nsec_t t, const int *waits_ms)
{
	t = see_refused(t);
	for (; *waits_ms; waits_ms++)
		t = see_refused(t + MS(*waits_ms));
	return t;
}

START_TEST(as_asked)
{
	static const int waits[] = {1000, 3000, 4500, 8000, 12000, 9000, 0};

	expect_waits();
	see_waits(SEC(1), waits);
	world_expect_verdict(&w, VERDICT_PASS, "6 gaps from 1.000 s to 12.000 s");
}
END_TEST

/* The program's own first wait was before the first attempt: i = 1 is the first to be seen. */
START_TEST(from_the_second_wait_on)
{
	static const int waits[] = {2500, 5500, 9000, 8000, 0};

	expect_waits();
	see_waits(SEC(1), waits);
	world_expect_verdict(&w, VERDICT_PASS, "4 gaps");
}
END_TEST

/* But not from the third, and not from one here and from another there. */
START_TEST(from_the_third_wait_on)
{
	static const int waits[] = {4000, 8000, 8000, 8000, 0};

	expect_waits();
	see_waits(SEC(1), waits);
	world_expect_verdict(&w, VERDICT_FAIL, "gap 2 was 8.000 s, not in [4s, 6s]");
}
END_TEST

START_TEST(one_index_for_the_whole_streak)
{
	static const int waits[] = {1000, 2000, 8000, 8000, 0};

	expect_waits();
	see_waits(SEC(1), waits);
	world_expect_verdict(&w, VERDICT_FAIL, "gap 3 was 8.000 s, not in [4s, 6s]");
}
END_TEST

START_TEST(no_backoff)
{
	static const int waits[] = {1, 1, 1, 1, 0};

	expect_waits();
	see_waits(SEC(1), waits);
	world_expect_verdict(&w, VERDICT_FAIL, "gap 4 was 0.001 s, not in [8s, 12s]");
}
END_TEST

START_TEST(beyond_the_cap)
{
	static const int waits[] = {1000, 2000, 4000, 8000, 16000, 0};

	expect_waits();
	see_waits(SEC(1), waits);
	world_expect_verdict(&w, VERDICT_FAIL, "gap 5 was 16.000 s, not in [8s, 12s]");
}
END_TEST

/* Early by the rounding of a timer; late by that and a thousandth of the wait; and beyond both. */
START_TEST(tolerance)
{
	const int waits[] = {999 - (_i == 1), 2000, 6007 + (_i == 2), 0};

	expect_waits();
	see_waits(SEC(1), waits);
	if (_i == 0)
		world_expect_verdict(&w, VERDICT_PASS, "3 gaps");
	else if (_i == 1)
		world_expect_verdict(&w, VERDICT_FAIL, "gap 1 was 0.998 s, not in [1s, 1.5s]");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "gap 3 was 6.008 s, not in [4s, 6s]");
}
END_TEST

START_TEST(two_gaps_are_too_few)
{
	static const int waits[] = {1000, 2000, 0};

	expect_waits();
	see_waits(SEC(1), waits);
	world_expect_verdict(&w, VERDICT_VOID, "only 2 gaps");
}
END_TEST

/* A success ends the streak: afterwards it begins with the base again. */
START_TEST(a_success_ends_the_streak)
{
	static const int waits[] = {1000, 2000, 0};
	struct tuple c;
	nsec_t t;

	expect_waits();
	t = see_waits(SEC(1), waits) + SEC(4);
	c = new_tuple();
	see_connect(&w, t, &c);
	/* 20 s of success; the wait from its loss to the next attempt is no gap. */
	see_fin(&w, t + SEC(20), &c, 0);
	see_waits(t + SEC(20) + MS(100), waits);
	world_expect_verdict(&w, VERDICT_PASS, "5 gaps from 1.000 s to 4.000 s");
}
END_TEST

/* Without that the gap would be the fourth of its streak. */
START_TEST(the_new_streak_is_judged)
{
	static const int waits[] = {1000, 2000, 0}, wrong[] = {8000, 8000, 0};
	struct tuple c;
	nsec_t t;

	expect_waits();
	t = see_waits(SEC(1), waits) + SEC(4);
	c = new_tuple();
	see_connect(&w, t, &c);
	see_waits(t + SEC(20), wrong);
	world_expect_verdict(&w, VERDICT_FAIL, "gap 1 was 8.000 s");
}
END_TEST

/* A connect deadline of 3 s: the end is the socket's destruction, and the gap begins there. */
START_TEST(attempts_that_time_out)
{
	static const int waits[] = {1000, 2000, 4000, 8000};
	nsec_t t = SEC(1);

	expect_waits();
	for (uint64_t i = 0; i <= ARRAY_SIZE(waits); i++) {
		struct tuple c = new_tuple();

		see_syn(&w, t, &c);
		see_packet(&w, t + SEC(1), EV_SYN, &c, 0, TCP_FLAG_SYN)->packet.retransmit = true;
		see_socket(&w, t + MS(5), EV_STATE, &c, 0, i + 1, STATE_SYN_SENT, app_client);
		see_destroyed(&w, t + SEC(3), client, i + 1);
		if (i < ARRAY_SIZE(waits))
			t += SEC(3) + MS(waits[i]);
	}
	world_expect_verdict(&w, VERDICT_PASS, "4 gaps from 1.000 s to 8.000 s");
}
END_TEST

/* The end lies between two polls: a gap that may be in its range is. */
START_TEST(attempts_found_gone)
{
	nsec_t t = SEC(1);

	expect_waits();
	for (uint64_t i = 0; i < 4; i++) {
		struct tuple c = new_tuple();
		nsec_t wait = SEC(1 << i);

		see_syn(&w, t, &c);
		see_socket(&w, t + MS(5), EV_STATE, &c, 0, i + 1, STATE_SYN_SENT, app_client);
		see_gone(&w, t + SEC(3) - MS(15), t + SEC(3) + MS(5), &c, 0, i + 1, app_client);
		t += SEC(3) + wait - (_i ? MS(30) : 0);
	}
	if (_i)
		world_expect_verdict(&w, VERDICT_FAIL, "gap 1 was 0.965 s");
	else
		world_expect_verdict(&w, VERDICT_PASS, "3 gaps");
}
END_TEST

START_TEST(overlapping_attempts)
{
	struct tuple c = new_tuple();

	expect_waits();
	see_syn(&w, SEC(1), &c);
	see_socket(&w, SEC(1), EV_STATE, &c, 0, 7, STATE_SYN_SENT, app_client);
	see_destroyed(&w, SEC(10), client, 7);
	static const int waits[] = {1000, 2000, 4000, 0};
	see_waits(SEC(5), waits);
	world_expect_verdict(&w, VERDICT_VOID, "overlap");
}
END_TEST

/* IPv6 and then IPv4 of one name: one attempt, which failed when the later one did. */
START_TEST(several_addresses_of_one_name)
{
	static const int waits[] = {1000, 2000, 4000};
	nsec_t t = SEC(1);

	expect_waits();
	for (size_t i = 0; i <= ARRAY_SIZE(waits); i++) {
		struct tuple six = new_tuple(), four = new_tuple();

		six.v6 = true;
		see_syn(&w, t, &six);
		see_refusal(&w, t + MS(1), &six);
		see_syn(&w, t + MS(250), &four);
		see_refusal(&w, t + MS(251), &four);
		if (i < ARRAY_SIZE(waits))
			t += MS(252) + MS(waits[i]);
	}
	world_expect_verdict(&w, VERDICT_PASS, "3 gaps from 1.000 s to 4.000 s");
}
END_TEST

/* The same address again is another attempt, however soon. */
START_TEST(the_same_address_again)
{
	nsec_t t = SEC(1);

	expect_waits();
	for (int i = 0; i < 4; i++) {
		see_refused(t);
		t = see_refused(t + MS(250)) + SEC(1);
	}
	world_expect_verdict(&w, VERDICT_FAIL, "gap");
}
END_TEST

/* The same 4-tuple with another sequence number is a new attempt. */
START_TEST(the_same_port_again)
{
	nsec_t t = SEC(1);

	expect_waits();
	for (int i = 0; i < 4; i++) {
		struct tuple c = {client, server, 41000, 8000, 1000 + (uint32_t)i, false};

		see_syn(&w, t, &c);
		see_refusal(&w, t + MS(1), &c);
		t += MS(2) + SEC(1 << i);
	}
	world_expect_verdict(&w, VERDICT_PASS, "3 gaps");
}
END_TEST

/* The harness restarts the app between two attempts: that wait is not its own. */
START_TEST(restarted_in_between)
{
	static const int waits[] = {1000, 2000, 4000, 0};
	int restart;
	nsec_t t;

	expect_waits();
	t = see_waits(SEC(1), waits);
	restart = world_step(&w, STEP_RESTART, app_client, t + SEC(1));
	see_step(&w, restart);
	see_waits(t + SEC(100), waits);
	world_expect_verdict(&w, VERDICT_PASS, "6 gaps from 1.000 s to 4.000 s");
}
END_TEST

START_TEST(another_peer)
{
	static const int waits[] = {1000, 2000, 4000, 0};
	struct plan_expect *e = expect_waits();

	world_list(&w, &e->peer_hosts, server);
	e->peer_port = 9000;
	see_waits(SEC(1), waits);
	world_expect_verdict(&w, VERDICT_VOID, "only 0 gaps");
}
END_TEST

START_TEST(keys_that_contradict)
{
	struct plan_expect *e = expect_waits();
	struct flaw flaw;

	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	e->spec.cap = MS(500);
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.cap = SEC(8);
	e->spec.factor = 0.5;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	e->spec.factor = 2;
	e->spec.base = 0;
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
	ck_assert_ptr_nonnull(flaw.message);
	ck_assert_ptr_nonnull(flaw.hint);
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("backoff");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, as_asked);
	tcase_add_test(c, from_the_second_wait_on);
	tcase_add_test(c, from_the_third_wait_on);
	tcase_add_test(c, one_index_for_the_whole_streak);
	tcase_add_test(c, no_backoff);
	tcase_add_test(c, beyond_the_cap);
	tcase_add_loop_test(c, tolerance, 0, 3);
	tcase_add_test(c, two_gaps_are_too_few);
	tcase_add_test(c, a_success_ends_the_streak);
	tcase_add_test(c, the_new_streak_is_judged);
	tcase_add_test(c, attempts_that_time_out);
	tcase_add_loop_test(c, attempts_found_gone, 0, 2);
	tcase_add_test(c, overlapping_attempts);
	tcase_add_test(c, several_addresses_of_one_name);
	tcase_add_test(c, the_same_address_again);
	tcase_add_test(c, the_same_port_again);
	tcase_add_test(c, restarted_in_between);
	tcase_add_test(c, another_peer);
	tcase_add_test(c, keys_that_contradict);
	return run_tests("backoff", c);
}
