/* SPDX-License-Identifier: MIT */
#include "harness/judge/expect.h"
#include "harness/judge/unclaimed.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

/*
 * Two apps on one host that use the same service: an attempt that was not seen with its process may
 * be of either. Each verdict that such an attempt could change is void beside it, and holds without.
 */
static struct world w;
static int server, client, other, app_client, app_second, cut;
static uint16_t next_port;

static struct tuple new_tuple(void)
{
	next_port++;
	return (struct tuple){client, server, next_port, 8000, next_port, false};
}

/* A connection that a poll has seen with its process. */
static struct tuple see_own(nsec_t t, int app)
{
	struct tuple c = new_tuple();

	see_connect(&w, t, &c);
	see_socket(&w, t + MS(5), EV_STATE, &c, 0, next_port, STATE_ESTABLISHED, app);
	return c;
}

static void see_refused_of(nsec_t t, int app)
{
	struct tuple c = new_tuple();

	see_syn(&w, t, &c);
	if (app >= 0)
		see_socket(&w, t + MS(5), EV_STATE, &c, 0, next_port, STATE_SYN_SENT, app);
	see_refusal(&w, t + MS(9), &c);
}

/* Both apps talk to the service; the cable of its host is cut from 2 s to 12 s. */
static void setup(void)
{
	world_init(&w, SEC(60));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	other = world_host(&w, "other");
	world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	app_second = world_app(&w, "second", client);
	cut = world_fault(&w, "cut", "blackhole", server, SEC(2), SEC(12));
	see_step(&w, cut);
	next_port = 41000;
	see_start(&w, 0, app_client);
	see_start(&w, 0, app_second);
	see_own(SEC(1), app_second);
}

static void teardown(void)
{
	world_free(&w);
}

static struct plan_expect *expect(const char *kind)
{
	struct plan_expect *e = world_expect(&w, kind);

	e->spec.app = "client";
	world_list(&w, &e->apps, app_client);
	e->step = cut;
	return e;
}

static struct plan_expect *expect_waits(void)
{
	struct plan_expect *e = expect("backoff");

	e->spec.base = SEC(1);
	e->spec.factor = 1;
	e->spec.cap = SEC(1);
	e->spec.jitter = 0.5;
	return e;
}

/* The text says what to do about it; `how` 0: nothing unclaimed, the verdict holds. */
static void expect_void_or(int how, enum verdict otherwise, const char *observed)
{
	if (how)
		world_expect_verdict(&w, VERDICT_VOID,
				     "1 attempt from 'client' to server:8000: by which program "
				     "was not seen; put the programs that use it on different "
				     "hosts");
	else
		world_expect_verdict(&w, otherwise, observed);
}

START_TEST(backoff)
{
	expect_waits();
	see_own(SEC(1), app_client);
	for (int i = 0; i < 4; i++)
		see_refused_of(SEC(20) + i * MS(1200), app_client);
	if (_i)
		see_refused_of(SEC(20) + MS(300), -1);
	expect_void_or(_i, VERDICT_PASS, "3 gaps");
}
END_TEST

/* At a service that only the client was seen to use. */
static void see_refused_at_9100(nsec_t t, int host, int app)
{
	struct tuple c = new_tuple();

	c.from = host;
	c.to_port = 9100;
	see_syn(&w, t, &c);
	if (app >= 0)
		see_socket(&w, t + MS(5), EV_STATE, &c, 0, next_port, STATE_SYN_SENT, app);
	see_refusal(&w, t + MS(9), &c);
}

/* The other app was seen at another service: it may have come to this one too. */
START_TEST(backoff_beside_one_that_connects_elsewhere)
{
	struct plan_expect *e = expect_waits();

	world_list(&w, &e->peer_hosts, server);
	e->peer_port = 9100;
	for (int i = 0; i < 4; i++)
		see_refused_at_9100(SEC(20) + i * MS(1200), client, app_client);
	if (_i)
		see_refused_at_9100(SEC(20) + MS(300), client, -1);
	world_expect_verdict(&w, _i ? VERDICT_VOID : VERDICT_PASS,
			     _i ? "1 attempt from 'client' to server:9100" : "3 gaps");
}
END_TEST

/* One that was seen to serve, and nothing else, begins none. */
START_TEST(backoff_beside_a_server)
{
	int third = world_app(&w, "third", other), fourth = world_app(&w, "fourth", other);
	struct plan_expect *e = expect_waits();
	struct tuple listener = {other, server, 7000, 0, 1, false};

	e->spec.app = "third";
	e->apps.n = 0;
	world_list(&w, &e->apps, third);
	see_start(&w, 0, third);
	see_start(&w, 0, fourth);
	if (!_i)
		see_socket(&w, SEC(1), EV_STATE, &listener, 0, 7000, STATE_LISTEN, fourth)
			->socket.peer = (struct endpoint){.family = AF_INET};
	see_refused_at_9100(SEC(20), other, third);
	for (int i = 1; i < 4; i++)
		see_refused_at_9100(SEC(20) + i * MS(1200), other, -1);
	world_expect_verdict(&w, _i ? VERDICT_VOID : VERDICT_PASS,
			     _i ? "3 attempts from 'other' to server:9100" : "3 gaps");
}
END_TEST

/* One of another service, or of another host, changes nothing. */
START_TEST(backoff_beside_another_service)
{
	struct plan_expect *e = expect_waits();
	struct tuple c = {client, server, 42000, 9000, 7, false};

	world_list(&w, &e->peer_hosts, server);
	e->peer_port = 8000;
	if (_i)
		c = (struct tuple){other, server, 42000, 8000, 7, false};
	see_own(SEC(1), app_client);
	for (int i = 0; i < 4; i++)
		see_refused_of(SEC(20) + i * MS(1200), app_client);
	see_syn(&w, SEC(20), &c);
	see_refusal(&w, SEC(20) + MS(5), &c);
	world_expect_verdict(&w, VERDICT_PASS, "3 gaps");
}
END_TEST

START_TEST(connects)
{
	expect("connects");
	see_refused_of(SEC(3), app_client);
	if (_i) {
		struct tuple c = new_tuple();

		see_connect(&w, SEC(4), &c);
	}
	expect_void_or(_i, VERDICT_FAIL, "never, in 1 attempt");
}
END_TEST

/* A handshake that was seen is enough, whoever began another. */
START_TEST(connects_for_certain)
{
	struct tuple c = new_tuple();

	expect("connects")->spec.at_most = _i ? 0 : COUNT_UNSET;
	see_own(SEC(1), app_client);
	see_connect(&w, SEC(4), &c);
	world_expect_verdict(&w, _i ? VERDICT_FAIL : VERDICT_PASS, "");
}
END_TEST

START_TEST(never_connects)
{
	expect("connects")->spec.at_most = 0;
	see_refused_of(SEC(3), app_client);
	if (_i) {
		struct tuple c = new_tuple();

		see_connect(&w, SEC(4), &c);
	}
	expect_void_or(_i, VERDICT_PASS, "0 handshakes of 1 attempt");
}
END_TEST

/* Of one that is not seen to try, attempts that may be its are not "never tried". */
START_TEST(connects_of_what_may_be_its)
{
	expect("connects");
	if (_i)
		see_refused_of(SEC(3), -1);
	world_expect_verdict(&w, VERDICT_FAIL,
			     _i ? "never; 1 attempt from its host may have been its"
				: "never tried to connect");
}
END_TEST

START_TEST(never_connects_of_what_may_be_its)
{
	expect("connects")->spec.at_most = 0;
	if (_i)
		see_refused_of(SEC(3), -1);
	expect_void_or(_i, VERDICT_VOID, "never tried to connect");
}
END_TEST

START_TEST(gives_up)
{
	struct tuple c = new_tuple();

	expect("gives-up")->spec.within = SEC(3);
	see_syn(&w, SEC(3), &c);
	see_socket(&w, SEC(3) + MS(5), EV_STATE, &c, 0, 900, STATE_SYN_SENT, app_client);
	see_destroyed(&w, SEC(5), client, 900);
	if (_i) {
		struct tuple d = new_tuple();

		see_syn(&w, SEC(6), &d);
	}
	expect_void_or(_i, VERDICT_PASS, "2.000 s");
}
END_TEST

/* The dead socket stays open: the next attempt would tell. */
START_TEST(detects)
{
	expect("detects")->spec.within = SEC(4);
	see_own(SEC(1), app_client);
	if (_i)
		see_refused_of(SEC(4), -1);
	expect_void_or(_i, VERDICT_FAIL, "not detected");
}
END_TEST

START_TEST(reconnects)
{
	struct plan_expect *e = expect("reconnects");
	struct tuple c;

	e->spec.after = "cut";
	e->spec.within = SEC(5);
	c = see_own(SEC(1), app_client);
	see_fin(&w, SEC(4), &c, 0);
	if (_i) {
		struct tuple d = new_tuple();

		see_connect(&w, SEC(13), &d);
	}
	expect_void_or(_i, VERDICT_FAIL, "0 of 1 are back");
}
END_TEST

START_TEST(herd)
{
	struct plan_expect *e = expect("herd");

	e->spec.after = "cut";
	e->spec.at_most = 2;
	see_own(SEC(13), app_client);
	if (_i)
		see_refused_of(SEC(13), -1);
	expect_void_or(_i, VERDICT_PASS, "1 of 1 attempt in one bin");
}
END_TEST

/* Too many of its own are too many. */
START_TEST(herd_for_certain)
{
	struct plan_expect *e = expect("herd");

	e->spec.after = "cut";
	e->spec.at_most = 1;
	see_own(SEC(13), app_client);
	see_own(SEC(13), app_client);
	see_refused_of(SEC(13), -1);
	world_expect_verdict(&w, VERDICT_FAIL, "2 of 2 attempts in one bin");
}
END_TEST

/*
 * An owner that polls could have seen, had they come in time, is hidden by a stall; that of a refused
 * attempt never is to be seen.
 */
START_TEST(owners_that_a_stall_hid)
{
	bool refused = _i / 2, stalled = _i % 2;
	struct tuple c = new_tuple();

	expect_waits();
	if (refused)
		see_refused_of(SEC(4), -1);
	else
		see_connect(&w, SEC(4), &c);
	see_lag(&w, SEC(4), EV_STALL, stalled ? MS(22) : MS(21), 1);
	w.obs.list.v[w.obs.list.n - 1].lag.stage = LAG_INIT;
	world_expect_verdict(&w, stalled && !refused ? VERDICT_INCONCLUSIVE : VERDICT_VOID,
			     "by which program was not seen");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("unclaimed");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_loop_test(t, backoff, 0, 2);
	tcase_add_loop_test(t, backoff_beside_one_that_connects_elsewhere, 0, 2);
	tcase_add_loop_test(t, backoff_beside_a_server, 0, 2);
	tcase_add_loop_test(t, backoff_beside_another_service, 0, 2);
	tcase_add_loop_test(t, connects, 0, 2);
	tcase_add_loop_test(t, connects_for_certain, 0, 2);
	tcase_add_loop_test(t, never_connects, 0, 2);
	tcase_add_loop_test(t, connects_of_what_may_be_its, 0, 2);
	tcase_add_loop_test(t, never_connects_of_what_may_be_its, 0, 2);
	tcase_add_loop_test(t, gives_up, 0, 2);
	tcase_add_loop_test(t, detects, 0, 2);
	tcase_add_loop_test(t, reconnects, 0, 2);
	tcase_add_loop_test(t, herd, 0, 2);
	tcase_add_test(t, herd_for_certain);
	tcase_add_loop_test(t, owners_that_a_stall_hid, 0, 4);
	return run_tests("unclaimed", t);
}
