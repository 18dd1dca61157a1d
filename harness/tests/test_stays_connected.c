/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_server, app_client, cut;

static const struct tuple conn = {1, 0, 41000, 8000, 1, false};
static const struct tuple other = {1, 0, 41001, 8000, 2, false};

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	app_server = world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	cut = world_fault(&w, "cut", "blackhole", server, SEC(5), SEC(10));
	see_step(&w, cut);
	see_connect(&w, -SEC(1), &conn);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect_it(int app)
{
	struct plan_expect *e = world_expect(&w, "stays-connected");

	e->spec.app = w.plan.apps.v[app].name;
	world_list(&w, &e->apps, app);
	return e;
}

static struct plan_expect *expect_in_fault(void)
{
	struct plan_expect *e = expect_it(app_client);

	e->spec.fault = "cut";
	e->step = cut;
	return e;
}

START_TEST(nothing_ends)
{
	expect_it(_i ? app_server : app_client);
	world_expect_verdict(&w, VERDICT_PASS, "none of 1 connection ended");
}
END_TEST

/* Either end may end it, and either app may be asked about. */
START_TEST(a_fin_of_either_end)
{
	struct scenario_result r;

	expect_it(_i & 1 ? app_server : app_client);
	see_fin(&w, SEC(12), &conn, _i >> 1);
	world_judge(&w, &r);
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_FAIL);
	ck_assert_ptr_nonnull(
		strstr(r.expects.v[0].evidence,
		       _i >> 1 ? "server: FIN sent at 12.000 s" : "client: FIN sent"));
	ck_assert_ptr_nonnull(strstr(r.expects.v[0].evidence, "still open"));
}
END_TEST

START_TEST(a_socket_that_is_gone)
{
	expect_it(app_client);
	see_socket(&w, 0, EV_STATE, &conn, 0, 7, STATE_ESTABLISHED, app_client);
	see_gone(&w, SEC(3), SEC(4), &conn, 0, 7, app_client);
	world_expect_verdict(&w, VERDICT_FAIL, "1 of 1 connection ended");
}
END_TEST

/* Before, within and after the fault: only what ends between its two edges counts. */
START_TEST(only_while_the_fault_lasts)
{
	static const nsec_t ends[] = {SEC(6), SEC(10), SEC(11)};

	expect_in_fault();
	see_fin(&w, ends[_i], &conn, 0);
	world_expect_verdict(&w, _i < 2 ? VERDICT_FAIL : VERDICT_PASS, "of 1 connection ended");
}
END_TEST

START_TEST(one_begun_in_the_window_does_not_count)
{
	expect_in_fault();
	see_connect(&w, SEC(6), &other);
	see_fin(&w, SEC(7), &other, 0);
	world_expect_verdict(&w, VERDICT_PASS, "none of 1 connection ended");
}
END_TEST

START_TEST(during_two_times)
{
	static char *words[] = {"from", "to"};
	struct plan_expect *e = expect_it(app_client);

	e->spec.during = (struct strings){words, 2};
	e->spec.during_from = SEC(1);
	e->spec.during_to = SEC(4);
	see_fin(&w, _i ? SEC(2) : SEC(5), &conn, 0);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "of 1 connection ended");
}
END_TEST

START_TEST(only_of_a_peer)
{
	struct plan_expect *e = expect_it(app_client);

	world_list(&w, &e->peer_hosts, server);
	e->peer_port = _i ? 8000 : 9000;
	see_fin(&w, SEC(2), &conn, 0);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_VOID, _i ? "ended" : "no connection");
}
END_TEST

/* Who had no connection when the window began has not stayed connected, nor lost one. */
START_TEST(not_connected_at_the_beginning)
{
	expect_in_fault();
	see_fin(&w, SEC(4), &conn, 0);
	see_connect(&w, SEC(6), &other);
	world_expect_verdict(&w, VERDICT_VOID, "no connection at 5.000 s");
}
END_TEST

START_TEST(a_fault_that_never_began)
{
	struct plan_expect *e = expect_it(app_client);

	e->spec.fault = "late";
	e->step = world_fault(&w, "late", "blackhole", server, SEC(20), SEC(21));
	world_expect_verdict(&w, VERDICT_VOID, "'late' never began");
}
END_TEST

START_TEST(keys_that_contradict)
{
	static char *words[] = {"from", "to"};
	struct plan_expect *e = expect_in_fault();
	struct flaw flaw;

	ck_assert(e->spec.ops->check(&e->spec, &flaw));
	e->spec.during = (struct strings){words, 2};
	ck_assert(!e->spec.ops->check(&e->spec, &flaw));
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("stays-connected");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, nothing_ends, 0, 2);
	tcase_add_loop_test(c, a_fin_of_either_end, 0, 4);
	tcase_add_test(c, a_socket_that_is_gone);
	tcase_add_loop_test(c, only_while_the_fault_lasts, 0, 3);
	tcase_add_test(c, one_begun_in_the_window_does_not_count);
	tcase_add_loop_test(c, during_two_times, 0, 2);
	tcase_add_loop_test(c, only_of_a_peer, 0, 2);
	tcase_add_test(c, not_connected_at_the_beginning);
	tcase_add_test(c, a_fault_that_never_began);
	tcase_add_test(c, keys_that_contradict);
	return run_tests("stays-connected", c);
}
