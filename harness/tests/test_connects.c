/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, other;  /* hosts */
static int app_server, app_client; /* apps */

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	other = world_host(&w, "other");
	app_server = world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_client(void)
{
	struct plan_expect *e = world_expect(&w, "connects");

	e->spec.app = "client";
	world_list(&w, &e->apps, app_client);
	return e;
}

static struct tuple tuple(uint16_t port, uint32_t isn)
{
	return (struct tuple){
		.from = client, .to = server, .from_port = port, .to_port = 8000, .isn = isn};
}

START_TEST(in_time)
{
	struct tuple c = tuple(40000, 1);

	expect_client()->spec.within = SEC(2);
	see_start(&w, SEC(1), app_client);
	see_connect(&w, SEC(1) + MS(498), &c);
	world_expect_verdict(&w, VERDICT_PASS, "0.500 s");
}
END_TEST

START_TEST(too_late)
{
	struct tuple c = tuple(40000, 1);

	expect_client()->spec.within = SEC(2);
	see_start(&w, SEC(1), app_client);
	see_connect(&w, SEC(3), &c);
	world_expect_verdict(&w, VERDICT_FAIL, "2.002 s");
}
END_TEST

START_TEST(before_t0_counts_as_zero)
{
	struct tuple c = tuple(40000, 1);

	expect_client()->spec.within = SEC(2);
	see_start(&w, -SEC(5), app_client);
	see_connect(&w, -SEC(1), &c);
	world_expect_verdict(&w, VERDICT_PASS, "0.000 s");
}
END_TEST

START_TEST(started_before_t0_is_measured_from_t0)
{
	struct tuple c = tuple(40000, 1);

	expect_client()->spec.within = SEC(2);
	see_start(&w, -SEC(5), app_client);
	see_connect(&w, SEC(1), &c);
	world_expect_verdict(&w, VERDICT_PASS, "1.002 s");
}
END_TEST

START_TEST(never_established)
{
	struct tuple c = tuple(40000, 1);

	expect_client();
	see_start(&w, 0, app_client);
	see_syn(&w, SEC(1), &c);
	see_refusal(&w, SEC(1) + MS(1), &c);
	world_expect_verdict(&w, VERDICT_FAIL, "never, in 1 attempt");
}
END_TEST

START_TEST(never_tried)
{
	expect_client();
	see_start(&w, 0, app_client);
	world_expect_verdict(&w, VERDICT_FAIL, "never tried");
}
END_TEST

START_TEST(never_started)
{
	expect_client();
	world_expect_verdict(&w, VERDICT_VOID, "never started");
}
END_TEST

START_TEST(fewer_than_at_least)
{
	struct tuple c = tuple(40000, 1), d = tuple(40001, 2);

	expect_client()->spec.at_least = _i;
	see_start(&w, 0, app_client);
	see_connect(&w, SEC(1), &c);
	see_connect(&w, SEC(2), &d);
	if (_i == 2)
		world_expect_verdict(&w, VERDICT_PASS, "1.002 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "2 handshakes of 2 attempts");
	world_expect_bound(&w, arena_printf(&w.arena, "at least %d handshakes", _i));
}
END_TEST

START_TEST(must_never_connect)
{
	struct tuple c = tuple(40000, 1);

	expect_client()->spec.at_most = 0;
	see_start(&w, 0, app_client);
	see_syn(&w, SEC(1), &c);
	world_expect_verdict(&w, VERDICT_PASS, "0 handshakes of 1 attempt");
}
END_TEST

/* Both addresses of one name are one attempt. */
START_TEST(one_attempt_at_two_addresses)
{
	struct tuple six = tuple(40000, 1), four = tuple(40001, 2);

	six.v6 = true;
	expect_client()->spec.at_most = 0;
	see_start(&w, 0, app_client);
	see_syn(&w, SEC(1), &six);
	see_syn(&w, SEC(1) + MS(250), &four);
	world_expect_verdict(&w, VERDICT_PASS, "0 handshakes of 1 attempt");
}
END_TEST

START_TEST(must_never_connect_but_does)
{
	struct tuple c = tuple(40000, 1);

	expect_client()->spec.at_most = 0;
	see_start(&w, 0, app_client);
	see_connect(&w, SEC(1), &c);
	struct scenario_result r;
	world_judge(&w, &r);
	const struct expect_result *e = &r.expects.v[0];
	ck_assert_int_eq(e->verdict, VERDICT_FAIL);
	ck_assert_str_eq(e->observed, "1 handshake of 1 attempt");
	ck_assert_str_eq(e->subject, "client 10.0.0.2:40000 > server:8000");
	ck_assert_str_eq(e->unit, "handshakes");
	ck_assert_double_eq(e->value, 1);
	ck_assert_int_eq(e->t, SEC(1) + MS(2));
}
END_TEST

START_TEST(must_never_connect_and_never_tries)
{
	expect_client()->spec.at_most = 0;
	see_start(&w, 0, app_client);
	world_expect_verdict(&w, VERDICT_VOID, "never tried");
}
END_TEST

/* The peer is another service, so that the connection made does not count. */
START_TEST(another_peer)
{
	struct tuple c = tuple(40000, 1);
	struct plan_expect *e = expect_client();

	world_list(&w, &e->peer_hosts, server);
	e->peer_port = _i ? 8000 : 9000;
	see_start(&w, 0, app_client);
	see_connect(&w, SEC(1), &c);
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "1.002 s");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "never tried");
}
END_TEST

/* Of two instances the one that never connects decides. */
START_TEST(the_worst_instance_decides)
{
	int second = world_app(&w, "client.2", other);
	struct plan_expect *e = expect_client();
	struct tuple c = tuple(40000, 1);

	world_list(&w, &e->apps, second);
	see_start(&w, 0, app_client);
	see_start(&w, 0, second);
	see_connect(&w, SEC(1), &c);
	struct scenario_result r;
	world_judge(&w, &r);
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_FAIL);
	ck_assert_str_eq(r.expects.v[0].subject, "client.2");
}
END_TEST

/* A name server and the host itself are nobody's service. */
START_TEST(dns_and_loopback_do_not_count)
{
	struct tuple dns = {client, server, 40000, 53, 1, false};
	struct tuple self = {client, client, 40001, 8000, 2, false};

	expect_client();
	see_start(&w, 0, app_client);
	see_connect(&w, SEC(1), &dns);
	see_connect(&w, SEC(2), &self);
	world_expect_verdict(&w, VERDICT_FAIL, "never tried");
}
END_TEST

/* What comes after the planned end is none of the scenario. */
START_TEST(after_the_end_does_not_count)
{
	struct tuple c = tuple(40000, 1);

	expect_client();
	see_start(&w, 0, app_client);
	see_connect(&w, SEC(30), &c);
	world_expect_verdict(&w, VERDICT_FAIL, "never, in 1 attempt");
}
END_TEST

START_TEST(keys_that_contradict)
{
	struct plan_expect *e = expect_client();
	const struct expect_ops *ops = e->spec.ops;
	struct flaw flaw;

	ck_assert(ops->check(&e->spec, &flaw));
	e->spec.at_most = 3;
	ck_assert(!ops->check(&e->spec, &flaw));
	ck_assert_ptr_nonnull(flaw.message);
	ck_assert_ptr_nonnull(flaw.hint);
	e->spec.at_most = 0;
	ck_assert(ops->check(&e->spec, &flaw));
	e->spec.within = SEC(1);
	ck_assert(!ops->check(&e->spec, &flaw));
	e->spec.at_most = COUNT_UNSET;
	e->spec.at_least = 0;
	ck_assert(!ops->check(&e->spec, &flaw));
}
END_TEST

/* By itself from t = 0; by hand from the step that starts it. */
START_TEST(deadline)
{
	struct plan_expect *e = expect_client();
	const struct expect_ops *ops = e->spec.ops;

	ck_assert_int_eq(ops->deadline(&w.plan, e), NSEC_UNSET);
	e->spec.within = SEC(2);
	ck_assert_int_eq(ops->deadline(&w.plan, e), SEC(2));
	w.plan.apps.v[app_client].manual = true;
	world_step(&w, STEP_START, app_client, SEC(3));
	ck_assert_int_eq(ops->deadline(&w.plan, e), SEC(5));
}
END_TEST

/* Its time for the first handshake is up only behind the end of 30 s. */
START_TEST(the_end_before_the_bound)
{
	struct tuple c = tuple(40000, 1);

	expect_client()->spec.within = SEC(29) + _i;
	see_start(&w, SEC(1), app_client);
	see_syn(&w, SEC(2), &c);
	if (_i)
		world_expect_verdict(&w, VERDICT_VOID, "make it longer");
	else
		world_expect_verdict(&w, VERDICT_FAIL, "never, in 1 attempt");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("connects");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_test(c, in_time);
	tcase_add_test(c, too_late);
	tcase_add_test(c, before_t0_counts_as_zero);
	tcase_add_test(c, started_before_t0_is_measured_from_t0);
	tcase_add_test(c, never_established);
	tcase_add_test(c, never_tried);
	tcase_add_test(c, never_started);
	tcase_add_loop_test(c, fewer_than_at_least, 2, 4);
	tcase_add_test(c, must_never_connect);
	tcase_add_test(c, one_attempt_at_two_addresses);
	tcase_add_test(c, must_never_connect_but_does);
	tcase_add_test(c, must_never_connect_and_never_tries);
	tcase_add_loop_test(c, another_peer, 0, 2);
	tcase_add_test(c, the_worst_instance_decides);
	tcase_add_test(c, dns_and_loopback_do_not_count);
	tcase_add_test(c, after_the_end_does_not_count);
	tcase_add_test(c, keys_that_contradict);
	tcase_add_test(c, deadline);
	tcase_add_loop_test(c, the_end_before_the_bound, 0, 2);
	return run_tests("connects", c);
}
