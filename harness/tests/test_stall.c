/* SPDX-License-Identifier: MIT */
/* A failure by no more than the machine stalled is inconclusive; any other stays a failure. */
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_client, cut;

/* A client that has to see a cut at 2 s within 4 s. */
static void setup(void)
{
	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	cut = world_fault(&w, "cut", "blackhole", server, SEC(2), SEC(12));
}

static void teardown(void)
{
	world_free(&w);
}

static const struct tuple c = {1, 0, 41000, 8000, 5, false};

static struct plan_expect *expect_detects(void)
{
	struct plan_expect *e = world_expect(&w, "detects");

	e->spec.app = "client";
	e->spec.fault = "cut";
	e->spec.within = SEC(4);
	e->step = cut;
	world_list(&w, &e->apps, app_client);
	return e;
}

static void see_detection_at(nsec_t t)
{
	see_start(&w, -SEC(1), app_client);
	see_connect(&w, SEC(1), &c);
	see_fin(&w, t, &c, 0);
	see_step(&w, cut);
}

static void see_stall(nsec_t t, enum lag_stage stage, nsec_t lag)
{
	see_lag(&w, t, EV_STALL, lag, 1);
	w.obs.list.v[w.obs.list.n - 1].lag.stage = (uint8_t)stage;
}

START_TEST(late_by_less_than_a_stall)
{
	expect_detects();
	see_detection_at(SEC(6) + MS(50));
	see_stall(SEC(5), LAG_INIT, MS(60));
	world_expect_verdict(&w, VERDICT_INCONCLUSIVE,
			     "4.050 s, but the machine stalled by up to 0.060 s");
}
END_TEST

START_TEST(late_by_more_than_a_stall)
{
	expect_detects();
	see_detection_at(SEC(6) + MS(50));
	see_stall(SEC(5), LAG_INIT, MS(40));
	world_expect_verdict(&w, VERDICT_FAIL, "4.050 s");
}
END_TEST

START_TEST(stages_add_up_and_the_canary_counts_twice)
{
	expect_detects();
	see_detection_at(SEC(6) + MS(50));
	see_stall(SEC(5), LAG_INIT, MS(15));
	see_stall(SEC(5), LAG_FORWARDER, MS(6));
	/* Of each stage the worst counts, not the sum. */
	see_stall(SEC(4), LAG_FORWARDER, MS(6));
	see_stall(SEC(3), LAG_CANARY, MS(_i ? 15 : 14));
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "4.050 s");
}
END_TEST

/* A program that was ready to run but had no processor: its waits add up, over the bound's time. */
START_TEST(a_program_without_a_processor)
{
	expect_detects();
	see_detection_at(SEC(6) + MS(50));
	see_stall(SEC(3), LAG_STARVED, MS(30));
	w.obs.list.v[w.obs.list.n - 1].app = (int16_t)app_client;
	see_stall(_i == 1 ? SEC(20) : SEC(5), LAG_STARVED, MS(30));
	w.obs.list.v[w.obs.list.n - 1].app = (int16_t)app_client;
	world_expect_verdict(&w, _i == 1 ? VERDICT_FAIL : VERDICT_INCONCLUSIVE, "4.050 s");
}
END_TEST

/* More than 64 bits of nanoseconds, as no machine but a damaged file would have them. */
START_TEST(stalls_beyond_all_measure)
{
	expect_detects();
	see_detection_at(SEC(6) + MS(50));
	for (int i = 0; i < 10000; i++) {
		see_stall(SEC(5), LAG_STARVED, LAG_MAX);
		w.obs.list.v[w.obs.list.n - 1].app = (int16_t)app_client;
	}
	world_expect_verdict(&w, VERDICT_INCONCLUSIVE, "4.050 s");
}
END_TEST

START_TEST(a_stall_after_what_decided_excuses_nothing)
{
	expect_detects();
	see_detection_at(SEC(6) + MS(50));
	see_stall(SEC(7), LAG_INIT, MS(700));
	see_stall(-SEC(1), LAG_INIT, SEC(1)); /* nor one before t = 0 */
	world_expect_verdict(&w, VERDICT_FAIL, "4.050 s");
}
END_TEST

START_TEST(a_pass_stays_a_pass)
{
	expect_detects();
	see_detection_at(SEC(6) - MS(1));
	see_stall(SEC(5), LAG_INIT, SEC(3));
	world_expect_verdict(&w, VERDICT_PASS, "3.999 s");
}
END_TEST

/* No stall makes up for what never came. */
START_TEST(never_stays_a_failure)
{
	expect_detects();
	see_start(&w, -SEC(1), app_client);
	see_connect(&w, SEC(1), &c);
	see_step(&w, cut);
	see_stall(SEC(5), LAG_INIT, SEC(3));
	world_expect_verdict(&w, VERDICT_FAIL, "not detected");
}
END_TEST

static struct plan_expect *expect_exit(nsec_t within)
{
	struct plan_expect *e = world_expect(&w, "exits");

	e->spec.app = "client";
	e->spec.within = within;
	world_list(&w, &e->apps, app_client);
	see_start(&w, 0, app_client);
	return e;
}

/*
 * The bound, moved by the stall, lies beyond the end: what never came may have been on its way. Here
 * it is a process, elsewhere a handshake, a line, a socket that had yet to go.
 */
START_TEST(never_before_an_end_that_a_stall_outlasts)
{
	expect_exit(SEC(28));
	see_stall(SEC(20), LAG_CANARY, MS(_i ? 1001 : 999)); /* counts twice */
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "still running");
}
END_TEST

START_TEST(a_wrong_status_is_no_matter_of_time)
{
	expect_exit(SEC(28));
	see_exit(&w, SEC(1), app_client, 1, 0, false);
	see_stall(SEC(20), LAG_CANARY, SEC(9));
	world_expect_verdict(&w, VERDICT_FAIL, "status 1");
}
END_TEST

START_TEST(without_a_bound_the_end_is_the_bound)
{
	expect_exit(NSEC_UNSET);
	see_stall(SEC(20), LAG_CANARY, MS(_i ? 501 : 500));
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "still running");
}
END_TEST

START_TEST(a_socket_that_had_yet_to_go)
{
	struct plan_expect *e = world_expect(&w, "sockets");

	e->spec.state = "ESTABLISHED";
	e->spec.at_most = 0;
	e->spec.by = "29s";
	e->spec.by_time = SEC(29);
	world_list(&w, &e->hosts, client);
	see_polled(&w, 0, client);
	see_socket(&w, SEC(4), EV_STATE, &c, 0, 77, STATE_ESTABLISHED, 0);
	see_polled(&w, SEC(30), client);
	see_stall(SEC(20), LAG_CANARY, MS(_i ? 501 : 500));
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "1 socket");
}
END_TEST

/*
 * A line that is to come in a time may come behind it for a stall; one that is not to come may slip
 * into its beginning. Here one came in each direction 50 ms out of it.
 */
START_TEST(a_line_beside_its_time)
{
	static char *during[] = {"4s", "6s"};
	bool must_come = _i / 2 == 0;
	bool explained = _i % 2;
	struct plan_expect *e = world_expect(&w, "log");

	e->spec.app = "client";
	e->spec.match = "dead";
	if (must_come)
		e->spec.at_least = 1;
	else
		e->spec.at_most = 0;
	e->spec.during = (struct strings){during, 2};
	e->spec.during_from = SEC(4);
	e->spec.during_to = SEC(6);
	world_list(&w, &e->apps, app_client);
	see_start(&w, 0, app_client);
	see_log(&w, must_come ? SEC(6) + MS(50) : SEC(4) + MS(50), app_client, "dead");
	see_stall(SEC(3), LAG_INIT, MS(explained ? 60 : 40));
	world_expect_verdict(&w, explained ? VERDICT_INCONCLUSIVE : VERDICT_FAIL,
			     must_come ? "0 lines" : "1 line");
}
END_TEST

/* The cut of 10 s met no packet: by a stall as long, nobody knows what would have passed. */
START_TEST(a_fault_that_a_stall_outlasted)
{
	struct scenario_result r;

	see_fault(&w, SEC(2), EV_ON, cut, 0);
	see_fault(&w, SEC(12), EV_OFF, cut, 0);
	see_stall(SEC(8), LAG_INIT, _i ? SEC(4) : SEC(4) - 1);
	see_stall(SEC(11), LAG_CANARY, SEC(3));
	world_judge(&w, &r);
	ck_assert_int_eq(r.verdict, _i ? VERDICT_INCONCLUSIVE : VERDICT_VOID);
	ck_assert_ptr_nonnull(strstr(r.reason, _i ? "touched no packet, but the machine stalled "
						    "by up to 10.000 s"
						  : "touched no packet"));
}
END_TEST

/* From 5.8 s on: it has begun by 6.05 s, give or take the 200 ms within which it is recorded. */
START_TEST(a_stall_counts_from_its_beginning)
{
	expect_detects();
	see_detection_at(SEC(6) + MS(50));
	see_stall(SEC(9), LAG_INIT, _i ? MS(2750) : MS(2749));
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "4.050 s");
}
END_TEST

/* Whatever an expectation says: at-most 0 passed, for what broke it was seen after the end. */
START_TEST(nobody_saw_the_end)
{
	struct plan_expect *e = world_expect(&w, "log");
	struct scenario_result r;

	e->spec.app = "client";
	e->spec.match = "error";
	e->spec.at_most = 0;
	world_list(&w, &e->apps, app_client);
	see_start(&w, 0, app_client);
	see_step(&w, cut);
	see_stall(_i ? SEC(31) : SEC(29), LAG_INIT, SEC(2));
	world_judge(&w, &r);
	ck_assert_int_eq(r.verdict, _i ? VERDICT_INCONCLUSIVE : VERDICT_PASS);
	if (_i)
		ck_assert_ptr_nonnull(strstr(r.reason, "2.000 s over the end of the run"));
}
END_TEST

START_TEST(too_early_by_less_than_a_stall)
{
	expect_detects()->spec.not_before = SEC(3);
	see_detection_at(SEC(5) - MS(20));
	see_stall(SEC(4), LAG_INIT, MS(_i ? 30 : 10));
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "too early");
}
END_TEST

/* The same of what passed: seen later than it was, by more than is granted, it may have come too early. */
START_TEST(late_enough_by_less_than_a_stall)
{
	static const struct {
		nsec_t lag, detected_at;
		enum lag_stage stage;
		enum verdict verdict;
	} cases[] = {
		{MS(200), SEC(5) + MS(20), LAG_INIT, VERDICT_PASS},
		{MS(210), SEC(5) + MS(20), LAG_INIT, VERDICT_INCONCLUSIVE},
		{MS(210), SEC(5) + MS(220), LAG_INIT, VERDICT_PASS},
		{MS(210), SEC(5) + MS(20), LAG_CANARY, VERDICT_PASS},
	};
	expect_detects()->spec.not_before = SEC(3);
	see_detection_at(cases[_i].detected_at);
	see_stall(SEC(4), cases[_i].stage, cases[_i].lag);
	world_expect_verdict(&w, cases[_i].verdict, "3.");
}
END_TEST

static struct plan_expect *expect_with(const char *kind)
{
	see_start(&w, 0, app_client);
	see_step(&w, cut);
	return world_expect(&w, kind);
}

/* The sample for 12 s was taken at 13.5 s, when init could go on. */
START_TEST(a_sample_that_nobody_took)
{
	static const struct {
		int64_t before, after;
		nsec_t lag;
		enum verdict verdict;
	} cases[] = {
		{5, 6, SEC(2), VERDICT_INCONCLUSIVE},  {5, 20, SEC(2), VERDICT_INCONCLUSIVE},
		{20, 5, SEC(2), VERDICT_INCONCLUSIVE}, {20, 21, SEC(2), VERDICT_FAIL},
		{5, 20, MS(21), VERDICT_PASS},         {5, 20, SEC(1), VERDICT_PASS},
	};
	struct plan_expect *e = expect_with("fds");

	e->spec.app = "client";
	e->spec.at_most = 10;
	e->spec.at = "12s";
	e->spec.at_time = SEC(12);
	world_list(&w, &e->apps, app_client);
	see_sample(&w, SEC(11), app_client, cases[_i].before, 1);
	see_sample(&w, SEC(13) + MS(500), app_client, cases[_i].after, 1);
	see_stall(SEC(13) + MS(520), LAG_INIT, cases[_i].lag);
	world_expect_verdict(&w, cases[_i].verdict, "descriptors");
}
END_TEST

/*
 * A counter that only grows was between what it was before the stall and what it was behind it. Of a stretch
 * each end is such a moment; before t = 0 there is nothing to be mistaken about.
 */
START_TEST(a_stretch_whose_end_nobody_saw)
{
	static const struct {
		nsec_t from, stalled_at;
		enum verdict verdict;
	} cases[] = {
		{SEC(2), SEC(7), VERDICT_PASS},
		{SEC(2), MS(2500), VERDICT_INCONCLUSIVE},
		{SEC(2), MS(8500), VERDICT_INCONCLUSIVE},
		{SEC(4), MS(4500), VERDICT_PASS},
		{SEC(2), MS(2650), VERDICT_PASS},           /* just behind it */
		{MS(7800), MS(8400), VERDICT_INCONCLUSIVE}, /* both ends */
		{0, MS(500), VERDICT_PASS},
	};
	struct plan_expect *e = expect_with("counter");

	e->spec.host = "client";
	e->spec.counter = "TcpRetransSegs";
	e->spec.at_most = 10;
	e->spec.during.n = 2;
	e->spec.during_from = cases[_i].from;
	e->spec.during_to = SEC(8);
	world_list(&w, &e->hosts, client);
	see_count(&w, 0, client, "TcpRetransSegs", cases[_i].from ? 0 : 20);
	see_count(&w, MS(1990), client, "TcpRetransSegs", 20);
	see_count(&w, MS(8010), client, "TcpRetransSegs", 40);
	see_stall(cases[_i].stalled_at, LAG_INIT, MS(600));
	world_expect_verdict(&w, cases[_i].verdict,
			     cases[_i].verdict == VERDICT_PASS ? "0"
							       : "over a moment that it names");
}
END_TEST

/* Gaps of 200 ms and more must grow; the third one is short by 40 ms. */
START_TEST(a_gap_that_a_late_stamp_shortened)
{
	static const nsec_t syn_at[] = {MS(1000), MS(1221), MS(1662), MS(2423)};
	struct plan_expect *e = world_expect(&w, "backoff");

	e->spec.app = "client";
	e->spec.base = MS(200);
	e->spec.factor = 2;
	e->spec.cap = SEC(10);
	e->spec.jitter = 0.2;
	world_list(&w, &e->apps, app_client);
	see_start(&w, -SEC(1), app_client);
	for (int i = 0; i < 4; i++) {
		struct tuple attempt = {1, 0, (uint16_t)(41000 + i), 8000, (uint32_t)i + 5, false};

		see_syn(&w, syn_at[i], &attempt);
		see_refusal(&w, syn_at[i], &attempt);
	}
	/* Only our own stamps can be late; what a program waits for makes no gap shorter. */
	if (_i)
		see_stall(SEC(2), _i == 1 ? LAG_INIT : LAG_CANARY, MS(60));
	world_expect_verdict(&w, _i == 1 ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "gap");
}
END_TEST

/*
 * Each attempt tries two addresses of the service. In one of them the program came to the second 1.05 s
 * after the first, which is a new attempt, and far too soon: or one that a stall has parted.
 */
START_TEST(an_attempt_that_a_stall_parted)
{
	struct plan_expect *e = world_expect(&w, "backoff");

	e->spec.app = "client";
	e->spec.base = e->spec.cap = SEC(2);
	e->spec.factor = 1;
	e->spec.jitter = 0.5;
	world_list(&w, &e->apps, app_client);
	see_start(&w, -SEC(1), app_client);
	for (int i = 0; i < 5; i++) {
		nsec_t first = SEC(1) + i * SEC(2) + (i > 2 ? SEC(1) : 0);
		nsec_t second = first + (i == 2 ? MS(1050) : MS(1));
		struct tuple six = {1, 0, (uint16_t)(41000 + i), 8000, (uint32_t)i + 5, true};
		struct tuple four = {1, 0, (uint16_t)(42000 + i), 8000, (uint32_t)i + 5, false};

		see_syn(&w, first, &six);
		see_refusal(&w, first, &six);
		see_syn(&w, second, &four);
		see_refusal(&w, second, &four);
	}
	see_stall(SEC(6), LAG_INIT, MS(_i ? 60 : 40));
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "gap 3 was 1.0");
}
END_TEST

/*
 * Attempts that time out, each at another address than the one before, are not one attempt,
 * however long the stall was. The third wait is too long by 50 ms.
 */
START_TEST(attempts_at_addresses_in_turn)
{
	static const nsec_t gaps[] = {MS(220), MS(440), MS(1010), MS(1610)};
	struct plan_expect *e = world_expect(&w, "backoff");
	nsec_t t = SEC(1);

	e->spec.app = "client";
	e->spec.base = MS(200);
	e->spec.factor = 2;
	e->spec.cap = SEC(10);
	e->spec.jitter = 0.2;
	world_list(&w, &e->apps, app_client);
	see_start(&w, -SEC(1), app_client);
	for (int i = 0; i < 5; i++) {
		struct tuple attempt = {1,         0, (uint16_t)(41000 + i), 8000, (uint32_t)i + 5,
					i % 2 == 0};

		see_syn(&w, t, &attempt);
		see_refusal(&w, t + MS(900), &attempt);
		t += MS(901) + (i < 4 ? gaps[i] : 0);
	}
	see_stall(SEC(2), LAG_CANARY, MS(_i ? 300 : 20));
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "gap 3 was 1.010 s");
}
END_TEST

START_TEST(a_socket_that_was_there_a_little_too_long)
{
	struct plan_expect *e = world_expect(&w, "sockets");

	e->spec.host = "server";
	e->spec.state = "CLOSE_WAIT";
	e->spec.at_most = 0;
	e->spec.by = "5s";
	e->spec.by_time = SEC(5);
	world_list(&w, &e->hosts, server);
	see_polled(&w, 0, server);
	see_socket(&w, SEC(4), EV_STATE, &c, 1, 77, STATE_CLOSE_WAIT, 0);
	see_destroyed(&w, SEC(5) + MS(30), server, 77);
	see_polled(&w, SEC(30), server);
	if (_i)
		see_stall(SEC(4), LAG_CANARY, MS(20));
	see_step(&w, cut);
	world_expect_verdict(&w, _i ? VERDICT_INCONCLUSIVE : VERDICT_FAIL, "1 socket");
}
END_TEST

START_TEST(a_clock_that_was_set)
{
	struct scenario_result r;

	expect_detects();
	see_detection_at(SEC(5));
	see_lag(&w, SEC(3), EV_CLOCK_STEP, SEC(60), 1);
	world_judge(&w, &r);
	ck_assert_int_eq(r.verdict, VERDICT_INCONCLUSIVE);
	ck_assert_ptr_nonnull(strstr(r.reason, "clock was set"));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("stall");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, late_by_less_than_a_stall);
	tcase_add_test(t, late_by_more_than_a_stall);
	tcase_add_loop_test(t, a_line_beside_its_time, 0, 4);
	tcase_add_loop_test(t, an_attempt_that_a_stall_parted, 0, 2);
	tcase_add_loop_test(t, attempts_at_addresses_in_turn, 0, 2);
	tcase_add_loop_test(t, a_fault_that_a_stall_outlasted, 0, 2);
	tcase_add_loop_test(t, stages_add_up_and_the_canary_counts_twice, 0, 2);
	tcase_add_loop_test(t, a_program_without_a_processor, 0, 2);
	tcase_add_test(t, stalls_beyond_all_measure);
	tcase_add_test(t, a_stall_after_what_decided_excuses_nothing);
	tcase_add_test(t, a_pass_stays_a_pass);
	tcase_add_test(t, never_stays_a_failure);
	tcase_add_loop_test(t, never_before_an_end_that_a_stall_outlasts, 0, 2);
	tcase_add_test(t, a_wrong_status_is_no_matter_of_time);
	tcase_add_loop_test(t, without_a_bound_the_end_is_the_bound, 0, 2);
	tcase_add_loop_test(t, a_socket_that_had_yet_to_go, 0, 2);
	tcase_add_loop_test(t, a_stall_counts_from_its_beginning, 0, 2);
	tcase_add_loop_test(t, nobody_saw_the_end, 0, 2);
	tcase_add_loop_test(t, too_early_by_less_than_a_stall, 0, 2);
	tcase_add_loop_test(t, late_enough_by_less_than_a_stall, 0, 4);
	tcase_add_loop_test(t, a_sample_that_nobody_took, 0, 6);
	tcase_add_loop_test(t, a_stretch_whose_end_nobody_saw, 0, 7);
	tcase_add_loop_test(t, a_gap_that_a_late_stamp_shortened, 0, 3);
	tcase_add_loop_test(t, a_socket_that_was_there_a_little_too_long, 0, 2);
	tcase_add_test(t, a_clock_that_was_set);
	return run_tests("stall", t);
}
