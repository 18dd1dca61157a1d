/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "faults/tests/testwire.h"
#include "harness/tests/suite.h"

/* Faults on cables: when they are on, what they match, what they count, how they draw. */

#define N_HOSTS 4

static struct arena arena;
static struct plan *plan;

static void setup(void)
{
	plan = testplan_new(&arena, N_HOSTS, 42);
}

static void teardown(void)
{
	arena_free(&arena);
}

static struct plan_step *fault(const char *id, const char *kind, int cable, nsec_t on, nsec_t off)
{
	return testplan_fault(plan, &arena, id, kind, cable, on, off);
}

static void put(struct testwire *tw, nsec_t t, int from, int to, uint32_t id)
{
	testwire_input(tw, t, from, testframe_udp(from, to, id));
}

/* Whether the frame came out at a host; *ret_t tells when. */
static bool arrived(struct testwire *tw, uint32_t id, nsec_t *ret_t)
{
	vec_foreach (e, &tw->emitted) {
		if (testframe_id(e->bytes) != id)
			continue;
		if (ret_t)
			*ret_t = e->t;
		return true;
	}
	return false;
}

/* -- windows, directions, filters ------------------------------------------------------------ */

START_TEST(a_blackhole_takes_exactly_its_window)
{
	fault("cut", "blackhole", 1, MSEC(10), MSEC(20));
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, MSEC(10) - 1, 0, 1, 1);
	put(tw, MSEC(10), 0, 1, 2);
	put(tw, MSEC(20) - 1, 1, 0, 3);
	put(tw, MSEC(20), 0, 1, 4);
	testwire_end(tw, MSEC(100));
	ck_assert(arrived(tw, 1, NULL));
	ck_assert(!arrived(tw, 2, NULL));
	ck_assert(!arrived(tw, 3, NULL));
	ck_assert(arrived(tw, 4, NULL));
	ck_assert_str_eq(tw->captured.v[1].comment, "dropped by cut (blackhole on h1 to-host)");
	ck_assert_str_eq(tw->captured.v[2].comment, "dropped by cut (blackhole on h1 from-host)");
}
END_TEST

START_TEST(a_held_frame_meets_the_fault_of_its_release)
{
	fault("slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(5);
	fault("cut", "blackhole", 1, MSEC(10), MSEC(20));
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, MSEC(5) - 1, 0, 1, 1); /* at h1's cable just before the cut */
	put(tw, MSEC(5), 0, 1, 2);
	put(tw, MSEC(15), 0, 1, 3); /* sent while it is cut, there when it is lifted */
	testwire_end(tw, MSEC(100));
	ck_assert(arrived(tw, 1, NULL));
	ck_assert(!arrived(tw, 2, NULL));
	ck_assert(arrived(tw, 3, NULL));
}
END_TEST

START_TEST(a_direction_leaves_the_other_alone)
{
	bool to_host = _i == DIRECTION_TO_HOST;

	fault("cut", "blackhole", 1, 0, NSEC_NEVER)->fault.direction = _i;
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, 1000, 0, 1, 1);
	put(tw, 2000, 1, 0, 2);
	testwire_end(tw, MSEC(1));
	ck_assert_int_eq(arrived(tw, 1, NULL), !to_host);
	ck_assert_int_eq(arrived(tw, 2, NULL), to_host);
}
END_TEST

START_TEST(match_by_port)
{
	fault("cut", "blackhole", 1, 0, NSEC_NEVER)->fault.match.port = _i;
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, 1000, 0, 1, 1); /* port 5000 to 5001 */
	testwire_end(tw, MSEC(1));
	ck_assert_int_eq(arrived(tw, 1, NULL), _i < 5000 || _i > 5001);
}
END_TEST

START_TEST(match_by_protocol)
{
	fault("cut", "blackhole", 1, 0, NSEC_NEVER)->fault.match.protocol = _i;
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, 1000, 0, 1, 1);
	testwire_input(tw, 2000, 0,
		       testframe_tcp((struct testsegment){.to = 1, .flags = TCP_FLAG_ACK}));
	testwire_end(tw, MSEC(1));
	ck_assert_uint_eq(tw->emitted.n, _i == MATCH_ICMP ? 2 : 1);
	ck_assert_int_eq(arrived(tw, 1, NULL), _i != MATCH_UDP);
}
END_TEST

START_TEST(match_by_peer_both_ways)
{
	struct plan_step *s = fault("cut", "blackhole", 1, 0, NSEC_NEVER);

	testplan_match_peer(s, &arena, 2);
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, 1000, 0, 1, 1);
	put(tw, 2000, 1, 0, 2);
	put(tw, 3000, 2, 1, 3);
	put(tw, 4000, 1, 2, 4);
	testwire_end(tw, MSEC(1));
	ck_assert(arrived(tw, 1, NULL));
	ck_assert(arrived(tw, 2, NULL));
	ck_assert(!arrived(tw, 3, NULL));
	ck_assert(!arrived(tw, 4, NULL));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 2);
}
END_TEST

START_TEST(match_by_kind)
{
	struct plan_step *s = fault("cut", "blackhole", 1, 0, NSEC_NEVER);

	testplan_match_kind(s, &arena, "data");
	testplan_match_kind(s, &arena, "syn");
	struct testwire *tw = testwire_new(&arena, plan);
	const uint8_t flags[] = {TCP_FLAG_SYN, TCP_FLAG_ACK, TCP_FLAG_ACK, TCP_FLAG_RST};
	for (uint32_t i = 0; i < 4; i++)
		testwire_input(tw, (nsec_t)1000 * (i + 1), 0,
			       testframe_tcp((struct testsegment){
				       .to = 1, .flags = flags[i], .payload = i == 1}));
	put(tw, 9000, 0, 1, 1);
	testwire_end(tw, MSEC(1));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 2);
	ck_assert_uint_eq(tw->emitted.n, 3); /* the bare ACK, the RST and the datagram */
}
END_TEST

START_TEST(a_cable_named_twice_is_one_cable)
{
	nsec_t t;
	struct plan_step *s = fault("slow", "delay", 0, 0, NSEC_NEVER);

	s->fault.mean = MSEC(5);
	testplan_add_cable(s, &arena, 0);
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, 1000, 0, 1, 1);
	testwire_end(tw, MSEC(100));
	ck_assert(arrived(tw, 1, &t));
	ck_assert_int_eq(t, 1000 + MSEC(5));
}
END_TEST

/* -- edges and receipts ---------------------------------------------------------------------- */

START_TEST(the_edges_of_several_cables_are_one)
{
	struct plan_step *s = fault("cut", "blackhole", 0, MSEC(10), MSEC(20));

	testplan_add_cable(s, &arena, 1);
	testplan_add_cable(s, &arena, 2);
	struct testwire *tw = testwire_new(&arena, plan);
	for (int host = 0; host < 3; host++)
		put(tw, MSEC(10), host, 3, (uint32_t)host);
	for (int host = 0; host < 3; host++)
		put(tw, MSEC(20), host, 3, 10 + (uint32_t)host);
	testwire_end(tw, MSEC(100));
	for (uint32_t host = 0; host < 3; host++) {
		ck_assert(!arrived(tw, host, NULL));
		ck_assert(arrived(tw, 10 + host, NULL));
	}
	ck_assert_ptr_nonnull(testwire_event(tw, EV_ON, 0));
	ck_assert_ptr_null(testwire_event(tw, EV_ON, 1)); /* one edge, not three */
}
END_TEST

START_TEST(receipts_are_what_was_seen)
{
	struct plan_step *s = fault("lossy", "loss", 1, MSEC(10), MSEC(20));

	s->fault.rate = 0.3;
	testplan_add_window(s, &arena, MSEC(30), NSEC_NEVER);
	fault("slow", "delay", 1, 0, NSEC_NEVER)->fault.mean = MSEC(1);
	struct testwire *tw = testwire_new(&arena, plan);
	for (uint32_t i = 0; i < 400; i++)
		put(tw, MSEC(i) / 10, 0, 1, i);
	testwire_end(tw, MSEC(100));

	uint64_t dropped = 0, delayed = 0;
	vec_foreach (c, &tw->captured) {
		dropped += c->comment && strstr(c->comment, "dropped by lossy") != NULL;
		delayed += c->comment && strstr(c->comment, "by slow") != NULL;
	}
	const struct receipt *first = testwire_receipt(tw, 0, 0);
	const struct receipt *second = testwire_receipt(tw, 0, 1);
	const struct receipt *slow = testwire_receipt(tw, 1, 0);
	ck_assert_uint_eq(first->matched, 100);
	ck_assert_uint_eq(second->matched, 100);
	ck_assert_uint_gt(first->dropped, 0);
	ck_assert_uint_gt(second->dropped, 0);
	ck_assert_uint_eq(first->dropped + second->dropped, dropped);
	/* The delay comes after the loss and does not see what that dropped. */
	ck_assert_uint_eq(slow->matched, 400 - dropped);
	ck_assert_uint_eq(slow->delayed, delayed);
	ck_assert_uint_eq(tw->emitted.n, 400 - dropped);
}
END_TEST

START_TEST(edges_tell_asked_and_effective)
{
	fault("cut", "blackhole", 1, MSEC(10), MSEC(20));
	struct testwire *tw = testwire_new(&arena, plan);
	wire_advance(tw->wire, MSEC(10) + 300); /* woke 300 ns late */
	testwire_end(tw, MSEC(100));
	const struct observation *on = testwire_event(tw, EV_ON, 0);
	const struct observation *off = testwire_event(tw, EV_OFF, 0);
	ck_assert_int_eq(on->fault.asked, MSEC(10));
	ck_assert_int_eq(on->t, MSEC(10) + 300);
	ck_assert_int_eq(off->fault.asked, MSEC(20));
	ck_assert_int_eq(off->t, MSEC(20));
}
END_TEST

START_TEST(late_reading_falsifies_no_window)
{
	struct testframe before = testframe_udp(0, 1, 1), during = testframe_udp(0, 1, 2);

	fault("cut", "blackhole", 1, MSEC(10), MSEC(20));
	struct testwire *tw = testwire_new(&arena, plan);
	/* Both are read after the window is over. */
	testwire_put(tw->wire, 0, before.bytes, before.len, MSEC(9), MSEC(30));
	testwire_put(tw->wire, 0, during.bytes, during.len, MSEC(11), MSEC(30));
	testwire_end(tw, MSEC(100));
	ck_assert(arrived(tw, 1, NULL));
	ck_assert(!arrived(tw, 2, NULL));
}
END_TEST

START_TEST(adjacent_windows_and_one_without_length)
{
	struct plan_step *s = fault("cut", "blackhole", 1, MSEC(10), MSEC(20));

	testplan_add_window(s, &arena, MSEC(20), MSEC(30));
	testplan_add_window(s, &arena, MSEC(40), MSEC(40));
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, MSEC(20), 0, 1, 1);
	put(tw, MSEC(30), 0, 1, 2);
	put(tw, MSEC(40), 0, 1, 3);
	testwire_end(tw, MSEC(100));
	ck_assert(!arrived(tw, 1, NULL));
	ck_assert(arrived(tw, 2, NULL));
	ck_assert(arrived(tw, 3, NULL));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 0);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 1)->dropped, 1);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 2)->matched, 0);
}
END_TEST

/* -- chance ---------------------------------------------------------------------------------- */

/* Two-sided 99.9 % of the normal law, which the binomial is close to here. */
#define SIGMAS_999 3.29

START_TEST(loss_is_binomial)
{
	static const double rates[] = {0.01, 0.1, 0.5, 1};
	const int n = 20000;
	double rate = rates[_i];

	fault("lossy", "loss", 0, 0, NSEC_NEVER)->fault.rate = rate;
	struct testwire *tw = testwire_new(&arena, plan);
	for (int i = 0; i < n; i++)
		put(tw, 1000 + i, 0, 1, (uint32_t)i);
	testwire_end(tw, MSEC(1));
	double mean = n * rate, spread = SIGMAS_999 * sqrt(mean * (1 - rate));
	ck_assert(fabs((double)testwire_receipt(tw, 0, 0)->dropped - mean) <= spread);
}
END_TEST

/* Which of 500 packets arrive. */
static void survivors(bool *ret)
{
	struct testwire *tw = testwire_new(&arena, plan);

	for (uint32_t i = 0; i < 500; i++)
		put(tw, 1000 + i, 0, 1, i);
	testwire_end(tw, MSEC(500));
	for (uint32_t i = 0; i < 500; i++)
		ret[i] = arrived(tw, i, NULL);
}

/* A step without an id, or with its kind's name for one, is as stable as a named one. */
START_TEST(another_fault_changes_no_draw)
{
	static const char *const ids[] = {"lossy", "loss", NULL};
	bool alone[500], in_company[500], reseeded[500];

	fault(ids[_i], "loss", 0, 0, NSEC_NEVER)->fault.rate = 0.3;
	survivors(alone);
	/* On other cables, in the other direction, of the same and of another kind. */
	fault("x", "loss", 2, 0, NSEC_NEVER)->fault.rate = 0.5;
	fault("y", "loss", 1, 0, NSEC_NEVER)->fault.direction = DIRECTION_FROM_HOST;
	plan->steps.v[2].fault.rate = 0.5;
	struct plan_step *jitter = fault("z", "delay", 0, 0, NSEC_NEVER);
	jitter->fault.mean = jitter->fault.jitter = MSEC(1);
	if (ids[_i] && !strcmp(ids[_i], "loss"))
		plan->steps.v[0].id = NULL; /* it is not the only one of its kind any more */
	survivors(in_company);
	ck_assert(!memcmp(alone, in_company, sizeof(alone)));
	plan->seed++;
	survivors(reseeded);
	ck_assert(memcmp(alone, reseeded, sizeof(alone)));
}
END_TEST

START_TEST(each_direction_and_cable_draws_for_itself)
{
	struct plan_step *s = fault("lossy", "loss", 0, 0, NSEC_NEVER);
	int differ_direction = 0, differ_cable = 0;

	s->fault.rate = 0.5;
	testplan_add_cable(s, &arena, 2);
	struct testwire *tw = testwire_new(&arena, plan);
	for (uint32_t i = 0; i < 200; i++) {
		put(tw, 1000 + i, 0, 1, i);
		put(tw, 1000 + i, 1, 0, 1000 + i);
		put(tw, 1000 + i, 2, 3, 2000 + i);
	}
	testwire_end(tw, MSEC(1));
	for (uint32_t i = 0; i < 200; i++) {
		differ_direction += arrived(tw, i, NULL) != arrived(tw, 1000 + i, NULL);
		differ_cable += arrived(tw, i, NULL) != arrived(tw, 2000 + i, NULL);
	}
	/* About a hundred each: streams that were the same would differ nowhere. */
	ck_assert_int_gt(differ_direction, 50);
	ck_assert_int_gt(differ_cable, 50);
}
END_TEST

START_TEST(the_same_plan_gives_the_same_bytes)
{
	struct testwire *runs[2];

	fault("lossy", "loss", 0, 0, NSEC_NEVER)->fault.rate = 0.3;
	struct plan_step *jitter = fault("slow", "delay", 1, MSEC(1), MSEC(5));
	jitter->fault.mean = jitter->fault.jitter = MSEC(2);
	for (int run = 0; run < 2; run++) {
		runs[run] = testwire_new(&arena, plan);
		for (uint32_t i = 0; i < 500; i++)
			put(runs[run], (nsec_t)20000 * (i + 1), 0, 1, i);
		testwire_end(runs[run], MSEC(100));
	}
	ck_assert_uint_eq(runs[0]->emitted.n, runs[1]->emitted.n);
	for (size_t i = 0; i < runs[0]->emitted.n; i++) {
		ck_assert_int_eq(runs[0]->emitted.v[i].t, runs[1]->emitted.v[i].t);
		ck_assert_uint_eq(testframe_id(runs[0]->emitted.v[i].bytes),
				  testframe_id(runs[1]->emitted.v[i].bytes));
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("engine");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_blackhole_takes_exactly_its_window);
	tcase_add_test(tc, a_held_frame_meets_the_fault_of_its_release);
	tcase_add_loop_test(tc, a_direction_leaves_the_other_alone, DIRECTION_TO_HOST,
			    DIRECTION_FROM_HOST + 1);
	tcase_add_loop_test(tc, match_by_port, 4999, 5003);
	tcase_add_loop_test(tc, match_by_protocol, MATCH_TCP, MATCH_ICMP + 1);
	tcase_add_test(tc, match_by_peer_both_ways);
	tcase_add_test(tc, match_by_kind);
	tcase_add_test(tc, a_cable_named_twice_is_one_cable);
	tcase_add_test(tc, the_edges_of_several_cables_are_one);
	tcase_add_test(tc, receipts_are_what_was_seen);
	tcase_add_test(tc, edges_tell_asked_and_effective);
	tcase_add_test(tc, late_reading_falsifies_no_window);
	tcase_add_test(tc, adjacent_windows_and_one_without_length);
	tcase_add_loop_test(tc, loss_is_binomial, 0, 4);
	tcase_add_loop_test(tc, another_fault_changes_no_draw, 0, 3);
	tcase_add_test(tc, each_direction_and_cable_draws_for_itself);
	tcase_add_test(tc, the_same_plan_gives_the_same_bytes);
	return run_tests("chain", tc);
}
