/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "harness/judge/expect.h"
#include "harness/tests/obs_builder.h"
#include "harness/tests/suite.h"

static struct world w;
static int server, client, app_client, cut;
static struct scenario_result r;

/* A client that connects, a cut, and two expectations: detects (number 0) and connects (1). */
static void setup(void)
{
	struct plan_expect *e;

	world_init(&w, SEC(30));
	server = world_host(&w, "server");
	client = world_host(&w, "client");
	world_app(&w, "server", server);
	app_client = world_app(&w, "client", client);
	cut = world_fault(&w, "cut", "blackhole", server, SEC(2), SEC(12));

	e = world_expect(&w, "detects");
	e->spec.app = "client";
	e->spec.fault = "cut";
	e->spec.within = SEC(4);
	e->step = cut;
	world_list(&w, &e->apps, app_client);
	e = world_expect(&w, "connects");
	e->spec.app = "client";
	world_list(&w, &e->apps, app_client);
}

static void teardown(void)
{
	world_free(&w);
}

static const struct tuple c = {1, 0, 41000, 8000, 5, false};

/* A run in which all goes well, but for what is asked to go wrong. */
enum wrong {
	NOTHING,
	NO_DETECTION = 1 << 0,
	NO_CONNECTION = 1 << 1, /* detects is then void, and connects fails */
	NO_PACKETS = 1 << 2,    /* the fault touches none */
	NO_RECEIPT = 1 << 3,
};

static void see_all(unsigned wrong)
{
	see_start(&w, -SEC(1), app_client);
	if (!(wrong & NO_CONNECTION))
		see_connect(&w, SEC(1), &c);
	if (!(wrong & NO_DETECTION) && !(wrong & NO_CONNECTION))
		see_fin(&w, SEC(5), &c, 0);
	see_fault(&w, SEC(2) + MS(1), EV_ON, cut, 0)->fault.asked = SEC(2);
	see_fault(&w, SEC(12), EV_OFF, cut, 0);
	if (wrong & NO_RECEIPT)
		return;
	struct observation *o = see_fault(&w, SEC(12), EV_RECEIPT, cut, 0);
	o->fault.did.matched = wrong & NO_PACKETS ? 0 : 7;
	o->fault.did.dropped = o->fault.did.matched;
}

static void assert_verdict(enum verdict verdict, const char *reason)
{
	world_judge(&w, &r);
	ck_assert_msg(r.verdict == verdict, "%s: %s", verdict_names[r.verdict],
		      r.reason ? r.reason : "-");
	if (reason)
		ck_assert_msg(r.reason && strstr(r.reason, reason), "'%s' is not in '%s'", reason,
			      r.reason ? r.reason : "-");
	else
		ck_assert_ptr_null(r.reason);
}

START_TEST(passes)
{
	see_all(NOTHING);
	assert_verdict(VERDICT_PASS, NULL);
	ck_assert_uint_eq(r.expects.n, 2);
	ck_assert_int_eq(r.duration, SEC(30));
}
END_TEST

START_TEST(fails)
{
	see_all(NO_DETECTION);
	assert_verdict(VERDICT_FAIL, "test.yaml:14: detects: client 10.0.0.2:41000 > server:8000: "
				     "expected within 4s of cut, observed not detected");
}
END_TEST

/* One is void, the other fails: the graver wins, whatever the order. */
START_TEST(fail_before_void)
{
	see_all(NO_CONNECTION);
	assert_verdict(VERDICT_FAIL, "connects");
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_VOID);
}
END_TEST

START_TEST(a_void_expectation)
{
	w.plan.expects.n = 1;
	see_all(NO_CONNECTION);
	assert_verdict(VERDICT_VOID, "no established connection");
}
END_TEST

START_TEST(a_fault_that_touched_nothing)
{
	see_all(_i ? NO_RECEIPT : NO_PACKETS);
	assert_verdict(VERDICT_VOID, "fault 'cut' touched no packet");
}
END_TEST

START_TEST(a_fault_that_may_miss)
{
	w.plan.steps.v[cut].fault.may_miss = true;
	see_all(NO_PACKETS);
	assert_verdict(VERDICT_PASS, NULL);
}
END_TEST

/* By flow it is in the result as in the records; it does not count a second time. */
START_TEST(what_a_fault_did_by_flow)
{
	const struct tuple flow = {.from = 0, .to = 1, .from_port = 40000, .to_port = 8000};

	see_all(NO_PACKETS);
	for (int i = 0; i < 2; i++) {
		struct obs_fault *f = &see_fault(&w, SEC(12), EV_FLOW, cut, 0)->fault;

		f->did.matched = (uint64_t)i + 1;
		f->flow.others = i;
		if (i)
			continue;
		f->flow.src = tuple_end(&flow, 0);
		f->flow.dst = tuple_end(&flow, 1);
	}
	assert_verdict(VERDICT_VOID, "touched no packet"); /* the receipt is what counts */
	ck_assert_uint_eq(r.faults.v[0].flows.n, 2);
	ck_assert_uint_eq(r.faults.v[0].flows.v[0].flow.src.port, 40000);
	ck_assert_uint_eq(r.faults.v[0].flows.v[0].did.matched, 1);
	ck_assert(r.faults.v[0].flows.v[1].flow.others);
}
END_TEST

/* Void replaces only a pass. */
START_TEST(a_fault_that_touched_nothing_and_a_fail)
{
	see_all(NO_PACKETS | NO_DETECTION);
	assert_verdict(VERDICT_FAIL, "detects");
}
END_TEST

/* A forged reset matches no packet, but it is one. */
START_TEST(a_fault_that_only_injected)
{
	see_all(NO_PACKETS);
	see_fault(&w, SEC(12), EV_RECEIPT, cut, 0)->fault.did.matched = 0;
	w.obs.list.v[w.obs.list.n - 1].fault.did.injected = 1;
	assert_verdict(VERDICT_PASS, NULL);
}
END_TEST

/* One of several edges is enough. */
START_TEST(a_fault_is_judged_over_all_its_edges)
{
	world_edge(&w, cut, SEC(20), SEC(21));
	see_all(NO_PACKETS);
	see_fault(&w, SEC(20), EV_ON, cut, 1);
	see_fault(&w, SEC(21), EV_RECEIPT, cut, 1)->fault.did.matched = (uint64_t)_i;
	if (_i)
		assert_verdict(VERDICT_PASS, NULL);
	else
		assert_verdict(VERDICT_VOID, "touched no packet");
	ck_assert_uint_eq(r.faults.n, 2);
	ck_assert_uint_eq(r.faults.v[0].did.matched, 0);
	ck_assert_uint_eq(r.faults.v[1].did.matched, (uint64_t)_i);
	ck_assert_int_eq(r.faults.v[0].on, SEC(2) + MS(1));
	ck_assert_int_eq(r.faults.v[1].on, SEC(20));
}
END_TEST

START_TEST(an_error_of_the_run)
{
	see_all(NO_DETECTION);
	see_run(&w, SEC(3), EV_ERROR)->text = "server: cannot\nstart";
	see_lag(&w, SEC(3), EV_RING_DROP, 0, 5);
	assert_verdict(VERDICT_ERROR, "server: cannot");
}
END_TEST

START_TEST(cut_short)
{
	w.no_end = true;
	see_all(NOTHING);
	assert_verdict(VERDICT_ERROR, "the run did not end");
}
END_TEST

START_TEST(never_ready)
{
	w.no_ready = true;
	see_all(NOTHING);
	assert_verdict(VERDICT_ERROR, "did not become ready");
}
END_TEST

START_TEST(packets_lost)
{
	see_all(NO_DETECTION);
	see_lag(&w, SEC(40), EV_RING_DROP, 0, 5); /* after the end too */
	assert_verdict(VERDICT_INCONCLUSIVE, "5 packets were lost");
}
END_TEST

/* A stall by itself takes nothing away. */
START_TEST(a_stall)
{
	see_all(NOTHING);
	see_lag(&w, SEC(3), EV_STALL, MS(50), 0);
	assert_verdict(VERDICT_PASS, NULL);
}
END_TEST

START_TEST(a_step_that_the_plan_does_not_have)
{
	w.plan.expects.v[0].step = -1;
	see_all(NOTHING);
	assert_verdict(VERDICT_ERROR, "no such step");
}
END_TEST

/* ---- controls ---- */

static void make_control(int named)
{
	w.plan.control = "no-heartbeat";
	world_list(&w, &w.plan.must_fail, named);
}

START_TEST(killed)
{
	make_control(0);
	see_all(NO_DETECTION);
	assert_verdict(VERDICT_PASS, "killed: detects failed (observed not detected");
}
END_TEST

/* Others may fail or be void beside the one that is named. */
START_TEST(killed_with_others)
{
	make_control(1);
	see_all(NO_CONNECTION);
	assert_verdict(VERDICT_PASS, "killed: connects failed");
	ck_assert_int_eq(r.expects.v[0].verdict, VERDICT_VOID);
}
END_TEST

START_TEST(survived)
{
	make_control(0);
	see_all(NOTHING);
	assert_verdict(VERDICT_FAIL, "control survived: detects passed (observed 2.999 s)");
}
END_TEST

/* Before its detection at 5 s a stall of a second may be why; a shorter or a later one is not. */
START_TEST(survived_a_stall)
{
	static const struct {
		nsec_t t, lag;
		enum verdict verdict;
	} stalls[] = {
		{SEC(4), SEC(1), VERDICT_FAIL},
		{SEC(4), SEC(1) + MS(1), VERDICT_INCONCLUSIVE},
		{SEC(8), SEC(2), VERDICT_FAIL},
	};

	make_control(0);
	see_all(NOTHING);
	see_lag(&w, stalls[_i].t, EV_STALL, stalls[_i].lag, 1);
	w.obs.list.v[w.obs.list.n - 1].lag.stage = LAG_INIT;
	assert_verdict(stalls[_i].verdict, "control survived: detects passed (observed 2.999 s)");
	ck_assert_int_eq(stalls[_i].verdict == VERDICT_INCONCLUSIVE,
			 strstr(r.reason, "but the machine stalled by up to 1.001 s") != NULL);
}
END_TEST

/* It failed, but not where it must. */
START_TEST(survived_though_another_failed)
{
	make_control(1);
	see_all(NO_DETECTION);
	assert_verdict(VERDICT_FAIL, "control survived: connects passed");
}
END_TEST

/* Every one that is named must fail. */
START_TEST(survived_one_of_two)
{
	make_control(0);
	world_list(&w, &w.plan.must_fail, 1);
	see_all(NO_DETECTION);
	assert_verdict(VERDICT_FAIL, "control survived: connects passed");
}
END_TEST

START_TEST(a_void_control_is_an_error)
{
	make_control(0);
	see_all(NO_CONNECTION);
	assert_verdict(VERDICT_ERROR, "control proves nothing: detects is void");
}
END_TEST

START_TEST(a_control_in_error)
{
	make_control(0);
	see_all(NO_DETECTION);
	see_run(&w, SEC(3), EV_ERROR)->text = "it broke";
	assert_verdict(VERDICT_ERROR, "it broke");
}
END_TEST

START_TEST(a_control_whose_apps_were_not_ready)
{
	w.no_ready = true;
	make_control(0);
	see_all(NO_DETECTION);
	assert_verdict(VERDICT_ERROR, "did not become ready");
}
END_TEST

START_TEST(an_inconclusive_control)
{
	make_control(0);
	see_all(NO_DETECTION);
	see_lag(&w, SEC(3), EV_RING_DROP, 0, 1);
	assert_verdict(VERDICT_INCONCLUSIVE, "packets were lost");
}
END_TEST

START_TEST(a_control_that_names_nothing)
{
	w.plan.control = "no-heartbeat";
	see_all(NO_DETECTION);
	assert_verdict(VERDICT_ERROR, "names no expectation");
}
END_TEST

/* ---- the JSON form ---- */

/* The keys of an object, in their order, with a blank after each. */
static char *keys_of(json_t *object)
{
	const char *key;
	json_t *value;
	char *keys = arena_strdup(&w.arena, "");

	json_object_foreach(object, key, value) keys = arena_printf(&w.arena, "%s%s ", keys, key);
	return keys;
}

START_TEST(as_json)
{
	see_all(NOTHING);
	world_judge(&w, &r);
	json_t *j = scenario_result_to_json(&r);
	json_t *expect = json_array_get(json_object_get(j, "expectations"), 0);
	json_t *fault = json_array_get(json_object_get(j, "faults"), 0);

	ck_assert_str_eq(keys_of(j),
			 "name slug file practice tags clock link seed cell control verdict "
			 "reason duration_s expectations faults ");
	ck_assert_str_eq(keys_of(expect),
			 "kind label file line subject must_fail verdict bound sides broken_side "
			 "observed value unit evidence at_s ");
	ck_assert_str_eq(keys_of(fault),
			 "kind id edge cables asked_on_s on_s asked_off_s off_s "
			 "matched dropped delayed duplicated corrupted reordered injected "
			 "killed destroyed flows ");
	ck_assert_str_eq(json_string_value(json_object_get(j, "verdict")), "pass");
	ck_assert_str_eq(json_string_value(json_object_get(j, "clock")), "real");
	ck_assert_str_eq(json_string_value(json_object_get(j, "link")), "wire");
	ck_assert(json_is_null(json_object_get(j, "control")));
	ck_assert(json_is_null(json_object_get(j, "practice")));
	ck_assert_str_eq(json_string_value(json_object_get(expect, "kind")), "detects");
	ck_assert_double_eq_tol(json_real_value(json_object_get(expect, "value")), 2.999, 1e-9);
	ck_assert_double_eq_tol(json_real_value(json_object_get(fault, "on_s")), 2.001, 1e-9);
	ck_assert_double_eq_tol(json_real_value(json_object_get(fault, "asked_on_s")), 2, 1e-9);
	ck_assert_int_eq(json_integer_value(json_object_get(fault, "matched")), 7);
	ck_assert_str_eq(json_string_value(json_array_get(json_object_get(fault, "cables"), 0)),
			 "server");
	json_decref(j);
}
END_TEST

/* What has no number and no end is null, and not left out. */
START_TEST(nulls_in_json)
{
	w.plan.steps.v[cut].edges.v[0].off = NSEC_NEVER;
	see_all(NO_CONNECTION);
	world_judge(&w, &r);
	json_t *j = scenario_result_to_json(&r);
	json_t *expect = json_array_get(json_object_get(j, "expectations"), 0);
	json_t *fault = json_array_get(json_object_get(j, "faults"), 0);

	ck_assert(json_is_null(json_object_get(expect, "value")));
	ck_assert(json_is_null(json_object_get(expect, "unit")));
	ck_assert(json_is_null(json_object_get(expect, "at_s")));
	ck_assert(json_is_null(json_object_get(fault, "asked_off_s")));
	json_decref(j);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("judge");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_add_test(t, passes);
	tcase_add_test(t, fails);
	tcase_add_test(t, fail_before_void);
	tcase_add_test(t, a_void_expectation);
	tcase_add_loop_test(t, a_fault_that_touched_nothing, 0, 2);
	tcase_add_test(t, a_fault_that_may_miss);
	tcase_add_test(t, what_a_fault_did_by_flow);
	tcase_add_test(t, a_fault_that_touched_nothing_and_a_fail);
	tcase_add_test(t, a_fault_that_only_injected);
	tcase_add_loop_test(t, a_fault_is_judged_over_all_its_edges, 0, 2);
	tcase_add_test(t, an_error_of_the_run);
	tcase_add_test(t, cut_short);
	tcase_add_test(t, never_ready);
	tcase_add_test(t, packets_lost);
	tcase_add_test(t, a_stall);
	tcase_add_test(t, a_step_that_the_plan_does_not_have);
	tcase_add_test(t, killed);
	tcase_add_test(t, killed_with_others);
	tcase_add_test(t, survived);
	tcase_add_loop_test(t, survived_a_stall, 0, 3);
	tcase_add_test(t, survived_though_another_failed);
	tcase_add_test(t, survived_one_of_two);
	tcase_add_test(t, a_void_control_is_an_error);
	tcase_add_test(t, a_control_in_error);
	tcase_add_test(t, a_control_whose_apps_were_not_ready);
	tcase_add_test(t, an_inconclusive_control);
	tcase_add_test(t, a_control_that_names_nothing);
	tcase_add_test(t, as_json);
	tcase_add_test(t, nulls_in_json);
	return run_tests("judge", t);
}
