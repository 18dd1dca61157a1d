/* SPDX-License-Identifier: MIT */
/* What a reset that reaches an app shows of the app: one that a fault forged, and one of the peer's host. */
#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_client, cut;

static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	cut = world_fault(&w, "cut", "blackhole", server, SEC(2), SEC(12));
	see_step(&w, cut);
}

static void teardown(void)
{
	world_free(&w);
}

/* Within 4 s of the cut, not before 2 s. */
static struct plan_expect *expect_app(int app)
{
	struct plan_expect *e = world_expect(&w, "detects");

	e->spec.app = w.plan.apps.v[app].name;
	e->spec.fault = "cut";
	e->spec.within = SEC(4);
	e->spec.not_before = SEC(2);
	e->step = cut;
	world_list(&w, &e->apps, app);
	return e;
}

static struct tuple tuple(uint16_t port)
{
	return (struct tuple){client, server, port, 8000, port, false};
}

/* A forged reset ends the socket at once: that is the harness, whatever the kernel then answers. */
START_TEST(a_forged_reset_is_no_detection)
{
	struct tuple c = tuple(41000), d = tuple(41001);
	struct plan_expect *e = expect_app(app_client);

	e->spec.not_before = NSEC_UNSET;
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client);
	see_forged(&w, SEC(2), &c, 0, cut);
	see_destroyed(&w, SEC(2) + MS(1), client, 77);
	see_packet(&w, SEC(3), EV_RST, &c, 0, TCP_FLAG_RST);
	if (_i)
		see_syn(&w, SEC(4), &d); /* but that is its doing */
	if (_i)
		world_expect_verdict(&w, VERDICT_PASS, "2.000 s");
	else
		world_expect_verdict(&w, VERDICT_VOID, "the harness itself ended");
}
END_TEST

/* No record of the socket: nothing says that it survived. */
START_TEST(a_forged_reset_of_a_socket_never_seen)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_forged(&w, SEC(2), &c, 0, cut);
	see_packet(&w, SEC(5), EV_RST, &c, 0, TCP_FLAG_RST);
	world_expect_verdict(&w, VERDICT_VOID, "the harness itself ended");
}
END_TEST

/* A forged reset that the socket survived excuses nothing. */
START_TEST(a_forged_reset_survived)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client);
	see_forged(&w, SEC(2), &c, 0, cut);
	see_destroyed(&w, SEC(5), client, 77);
	world_expect_verdict(&w, VERDICT_PASS, "3.000 s");
}
END_TEST

/* Found gone by the poll after the reset: the interval has the reset in it. */
START_TEST(a_forged_reset_and_a_poll)
{
	struct tuple c = tuple(41000);

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client);
	see_forged(&w, SEC(2), &c, 0, cut);
	see_gone(&w, SEC(2) - MS(10), SEC(2) + MS(10), &c, 0, 77, app_client);
	world_expect_verdict(&w, VERDICT_VOID, "the harness itself ended");
}
END_TEST

/*
 * A reset of the peer's host ends the socket for polls, and the app may sleep on: it is the app's close that
 * detects, of which the kernel tells. Where its word was lost, what polls saw must do.
 */
START_TEST(a_reset_that_nobody_noticed)
{
	struct tuple c = tuple(41000);
	struct observation *rst;

	expect_app(app_client);
	see_connect(&w, SEC(1), &c);
	see_socket(&w, SEC(1) + MS(10), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, app_client);
	rst = see_packet(&w, SEC(4), EV_RST, &c, 1, TCP_FLAG_RST);
	if (_i == 3) /* it did not arrive: the app has closed it itself */
		rst->packet.arrived = NSEC_NEVER;
	see_gone(&w, SEC(4) + MS(1), SEC(4) + MS(21), &c, 0, 77, app_client);
	if (_i == 1)
		see_destroyed(&w, SEC(5), client, 77);
	if (_i == 2) {
		see_lag(&w, SEC(5), EV_NOTIFY_LOST, 0, 1);
		w.obs.list.v[w.obs.list.n - 1].host = (int16_t)client;
	}
	world_expect_verdict(&w, _i ? VERDICT_PASS : VERDICT_FAIL,
			     _i == 0   ? "not detected until the end"
			     : _i == 1 ? "3.000 s"
				       : "2.021 s");
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("detects");

	tcase_add_checked_fixture(c, setup, teardown);
	tcase_add_loop_test(c, a_forged_reset_is_no_detection, 0, 2);
	tcase_add_test(c, a_forged_reset_of_a_socket_never_seen);
	tcase_add_test(c, a_forged_reset_survived);
	tcase_add_test(c, a_forged_reset_and_a_poll);
	tcase_add_loop_test(c, a_reset_that_nobody_noticed, 0, 4);
	return run_tests("detects: resets", c);
}
