/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "faults/tests/testwire.h"
#include "harness/tests/suite.h"

/*
 * The engine under a fake clock: the switch, delays, what is recorded. Times are exact, so they are
 * compared exactly.
 */

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

/* -- the switch ------------------------------------------------------------------------------ */

START_TEST(a_frame_goes_to_its_receiver_only)
{
	struct testwire *tw = testwire_new(&arena, plan);

	put(tw, 1000, 0, 2, 7);
	ck_assert_uint_eq(tw->emitted.n, 1);
	ck_assert_int_eq(tw->emitted.v[0].host, 2);
	ck_assert_int_eq(tw->emitted.v[0].t, 1000);
	testwire_end(tw, 2000);
}
END_TEST

START_TEST(a_broadcast_goes_to_all_others)
{
	struct testwire *tw = testwire_new(&arena, plan);
	struct testframe f = testframe_udp(1, 0, 7);

	memset(f.bytes, 0xff, MAC_BYTES);
	testwire_input(tw, 1000, 1, f);
	ck_assert_uint_eq(tw->emitted.n, N_HOSTS - 1);
	vec_foreach (e, &tw->emitted)
		ck_assert_int_ne(e->host, 1);
	testwire_end(tw, 2000);
	ck_assert_uint_eq(tw->captured.n, 1);
}
END_TEST

/* A question of ARP: for all, and without an address of IP that a fault could ask for. */
static struct testframe arp_question(int from)
{
	struct testframe f = testframe_udp(from, 0, 7);
	static const uint8_t ethertype_arp[] = {0x08, 0x06};

	memset(f.bytes, 0xff, MAC_BYTES);
	memcpy(f.bytes + 2 * (size_t)MAC_BYTES, ethertype_arp, sizeof(ethertype_arp));
	return f;
}

START_TEST(a_cut_eats_questions_for_a_neighbour)
{
	fault("cut", "blackhole", 0, 1000, 2000);
	struct testwire *tw = testwire_new(&arena, plan);

	testwire_input(tw, 500, 1, arp_question(1));
	ck_assert_uint_eq(tw->emitted.n, N_HOSTS - 1);
	testwire_input(tw, 1500, 1, arp_question(1)); /* not to the host that is cut off */
	ck_assert_uint_eq(tw->emitted.n, N_HOSTS - 1 + N_HOSTS - 2);
	testwire_input(tw, 1600, 0, arp_question(0)); /* and from it to nobody */
	ck_assert_uint_eq(tw->emitted.n, N_HOSTS - 1 + N_HOSTS - 2);
	testwire_input(tw, 2500, 0, arp_question(0));
	ck_assert_uint_eq(tw->emitted.n, 2 * (N_HOSTS - 1) + N_HOSTS - 2);
	testwire_end(tw, 3000);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 2);
	/* Nothing of it is TCP: there is nothing to observe but the fault. */
	vec_foreach (o, &tw->observed)
		ck_assert_int_eq(o->source, OBS_FAULT);
}
END_TEST

START_TEST(a_match_of_tcp_lets_questions_pass)
{
	struct plan_step *cut = fault("cut", "blackhole", 0, 1000, NSEC_NEVER);

	cut->fault.match.protocol = MATCH_TCP;
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, 1500, 0, arp_question(0));
	ck_assert_uint_eq(tw->emitted.n, N_HOSTS - 1);
	testwire_end(tw, 3000);
}
END_TEST

START_TEST(the_switch_learns_and_follows)
{
	struct testwire *tw = testwire_new(&arena, plan);
	struct testframe to_stranger = testframe_udp(0, 1, 1), by_stranger = testframe_udp(2, 0, 2);

	to_stranger.bytes[1] = by_stranger.bytes[7] = 0xaa; /* a MAC that no host has */
	to_stranger.bytes[5] = by_stranger.bytes[11] = 0x55;
	testwire_input(tw, 1000, 0, to_stranger);
	ck_assert_uint_eq(tw->emitted.n, N_HOSTS - 1); /* flooded */
	testwire_input(tw, 2000, 2, by_stranger);
	testwire_input(tw, 3000, 0, to_stranger);
	ck_assert_uint_eq(tw->emitted.n, N_HOSTS + 1);
	ck_assert_int_eq(tw->emitted.v[N_HOSTS].host, 2);
	testwire_input(tw, 4000, 3, by_stranger); /* it moved */
	testwire_input(tw, 5000, 0, to_stranger);
	ck_assert_int_eq(tw->emitted.v[tw->emitted.n - 1].host, 3);
	testwire_end(tw, 6000);
}
END_TEST

/* -- delay ----------------------------------------------------------------------------------- */

START_TEST(delay_is_exact_and_counts_from_the_stamp)
{
	nsec_t t;

	fault("slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(50);
	struct testwire *tw = testwire_new(&arena, plan);
	/* Stamped at 10 ms, but read only at 12 ms: released at 60 ms all the same. */
	struct testframe f = testframe_udp(0, 1, 1);
	tw->clock = MSEC(12);
	testwire_put(tw->wire, 0, f.bytes, f.len, MSEC(10), MSEC(12));
	ck_assert_int_eq(wire_next(tw->wire), MSEC(60));
	testwire_end(tw, MSEC(100));
	ck_assert(arrived(tw, 1, &t));
	ck_assert_int_eq(t, MSEC(60));
	ck_assert_str_eq(tw->captured.v[0].comment,
			 "delayed 50.000 ms by slow (delay on h0 from-host)");
}
END_TEST

START_TEST(delays_of_both_cables_add_up)
{
	nsec_t t;

	fault("a", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(5);
	fault("b", "delay", 1, 0, NSEC_NEVER)->fault.mean = MSEC(7);
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, 1000, 0, 1, 1);
	testwire_end(tw, MSEC(100));
	ck_assert(arrived(tw, 1, &t));
	ck_assert_int_eq(t, 1000 + MSEC(12));
	ck_assert_str_eq(tw->captured.v[0].comment,
			 "delayed 5.000 ms by a (delay on h0 from-host); "
			 "delayed 7.000 ms by b (delay on h1 to-host)");
}
END_TEST

START_TEST(equal_delays_keep_the_order)
{
	fault("slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(1);
	struct testwire *tw = testwire_new(&arena, plan);
	for (uint32_t i = 0; i < 1000; i++)
		put(tw, 1000 + i / 100, 0, 1, i); /* a hundred at each time */
	testwire_end(tw, MSEC(100));
	ck_assert_uint_eq(tw->emitted.n, 1000);
	for (uint32_t i = 0; i < 1000; i++)
		ck_assert_uint_eq(testframe_id(tw->emitted.v[i].bytes), i);
}
END_TEST

START_TEST(jitter_stays_in_its_bounds_and_uses_them)
{
	nsec_t lowest = NSEC_NEVER, highest = 0;
	struct plan_step *s = fault("slow", "delay", 0, 0, NSEC_NEVER);

	s->fault.mean = MSEC(20);
	s->fault.jitter = MSEC(10);
	struct testwire *tw = testwire_new(&arena, plan);
	for (uint32_t i = 0; i < 2000; i++)
		put(tw, MSEC(i), 0, 1, i);
	testwire_end(tw, MSEC(3000));
	ck_assert_uint_eq(tw->emitted.n, 2000);
	vec_foreach (e, &tw->emitted) {
		nsec_t delay = e->t - MSEC(testframe_id(e->bytes));

		lowest = delay < lowest ? delay : lowest;
		highest = delay > highest ? delay : highest;
	}
	ck_assert_int_ge(lowest, MSEC(10));
	ck_assert_int_lt(lowest, MSEC(11));
	ck_assert_int_le(highest, MSEC(30));
	ck_assert_int_gt(highest, MSEC(29));
}
END_TEST

START_TEST(captures_are_in_the_order_of_entry)
{
	struct plan_step *s = fault("slow", "delay", 0, 0, NSEC_NEVER);

	s->fault.mean = MSEC(20);
	s->fault.match.port = 5001;
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, MSEC(1), 0, 1, 1);                              /* held until 21 ms */
	testwire_input(tw, MSEC(2), 2, testframe_udp(2, 3, 2)); /* not on that cable */
	ck_assert_uint_eq(tw->captured.n, 0);                   /* waits for the first */
	testwire_end(tw, MSEC(100));
	ck_assert_uint_eq(tw->captured.n, 2);
	ck_assert_int_eq(tw->captured.v[0].t, MSEC(1));
	ck_assert_int_eq(tw->captured.v[1].t, MSEC(2));
	ck_assert_int_eq(tw->captured.v[0].host, 0);
	ck_assert_int_eq(tw->captured.v[1].host, 2);
	ck_assert_ptr_nonnull(tw->captured.v[0].comment);
	ck_assert_ptr_null(tw->captured.v[1].comment);
}
END_TEST

START_TEST(what_is_still_held_at_the_end_is_said_so)
{
	fault("slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(500);
	struct testwire *tw = testwire_new(&arena, plan);
	put(tw, MSEC(1), 0, 1, 1);
	testwire_end(tw, MSEC(100));
	ck_assert(!arrived(tw, 1, NULL));
	ck_assert_uint_eq(tw->captured.n, 1);
	ck_assert_ptr_nonnull(strstr(tw->captured.v[0].comment, "still on its way"));
}
END_TEST

/* -- observations ---------------------------------------------------------------------------- */

START_TEST(an_observation_tells_the_whole_way)
{
	fault("slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(5);
	fault("cut", "blackhole", 1, MSEC(10), NSEC_NEVER);
	struct testwire *tw = testwire_new(&arena, plan);
	struct testsegment syn = {.to = 1, .flags = TCP_FLAG_SYN, .seq = 9};
	testwire_input(tw, MSEC(1), 0, testframe_tcp(syn));
	testwire_input(tw, MSEC(20), 0, testframe_tcp(syn));
	testwire_end(tw, MSEC(100));

	const struct observation *first = testwire_event(tw, EV_SYN, 0);
	const struct observation *second = testwire_event(tw, EV_SYN, 1);
	ck_assert_int_eq(first->t, MSEC(1));
	ck_assert_int_eq(first->host, 0);
	ck_assert_int_eq(first->packet.arrived, MSEC(6));
	ck_assert_int_eq(first->packet.fault, -1);
	ck_assert(!first->packet.retransmit);
	ck_assert_uint_eq(first->packet.dst.port, 8000);
	ck_assert_int_eq(second->t, MSEC(20));
	ck_assert_int_eq(second->packet.arrived, NSEC_NEVER);
	ck_assert_int_eq(second->packet.fault, 1);
	ck_assert(second->packet.retransmit);
}
END_TEST

START_TEST(garbage_passes_through)
{
	struct testwire *tw = testwire_new(&arena, plan);
	struct testframe runt = testframe_udp(0, 1, 1);

	runt.len = 6; /* not even a whole header: nobody can be its receiver */
	testwire_input(tw, 1000, 0, runt);
	runt.len = 0;
	testwire_input(tw, 2000, 0, runt);
	testwire_end(tw, MSEC(1));
	ck_assert_uint_eq(tw->captured.n, 2);
}
END_TEST

START_TEST(a_bad_address_in_the_plan_is_an_error)
{
	const struct wire_sinks sinks = {0};
	struct err err;

	plan->hosts.v[1].mac = arena_strdup(&arena, "02:00:00:00:00");
	ck_assert_ptr_null(wire_new(plan, &sinks, &err));
	ck_assert_ptr_nonnull(strstr(err.msg, "h1"));
	ck_assert_ptr_nonnull(strstr(err.msg, "MAC"));
}
END_TEST

/* -- limits ---------------------------------------------------------------------------------- */

/* What came out, only counted: these tests put in a great deal. */
struct counts {
	uint64_t emitted, captured, open, lost;
};

static void count_emitted(void *ctx, int host, const struct cable_frame *f)
{
	struct counts *c = ctx;

	(void)host;
	(void)f;
	c->emitted++;
}

static void count_lost(void *ctx, const struct observation *o)
{
	struct counts *c = ctx;

	if (o->event == EV_RING_DROP)
		c->lost += o->lag.count;
}

static void count_captured(void *ctx, const struct capture *capture)
{
	struct counts *c = ctx;

	c->captured++;
	c->open += capture->comment && strstr(capture->comment, "still open") != NULL;
}

static void ignore_carrier(void *ctx, int host, bool up)
{
	(void)ctx;
	(void)host;
	(void)up;
}

static struct wire *counting_wire(struct counts *c)
{
	const struct wire_sinks sinks = {c, count_emitted, count_lost, count_captured,
					 ignore_carrier};
	struct err err;
	struct wire *w = wire_new(plan, &sinks, &err);

	ck_assert_ptr_nonnull(w);
	wire_start(w, 0);
	return w;
}

START_TEST(records_do_not_wait_for_ever)
{
	const int n = 600000; /* more than may wait for the first */
	struct counts c = {0};
	struct testframe slow = testframe_udp(0, 1, 1), quick = testframe_udp(2, 3, 2);

	fault("slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = 100 * NSEC_PER_SEC;
	struct wire *w = counting_wire(&c);
	testwire_put(w, 0, slow.bytes, slow.len, 1, 1);
	for (int i = 0; i < n; i++) {
		ck_assert_uint_le(c.emitted + 1 - c.captured, 1 << 19);
		testwire_put(w, 2, quick.bytes, quick.len, 2 + i, 2 + i);
	}
	ck_assert_uint_eq(c.open, 1);
	wire_end(w, 200 * NSEC_PER_SEC);
	ck_assert_uint_eq(c.emitted, (uint64_t)n + 1);
	ck_assert_uint_eq(c.captured, (uint64_t)n + 1); /* each once, the first too */
	wire_free(w);
}
END_TEST

START_TEST(what_cannot_be_held_is_counted_as_lost)
{
	const int n = 6000; /* of 60000 bytes each: 360 MB */
	static uint8_t bytes[60000];
	struct testframe header = testframe_udp(0, 1, 1);
	struct counts c = {0};

	memcpy(bytes, header.bytes, header.len);
	fault("slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(10);
	struct wire *w = counting_wire(&c);
	for (int i = 0; i < n; i++)
		testwire_put(w, 0, bytes, sizeof(bytes), 1, 1);
	wire_advance(w, MSEC(20));
	wire_recycle(w);
	ck_assert_uint_gt(c.lost, 0);
	ck_assert_uint_gt(c.emitted, 0);
	ck_assert_uint_eq(c.emitted + c.lost, (uint64_t)n);
	/* What was released makes room again. */
	testwire_put(w, 0, bytes, sizeof(bytes), MSEC(30), MSEC(30));
	wire_advance(w, MSEC(50));
	ck_assert_uint_eq(c.emitted + c.lost, (uint64_t)n + 1);
	wire_end(w, MSEC(60));
	wire_free(w);
}
END_TEST

/* What its sender left to the hardware goes with a frame, and with a second one, over any delay. */
START_TEST(what_is_left_to_do_goes_with_the_frame)
{
	const struct virtio_net_hdr left = {.flags = VIRTIO_NET_HDR_F_NEEDS_CSUM,
					    .gso_type = VIRTIO_NET_HDR_GSO_TCPV4,
					    .hdr_len = 54,
					    .gso_size = 1448,
					    .csum_start = 34,
					    .csum_offset = 16};
	struct testframe f = testframe_udp(0, 1, 1);

	fault("slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(5);
	fault("twice", "duplicate", 1, 0, NSEC_NEVER)->fault.rate = 1;
	struct testwire *tw = testwire_new(&arena, plan);
	wire_input(tw->wire, 0,
		   &(struct cable_frame){f.bytes, f.len, .original_len = f.len, .offload = left}, 1,
		   1);
	testwire_end(tw, MSEC(10));
	ck_assert_uint_eq(tw->emitted.n, 2);
	vec_foreach (e, &tw->emitted)
		ck_assert_int_eq(memcmp(&e->offload, &left, sizeof(left)), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("engine");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_frame_goes_to_its_receiver_only);
	tcase_add_test(tc, a_broadcast_goes_to_all_others);
	tcase_add_test(tc, a_cut_eats_questions_for_a_neighbour);
	tcase_add_test(tc, a_match_of_tcp_lets_questions_pass);
	tcase_add_test(tc, the_switch_learns_and_follows);
	tcase_add_test(tc, delay_is_exact_and_counts_from_the_stamp);
	tcase_add_test(tc, delays_of_both_cables_add_up);
	tcase_add_test(tc, equal_delays_keep_the_order);
	tcase_add_test(tc, jitter_stays_in_its_bounds_and_uses_them);
	tcase_add_test(tc, captures_are_in_the_order_of_entry);
	tcase_add_test(tc, what_is_still_held_at_the_end_is_said_so);
	tcase_add_test(tc, an_observation_tells_the_whole_way);
	tcase_add_test(tc, garbage_passes_through);
	tcase_add_test(tc, a_bad_address_in_the_plan_is_an_error);
	tcase_add_test(tc, records_do_not_wait_for_ever);
	tcase_add_test(tc, what_is_left_to_do_goes_with_the_frame);
	tcase_add_test(tc, what_cannot_be_held_is_counted_as_lost);
	return run_tests("wire", tc);
}
