/* SPDX-License-Identifier: MIT */
#include <netinet/tcp.h>

#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

#define COOKIE 7

static struct world w;
static int server, client; /* hosts */
static int app_client;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	see_start(&w, 0, app_client);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_client(void)
{
	struct plan_expect *e = world_expect(&w, "gives-up");

	e->spec.app = "client";
	e->spec.within = SEC(3) + MS(50);
	world_list(&w, &e->apps, app_client);
	return e;
}

static struct tuple tuple(uint16_t port, uint32_t isn)
{
	return (struct tuple){
		.from = client, .to = server, .from_port = port, .to_port = 8000, .isn = isn};
}

/* A SYN at t that nothing answers, and the socket that the app has for it. */
static struct tuple see_attempt(nsec_t t, uint16_t port, uint64_t cookie)
{
	struct tuple c = tuple(port, port);

	see_syn(&w, t, &c);
	see_socket(&w, t + MS(5), EV_STATE, &c, 0, cookie, TCP_SYN_SENT, app_client);
	return c;
}

START_TEST(in_time)
{
	expect_client();
	see_attempt(SEC(1), 40000, COOKIE);
	see_destroyed(&w, SEC(4) + MS(10), client, COOKIE);
	world_expect_verdict(&w, VERDICT_PASS, "3.010 s");
}
END_TEST

START_TEST(too_late)
{
	expect_client();
	see_attempt(SEC(1), 40000, COOKIE);
	see_destroyed(&w, SEC(4) + MS(51), client, COOKIE);
	world_expect_verdict(&w, VERDICT_FAIL, "3.051 s");
}
END_TEST

START_TEST(too_early)
{
	struct plan_expect *e = expect_client();

	e->spec.not_before = SEC(3);
	see_attempt(SEC(1), 40000, COOKIE);
	see_destroyed(&w, SEC(4) - MS(_i), client, COOKIE);
	/* A millisecond is the rounding of the app's timer. */
	if (_i <= 1)
		world_expect_verdict(&w, VERDICT_PASS, "s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "2.998 s, too early");
}
END_TEST

START_TEST(it_goes_on)
{
	expect_client();
	see_attempt(SEC(1), 40000, COOKIE);
	world_expect_verdict(&w, VERDICT_FAIL, "still trying at the end, 29.000 s");
}
END_TEST

/* An end between two polls: the bound lies before both, between them, behind both. */
START_TEST(an_end_between_two_polls)
{
	static const struct {
		nsec_t since, t;
		enum verdict verdict;
		const char *observed;
	} cases[] = {
		{SEC(4) + MS(51), SEC(5), VERDICT_FAIL, "4.000 s"},
		{SEC(4) + MS(50), SEC(5), VERDICT_INCONCLUSIVE,
		 "between 3.050 s and 4.000 s, as polls show, and the bound 3.05s is in there"},
		{SEC(4) + MS(30), SEC(4) + MS(50), VERDICT_PASS, "3.050 s"},
		{SEC(3) + MS(979), SEC(4) - MS(1), VERDICT_INCONCLUSIVE, "the bound 3s is in"},
		{SEC(3) + MS(978), SEC(4) - MS(2), VERDICT_FAIL, "2.998 s, too early"},
	};
	struct tuple c = see_attempt(SEC(1), 40000, COOKIE);

	expect_client()->spec.not_before = SEC(3);
	see_gone(&w, cases[_i].since, cases[_i].t, &c, 0, COOKIE, app_client);
	world_expect_verdict(&w, cases[_i].verdict, cases[_i].observed);
}
END_TEST

START_TEST(the_longest_decides)
{
	expect_client();
	see_attempt(SEC(1), 40000, COOKIE);
	see_destroyed(&w, SEC(4), client, COOKIE);
	see_attempt(SEC(5), 40001, COOKIE + 1);
	see_destroyed(&w, SEC(9), client, COOKIE + 1);
	see_attempt(SEC(10), 40002, COOKIE + 2);
	see_destroyed(&w, SEC(13), client, COOKIE + 2);
	world_expect_verdict(&w, VERDICT_FAIL, "4.000 s");
}
END_TEST

/* What was answered was not given up. */
START_TEST(answered_attempts_do_not_count)
{
	struct tuple c = tuple(40000, 1), d = tuple(40001, 2);

	expect_client();
	see_connect(&w, SEC(1), &c);
	see_syn(&w, SEC(2), &d);
	see_refusal(&w, SEC(2) + MS(1), &d);
	world_expect_verdict(&w, VERDICT_VOID, "no end of an unanswered attempt was seen, of 2");
}
END_TEST

/* Of two addresses one refuses, and the other is silent: that one has to be given up. */
START_TEST(a_refusal_by_one_address)
{
	struct tuple six = tuple(40000, 1), four = tuple(40001, 2);

	expect_client();
	six.v6 = true;
	see_syn(&w, SEC(1), &six);
	see_refusal(&w, SEC(1) + MS(1), &six);
	if (_i < 2) {
		see_syn(&w, SEC(1) + MS(2), &four);
		see_socket(&w, SEC(1) + MS(5), EV_STATE, &four, 0, COOKIE, TCP_SYN_SENT,
			   app_client);
	}
	if (_i == 0)
		see_destroyed(&w, SEC(3), client, COOKIE);
	world_expect_verdict(&w,
			     _i == 0   ? VERDICT_PASS
			     : _i == 1 ? VERDICT_FAIL
				       : VERDICT_VOID,
			     _i == 0   ? "2.000 s"
			     : _i == 1 ? "still trying at the end"
				       : "no end of an unanswered attempt");
}
END_TEST

/* It had not given up by then. */
START_TEST(an_answer_behind_the_bound_comes_too_late)
{
	struct tuple c = tuple(40000, 1);

	expect_client();
	see_syn(&w, SEC(1), &c);
	if (_i)
		see_refusal(&w, SEC(5), &c);
	else /* its SYN-ACK had been lost, say */
		see_packet(&w, SEC(5), EV_ESTABLISHED, &c, 0, TCP_FLAG_ACK);
	world_expect_verdict(&w, VERDICT_FAIL,
			     _i ? "4.001 s, then it was answered"
				: "4.000 s, then it was answered");
}
END_TEST

/* A middlebox that answers the SYN with a reset has refused it. */
START_TEST(a_forged_refusal_is_an_answer)
{
	int reject = world_fault(&w, "no", "reject", server, 0, SEC(20));

	see_step(&w, reject);
	expect_client();
	struct tuple c = see_attempt(SEC(1), 40000, COOKIE);
	see_forged(&w, SEC(1) + MS(1), &c, 0, reject);
	see_destroyed(&w, SEC(9), client, COOKIE);
	world_expect_verdict(&w, VERDICT_VOID, "");
}
END_TEST

START_TEST(never_tried)
{
	expect_client();
	world_expect_verdict(&w, VERDICT_VOID, "never tried");
}
END_TEST

START_TEST(the_scenario_ends_too_soon)
{
	expect_client();
	see_attempt(SEC(28), 40000, COOKIE);
	world_expect_verdict(&w, VERDICT_VOID, "broken off");
}
END_TEST

/* The harness kills the app: whether it would have given up in time is not known. */
START_TEST(the_harness_breaks_off)
{
	int step = world_step(&w, STEP_KILL, app_client, SEC(2));

	expect_client();
	see_attempt(SEC(1), 40000, COOKIE);
	see_step(&w, step);
	see_exit(&w, SEC(2), app_client, -1, 9, true);
	see_destroyed(&w, SEC(2), client, COOKIE);
	world_expect_verdict(&w, VERDICT_VOID, "broken off");
}
END_TEST

START_TEST(keys_that_contradict)
{
	struct plan_expect *e = expect_client();
	const struct expect_ops *ops = e->spec.ops;
	struct flaw flaw;

	ck_assert(ops->check(&e->spec, &flaw));
	e->spec.not_before = e->spec.within;
	ck_assert(ops->check(&e->spec, &flaw));
	e->spec.not_before = e->spec.within + 1;
	ck_assert(!ops->check(&e->spec, &flaw));
	ck_assert_ptr_nonnull(flaw.message);
	ck_assert_ptr_nonnull(flaw.hint);
}
END_TEST

START_TEST(deadline)
{
	struct plan_expect *e = expect_client();

	e->spec.within = SEC(3);
	w.plan.apps.v[app_client].manual = true;
	world_step(&w, STEP_START, app_client, SEC(2));
	ck_assert_int_eq(e->spec.ops->deadline(&w.plan, e), SEC(5));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("gives-up");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, in_time);
	tcase_add_test(c, too_late);
	tcase_add_loop_test(c, too_early, 0, 3);
	tcase_add_test(c, it_goes_on);
	tcase_add_loop_test(c, an_end_between_two_polls, 0, 5);
	tcase_add_loop_test(c, a_refusal_by_one_address, 0, 3);
	tcase_add_test(c, the_longest_decides);
	tcase_add_test(c, answered_attempts_do_not_count);
	tcase_add_loop_test(c, an_answer_behind_the_bound_comes_too_late, 0, 2);
	tcase_add_test(c, a_forged_refusal_is_an_answer);
	tcase_add_test(c, never_tried);
	tcase_add_test(c, the_scenario_ends_too_soon);
	tcase_add_test(c, the_harness_breaks_off);
	tcase_add_test(c, keys_that_contradict);
	tcase_add_test(c, deadline);
	return run_tests("gives-up", c);
}
