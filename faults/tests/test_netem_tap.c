/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "faults/netem/corruption.h"
#include "faults/netem/tap.h"
#include "faults/tests/testframe.h"
#include "faults/tests/testplan.h"
#include "harness/judge/expect.h"
#include "harness/tests/suite.h"

/*
 * The netem engine without a kernel: what is seen of frames goes in, by hand, with times of a fake
 * clock; which qdiscs are told what, and what is recorded, comes out.
 */

#define N_HOSTS 3
/* How long the kernel takes for an edge, here. */
#define EDGE_TAKES (50 * NSEC_PER_USEC)
/* Longer after a frame than the tap waits for it. */
#define LONG_AFTER SEC(1)
#define SEC(n)     ((nsec_t)(n)*NSEC_PER_SEC)

/* What a qdisc was told. */
struct told {
	nsec_t t;
	int host;
	enum direction direction;
	struct netem_params params;
	uint64_t seed;
};

struct sent {
	int host;
	struct packet packet;
};

static struct arena arena;
static struct plan *plan;
static struct tap *tap;
static nsec_t clock_now;
static VEC(struct observation) observed;
static VEC(struct told) told;
static VEC(struct sent) sent;
static VEC(char *) comments;
static int n_commits, n_down, n_up;

static void emit(void *ctx, int host, const struct cable_frame *f)
{
	struct sent *s = vec_push(&arena, &sent);

	(void)ctx;
	s->host = host;
	packet_parse(f->bytes, f->len, &s->packet);
}

static void record(void *ctx, const struct observation *o)
{
	(void)ctx;
	*vec_push(&arena, &observed) = *o;
}

static void capture(void *ctx, const struct capture *c)
{
	(void)ctx;
	*vec_push(&arena, &comments) = arena_strdup(&arena, c->comment ? c->comment : "");
}

static void carrier(void *ctx, int host, bool up)
{
	(void)ctx;
	(void)host;
	*(up ? &n_up : &n_down) += 1;
}

static void set(void *ctx, int host, enum direction direction, const struct netem_params *params,
		uint64_t seed)
{
	(void)ctx;
	*vec_push(&arena, &told) = (struct told){clock_now, host, direction, *params, seed};
}

static nsec_t commit(void *ctx)
{
	(void)ctx;
	n_commits++;
	return clock_now + EDGE_TAKES;
}

static void setup(void)
{
	plan = testplan_new(&arena, N_HOSTS, 42);
	clock_now = 0;
	n_commits = n_down = n_up = 0;
	memset(&observed, 0, sizeof(observed));
	memset(&told, 0, sizeof(told));
	memset(&sent, 0, sizeof(sent));
	memset(&comments, 0, sizeof(comments));
}

static void teardown(void)
{
	tap_free(tap);
	tap = NULL;
	arena_free(&arena);
}

static struct plan_step *fault(const char *id, const char *kind, int cable, nsec_t on, nsec_t off)
{
	return testplan_fault(plan, &arena, id, kind, cable, on, off);
}

static void begin(void)
{
	const struct tap_sinks sinks = {
		.wire = {NULL, emit, record, capture, carrier}, .set = set, .commit = commit};
	struct err err;

	tap = tap_new(plan, &sinks, &err);
	ck_assert_ptr_nonnull(tap);
	tap_start(tap, 0);
}

static void run(nsec_t t)
{
	for (nsec_t due; (due = tap_next(tap)) <= t;) {
		clock_now = due;
		tap_advance(tap, due);
		tap_recycle(tap);
	}
	clock_now = t;
}

static void see(nsec_t t, enum tap_point point, int host, const struct testframe *f)
{
	run(t);
	tap_input(tap, point, host, f->bytes, f->len, f->len, t);
	tap_recycle(tap);
}

static void end(nsec_t t)
{
	run(t);
	tap_end(tap, t);
}

/* From one host to another, with no delay at all but where it says so. */
static void pass(nsec_t t, int from, int to, const struct testframe *f, nsec_t to_host_delay)
{
	see(t, TAP_LEFT, from, f);
	see(t, TAP_ENTERED, to, f);
	see(t + to_host_delay, TAP_ARRIVED, to, f);
}

static const struct receipt *receipt(int step, int window)
{
	vec_foreach (o, &observed)
		if (o->source == OBS_FAULT && o->event == EV_RECEIPT && o->fault.step == step &&
		    o->fault.edge == window)
			return &o->fault.did;
	ck_abort_msg("there is no receipt of step %d, window %d", step, window);
}

static const struct observation *event(enum obs_event wanted, int n)
{
	vec_foreach (o, &observed)
		if (o->event == wanted && !n--)
			return o;
	ck_abort_msg("there is no such event");
}

static struct testframe syn(int from, int to)
{
	return testframe_tcp((struct testsegment){
		.from = from, .to = to, .flags = TCP_FLAG_SYN, .seq = 100, .window_scale = 7});
}

/* -- edges ----------------------------------------------------------------------------------- */

START_TEST(an_edge_tells_the_qdiscs_of_its_cable_and_direction)
{
	struct plan_step *s = fault("slow", "delay", 1, MSEC(10), MSEC(20));

	s->fault.mean = MSEC(3);
	s->fault.direction = DIRECTION_TO_HOST;
	begin();
	ck_assert(tap_has_faults(tap, 1, DIRECTION_TO_HOST));
	ck_assert(!tap_has_faults(tap, 1, DIRECTION_FROM_HOST));
	ck_assert(!tap_has_faults(tap, 0, DIRECTION_TO_HOST));
	end(MSEC(30));
	ck_assert_uint_eq(told.n, 2);
	ck_assert_int_eq(told.v[0].t, MSEC(10));
	ck_assert_int_eq(told.v[0].host, 1);
	ck_assert_int_eq(told.v[0].direction, DIRECTION_TO_HOST);
	ck_assert_int_eq(told.v[0].params.latency, MSEC(3));
	ck_assert_int_eq(told.v[1].t, MSEC(20));
	ck_assert_int_eq(told.v[1].params.latency, 0);
	ck_assert_uint_ne(told.v[0].seed, told.v[1].seed);
	ck_assert_int_eq(event(EV_ON, 0)->t, MSEC(10) + EDGE_TAKES);
	ck_assert_int_eq(event(EV_ON, 0)->fault.asked, MSEC(10));
}
END_TEST

START_TEST(edges_at_one_time_go_out_together)
{
	struct plan_step *s = fault("cut", "blackhole", 0, MSEC(10), NSEC_NEVER);

	testplan_add_cable(s, &arena, 1);
	s = fault("slow", "delay", 2, MSEC(10), NSEC_NEVER);
	s->fault.mean = MSEC(3);
	begin();
	end(MSEC(30));
	ck_assert_int_eq(n_commits, 1);
	ck_assert_uint_eq(told.n, 6); /* three cables, both directions */
}
END_TEST

START_TEST(what_is_on_together_is_composed_and_one_lifted_leaves_the_other)
{
	struct plan_step *s = fault("slow", "delay", 0, MSEC(10), MSEC(40));

	s->fault.mean = MSEC(3);
	s->fault.direction = DIRECTION_TO_HOST;
	s = fault("lossy", "loss", 0, MSEC(20), MSEC(30));
	s->fault.rate = 0.5;
	s->fault.direction = DIRECTION_TO_HOST;
	begin();
	end(MSEC(50));
	ck_assert_uint_eq(told.n, 4);
	ck_assert_double_eq(told.v[1].params.loss, 0.5);
	ck_assert_int_eq(told.v[1].params.latency, MSEC(3));
	ck_assert_double_eq(told.v[2].params.loss, 0);
	ck_assert_int_eq(told.v[2].params.latency, MSEC(3));
	ck_assert_int_eq(told.v[3].params.latency, 0);
}
END_TEST

START_TEST(the_seeds_of_a_direction_stay_when_another_gets_faults)
{
	struct plan_step *s = fault("lossy", "loss", 0, MSEC(10), NSEC_NEVER);

	s->fault.rate = 0.5;
	s->fault.direction = DIRECTION_TO_HOST;
	begin();
	end(MSEC(20));
	uint64_t seed = told.v[0].seed;
	tap_free(tap);
	memset(&told, 0, sizeof(told));
	s = fault("other", "loss", 1, MSEC(5), NSEC_NEVER);
	s->fault.rate = 0.5;
	clock_now = 0;
	begin();
	end(MSEC(20));
	ck_assert_uint_eq(told.n, 3);
	ck_assert_int_eq(told.v[2].host, 0);
	ck_assert_uint_eq(told.v[2].seed, seed);
}
END_TEST

/* -- fates ----------------------------------------------------------------------------------- */

START_TEST(a_frame_that_passes_has_arrived_and_nothing_is_said_of_it)
{
	struct testframe f = syn(0, 1);

	begin();
	see(MSEC(5), TAP_LEFT, 0, &f);
	see(MSEC(5) + 10, TAP_ENTERED, 1, &f);
	see(MSEC(5) + 20, TAP_ARRIVED, 1, &f);
	ck_assert_uint_eq(comments.n, 1); /* at once: no fault could make more of it */
	ck_assert_str_eq(comments.v[0], "");
	ck_assert_int_eq(event(EV_SYN, 0)->packet.arrived, MSEC(5) + 20);
	ck_assert_int_eq(event(EV_SYN, 0)->t, MSEC(5));
	end(MSEC(6));
}
END_TEST

START_TEST(what_does_not_come_out_was_dropped_by_what_was_on)
{
	struct testframe before = testframe_udp(0, 1, 1), in = testframe_udp(0, 1, 2),
			 after = testframe_udp(0, 1, 3);

	fault("cut", "blackhole", 1, MSEC(10), MSEC(20));
	begin();
	pass(MSEC(5), 0, 1, &before, 0);
	see(MSEC(15), TAP_LEFT, 0, &in);
	see(MSEC(15), TAP_ENTERED, 1, &in);
	pass(MSEC(25), 0, 1, &after, 0);
	end(MSEC(25) + LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->matched, 1);
	ck_assert_uint_eq(receipt(0, 0)->dropped, 1);
	ck_assert_str_eq(comments.v[0], "");
	ck_assert_str_eq(comments.v[1], "dropped by cut (blackhole on h1 to-host)");
	ck_assert_str_eq(comments.v[2], "");
	ck_assert_int_eq(event(EV_FLOW, 0)->fault.did.dropped, 1);
}
END_TEST

/* Until the kernel has answered nobody knows whether the fault is still there. */
START_TEST(a_frame_during_the_off_edge_is_the_windows)
{
	struct testframe f = testframe_udp(0, 1, 1);

	fault("cut", "blackhole", 1, MSEC(10), MSEC(20));
	begin();
	run(MSEC(20));
	see(MSEC(20) + EDGE_TAKES, TAP_LEFT, 0, &f);
	see(MSEC(20) + EDGE_TAKES, TAP_ENTERED, 1, &f);
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->dropped, 1);
	ck_assert_int_eq(event(EV_RECEIPT, 0)->t, MSEC(20) + EDGE_TAKES);
}
END_TEST

/* A cut on the sender's cable: it is never seen behind the switch. */
START_TEST(a_frame_is_dropped_on_its_senders_cable)
{
	struct testframe f = syn(0, 1);

	fault("cut", "blackhole", 0, MSEC(10), NSEC_NEVER);
	begin();
	see(MSEC(15), TAP_LEFT, 0, &f);
	end(LONG_AFTER);
	ck_assert_str_eq(comments.v[0], "dropped by cut (blackhole on h0 from-host)");
	ck_assert_int_eq(event(EV_SYN, 0)->packet.arrived, NSEC_NEVER);
	ck_assert_int_eq(event(EV_SYN, 0)->packet.fault, 0);
}
END_TEST

START_TEST(loss_and_delay_share_what_there_is)
{
	struct testframe f = testframe_udp(0, 1, 1), g = testframe_udp(0, 1, 2);
	struct plan_step *s = fault("lossy", "loss", 1, MSEC(10), MSEC(90));

	s->fault.rate = 0.5;
	s = fault("slow", "delay", 1, MSEC(10), MSEC(90));
	s->fault.mean = MSEC(40);
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	see(MSEC(15), TAP_ENTERED, 1, &f);
	see(MSEC(16), TAP_LEFT, 0, &g);
	see(MSEC(16), TAP_ENTERED, 1, &g);
	see(MSEC(56), TAP_ARRIVED, 1, &g); /* the other one never */
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->matched, 2);
	ck_assert_uint_eq(receipt(0, 0)->dropped, 1);
	ck_assert_uint_eq(receipt(1, 0)->matched, 1); /* as on wire: what is lost is not shown */
	ck_assert_uint_eq(receipt(1, 0)->delayed, 1);
	ck_assert_str_eq(comments.v[1], "delayed 40.000 ms by slow (delay on h1 to-host)");
}
END_TEST

/* It came out after the window had closed: still the window's. */
START_TEST(a_receipt_waits_for_its_last_frame)
{
	struct testframe f = testframe_udp(0, 1, 1);
	struct plan_step *s = fault("slow", "delay", 1, MSEC(10), MSEC(20));

	s->fault.mean = MSEC(40);
	testplan_add_window(s, &arena, MSEC(30), NSEC_NEVER);
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	see(MSEC(15), TAP_ENTERED, 1, &f);
	see(MSEC(55), TAP_ARRIVED, 1, &f);
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->delayed, 1);
	ck_assert_uint_eq(receipt(0, 1)->matched, 0);
	ck_assert_int_eq(event(EV_RECEIPT, 0)->t, MSEC(20) + EDGE_TAKES);
	ck_assert_int_eq(event(EV_RECEIPT, 0)->fault.asked, MSEC(20));
}
END_TEST

START_TEST(what_comes_out_twice_was_duplicated)
{
	struct testframe f = testframe_udp(0, 1, 1);
	struct plan_step *s = fault("twice", "duplicate", 0, MSEC(10), NSEC_NEVER);

	s->fault.rate = 0.5;
	s->fault.direction = DIRECTION_FROM_HOST;
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	for (int i = 0; i < 2; i++) {
		see(MSEC(16), TAP_ENTERED, 1, &f);
		see(MSEC(16), TAP_ARRIVED, 1, &f);
	}
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->matched, 1);
	ck_assert_uint_eq(receipt(0, 0)->duplicated, 1);
	ck_assert_str_eq(comments.v[0], "duplicated by twice (duplicate on h0 from-host)");
}
END_TEST

/* Two frames of the same bytes are not one that comes twice. */
START_TEST(frames_of_the_same_bytes_are_told_apart)
{
	struct testframe f = testframe_udp(0, 1, 1);
	struct plan_step *s = fault("twice", "duplicate", 1, MSEC(10), NSEC_NEVER);

	s->fault.rate = 0.5;
	begin();
	run(MSEC(10));
	pass(MSEC(15), 0, 1, &f, 0);
	pass(MSEC(16), 0, 1, &f, 0);
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->matched, 2);
	ck_assert_uint_eq(receipt(0, 0)->duplicated, 0);
}
END_TEST

START_TEST(what_comes_out_with_another_bit_was_corrupted)
{
	struct testframe f = syn(0, 1);
	struct plan_step *s = fault("turned", "corrupt", 1, MSEC(10), NSEC_NEVER);

	s->fault.rate = 0.5;
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	see(MSEC(15), TAP_ENTERED, 1, &f);
	f.bytes[40] ^= 4;
	see(MSEC(15), TAP_ARRIVED, 1, &f);
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->corrupted, 1);
	ck_assert_int_eq(event(EV_SYN, 0)->packet.arrived, NSEC_NEVER);
	ck_assert_int_eq(event(EV_SYN, 0)->packet.fault, 0);
	ck_assert_str_eq(comments.v[0], "corrupted by turned (corrupt on h1 to-host)");
}
END_TEST

/* The address it is from is looked at by nobody, so the packet arrives. */
START_TEST(a_bit_that_nobody_looks_at_does_no_harm)
{
	struct testframe f = syn(0, 1);
	struct plan_step *s = fault("turned", "corrupt", 0, MSEC(10), NSEC_NEVER);

	s->fault.rate = 0.5;
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	f.bytes[MAC_BYTES + 3] ^= 1;
	see(MSEC(15), TAP_ENTERED, 1, &f);
	see(MSEC(15), TAP_ARRIVED, 1, &f);
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->corrupted, 1);
	ck_assert_int_eq(event(EV_SYN, 0)->packet.arrived, MSEC(15));
}
END_TEST

START_TEST(what_skips_the_delay_was_sent_ahead)
{
	struct testframe f = testframe_udp(0, 1, 1), g = testframe_udp(0, 1, 2);
	struct plan_step *s = fault("slow", "delay", 1, MSEC(10), NSEC_NEVER);

	s->fault.mean = MSEC(40);
	s = fault("ahead", "reorder", 1, MSEC(10), NSEC_NEVER);
	s->fault.rate = 0.5;
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	see(MSEC(15), TAP_ENTERED, 1, &f);
	see(MSEC(16), TAP_LEFT, 0, &g);
	see(MSEC(16), TAP_ENTERED, 1, &g);
	see(MSEC(16), TAP_ARRIVED, 1, &g);
	see(MSEC(55), TAP_ARRIVED, 1, &f);
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->delayed, 2); /* as on wire: both of them count it */
	ck_assert_uint_eq(receipt(1, 0)->reordered, 1);
	ck_assert_str_eq(comments.v[1], "sent ahead by ahead (reorder on h1 to-host)");
}
END_TEST

/* Beside a loss, the length of the queue tells which of the two it was. */
START_TEST(a_full_queue_is_told_from_a_loss)
{
	struct testframe f[3];
	struct plan_step *s = fault("thin", "rate", 1, MSEC(10), NSEC_NEVER);

	s->fault.bits_per_s = 8000;
	s->fault.limit.packets = 1;
	s = fault("lossy", "loss", 1, MSEC(10), NSEC_NEVER);
	s->fault.rate = 0.5;
	begin();
	run(MSEC(10));
	for (uint32_t i = 0; i < 3; i++) {
		f[i] = testframe_udp(0, 1, i);
		see(MSEC(15 + 50 * (i / 2)), TAP_LEFT, 0, &f[i]);
		see(MSEC(15 + 50 * (i / 2)), TAP_ENTERED, 1, &f[i]);
		if (i == 1)
			see(MSEC(60), TAP_ARRIVED, 1, &f[0]);
	}
	end(SEC(10));
	ck_assert_uint_eq(receipt(0, 0)->delayed, 1);
	ck_assert_uint_eq(receipt(0, 0)->dropped, 1);
	ck_assert_uint_eq(receipt(1, 0)->dropped, 1);
	ck_assert_str_eq(comments.v[1], "dropped by thin (rate on h1 to-host)");
	ck_assert_str_eq(comments.v[2], "dropped by lossy (loss on h1 to-host)");
}
END_TEST

START_TEST(a_broadcast_is_seen_on_each_cable)
{
	struct testframe f = testframe_udp(0, 1, 1);

	memset(f.bytes, 0xff, MAC_BYTES);
	fault("cut", "blackhole", 2, MSEC(10), NSEC_NEVER);
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	see(MSEC(15), TAP_ENTERED, 1, &f);
	see(MSEC(15), TAP_ARRIVED, 1, &f);
	see(MSEC(15), TAP_ENTERED, 2, &f);
	end(LONG_AFTER);
	ck_assert_uint_eq(comments.n, 1); /* one packet, whatever its copies go through */
	ck_assert_uint_eq(receipt(0, 0)->dropped, 1);
}
END_TEST

START_TEST(what_is_held_back_at_the_end_is_on_its_way)
{
	struct testframe f = testframe_udp(0, 1, 1);
	struct plan_step *s = fault("slow", "delay", 1, MSEC(10), NSEC_NEVER);

	s->fault.mean = MSEC(40);
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	see(MSEC(15), TAP_ENTERED, 1, &f);
	end(MSEC(30));
	ck_assert_str_eq(comments.v[0], "still on its way at the end");
	ck_assert_uint_eq(receipt(0, 0)->matched, 1);
	ck_assert_uint_eq(receipt(0, 0)->dropped, 0);
}
END_TEST

START_TEST(what_nobody_sent_is_nobodys)
{
	struct testframe f = testframe_udp(0, 1, 1);

	fault("cut", "blackhole", 1, MSEC(10), NSEC_NEVER);
	begin();
	see(MSEC(15), TAP_ENTERED, 1, &f);
	see(MSEC(15), TAP_ARRIVED, 1, &f);
	end(LONG_AFTER);
	ck_assert_uint_eq(comments.n, 0);
	ck_assert_uint_eq(receipt(0, 0)->matched, 0);
}
END_TEST

/* -- what is forged -------------------------------------------------------------------------- */

START_TEST(a_reject_answers_the_sender)
{
	struct testframe f = syn(0, 1);

	fault("no", "reject", 1, MSEC(10), NSEC_NEVER);
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	see(MSEC(15), TAP_ENTERED, 1, &f);
	ck_assert_uint_eq(sent.n, 1);
	ck_assert_int_eq(sent.v[0].host, 0);
	ck_assert_uint_eq(sent.v[0].packet.flags, TCP_FLAG_RST | TCP_FLAG_ACK);
	ck_assert_uint_eq(sent.v[0].packet.ack, 101);
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->injected, 1);
	ck_assert_uint_eq(receipt(0, 0)->dropped, 1);
}
END_TEST

START_TEST(a_reset_is_forged_for_each_live_connection)
{
	struct testframe f = syn(0, 1);
	struct testframe g =
		testframe_tcp((struct testsegment){.from = 1,
						   .to = 0,
						   .sport = 8000,
						   .dport = 40000,
						   .flags = TCP_FLAG_SYN | TCP_FLAG_ACK,
						   .seq = 500,
						   .ack = 101});
	struct testframe h = testframe_tcp(
		(struct testsegment){.to = 1, .flags = TCP_FLAG_ACK, .seq = 101, .ack = 501});
	struct plan_step *s = fault("end", "rst", 1, MSEC(10), MSEC(10));

	s->fault.to = RST_TO_BOTH;
	begin();
	pass(MSEC(1), 0, 1, &f, 0);
	pass(MSEC(2), 1, 0, &g, 0);
	pass(MSEC(3), 0, 1, &h, 0);
	run(MSEC(10));
	ck_assert_uint_eq(sent.n, 2);
	vec_foreach (p, &sent)
		ck_assert_uint_eq(p->packet.seq, p->host == 1 ? 101 : 501);
	end(LONG_AFTER);
	ck_assert_uint_eq(receipt(0, 0)->matched, 1);
	ck_assert_uint_eq(receipt(0, 0)->injected, 2);
}
END_TEST

START_TEST(a_cable_goes_down_with_what_is_on_its_way)
{
	struct testframe f = testframe_udp(0, 1, 1);
	struct plan_step *s = fault("slow", "delay", 1, MSEC(10), NSEC_NEVER);

	s->fault.mean = MSEC(40);
	fault("pulled", "link-down", 1, MSEC(20), MSEC(30));
	begin();
	run(MSEC(10));
	see(MSEC(15), TAP_LEFT, 0, &f);
	see(MSEC(15), TAP_ENTERED, 1, &f);
	end(LONG_AFTER);
	ck_assert_int_eq(n_down, 1);
	ck_assert_int_eq(n_up, 1);
	ck_assert_str_eq(comments.v[0], "lost on its way by pulled (link-down on h1)");
}
END_TEST

/* -- counting ---------------------------------------------------------------------------------- */

/* An expectation that counts the probes to host 1. */
static void count_probes(int where)
{
	static char *kinds[] = {"keepalive"};
	static int64_t hosts[] = {1};
	struct plan_expect *e = vec_push(&arena, &plan->expects);

	expect_spec_unset(&e->spec);
	e->spec.ops = expect_find("packets");
	e->spec.packets.kind = (struct strings){kinds, 1};
	e->spec.where = where;
	e->hosts = (struct index_list){hosts, 1};
}

/* Of four segments the last two are probes; one of these is lost. */
START_TEST(packets_are_counted_at_both_ends_of_their_way)
{
	const struct testframe data = testframe_tcp((struct testsegment){
		.to = 1, .flags = TCP_FLAG_ACK, .seq = 101, .ack = 501, .payload = 10});
	const struct testframe ack = testframe_tcp(
		(struct testsegment){.from = 1, .flags = TCP_FLAG_ACK, .seq = 501, .ack = 111});
	const struct testframe probe = testframe_tcp(
		(struct testsegment){.to = 1, .flags = TCP_FLAG_ACK, .seq = 110, .ack = 501});

	count_probes(PACKETS_SENT);
	count_probes(PACKETS_DELIVERED);
	begin();
	pass(MSEC(1), 0, 1, &data, 0);
	pass(MSEC(2), 1, 0, &ack, 0);
	pass(MSEC(3), 0, 1, &probe, 10);
	see(MSEC(4), TAP_LEFT, 0, &probe);
	end(LONG_AFTER);
	ck_assert_int_eq(event(EV_COUNTED, 0)->packet.expect, 0);
	ck_assert_int_eq(event(EV_COUNTED, 0)->t, MSEC(3));
	ck_assert_int_eq(event(EV_COUNTED, 1)->packet.expect, 1);
	ck_assert_int_eq(event(EV_COUNTED, 1)->t, MSEC(3) + 10);
	ck_assert_int_eq(event(EV_COUNTED, 2)->packet.expect, 0);
	size_t n = 0;
	vec_foreach (o, &observed)
		n += o->event == EV_COUNTED;
	ck_assert_uint_eq(n, 3);
}
END_TEST

/* -- bits ------------------------------------------------------------------------------------ */

/* Where in the frame nobody looks, from the definition of the headers. */
START_TEST(which_bits_are_noticed)
{
	static const struct {
		size_t offset;
		bool ip6, noticed;
	} bytes[] = {
		{0, false, true},                     /* destination */
		{6, false, false},                    /* source */
		{12, false, true},                    /* type */
		{14, false, true},                    /* IPv4: its own checksum */
		{33, false, true}, {34, false, true}, /* TCP */
		{15, true, false},                    /* IPv6: traffic class, flow label */
		{18, true, true},                     /* length */
		{21, true, false},                    /* hop limit */
		{22, true, true},                     /* addresses */
		{54, true, true},                     /* TCP */
	};
	for (size_t i = 0; i < sizeof(bytes) / sizeof(bytes[0]); i++) {
		struct testframe f =
			testframe_tcp((struct testsegment){.to = 1, .ip6 = bytes[i].ip6});
		struct packet p;

		packet_parse(f.bytes, f.len, &p);
		ck_assert_msg(corruption_is_noticed(&p, bytes[i].offset) == bytes[i].noticed,
			      "row %zu", i);
		ck_assert(!corruption_is_noticed(&p, f.len)); /* padding */
	}
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("netem-tap");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, an_edge_tells_the_qdiscs_of_its_cable_and_direction);
	tcase_add_test(tests, edges_at_one_time_go_out_together);
	tcase_add_test(tests, what_is_on_together_is_composed_and_one_lifted_leaves_the_other);
	tcase_add_test(tests, the_seeds_of_a_direction_stay_when_another_gets_faults);
	tcase_add_test(tests, a_frame_that_passes_has_arrived_and_nothing_is_said_of_it);
	tcase_add_test(tests, what_does_not_come_out_was_dropped_by_what_was_on);
	tcase_add_test(tests, a_frame_during_the_off_edge_is_the_windows);
	tcase_add_test(tests, a_frame_is_dropped_on_its_senders_cable);
	tcase_add_test(tests, loss_and_delay_share_what_there_is);
	tcase_add_test(tests, a_receipt_waits_for_its_last_frame);
	tcase_add_test(tests, what_comes_out_twice_was_duplicated);
	tcase_add_test(tests, frames_of_the_same_bytes_are_told_apart);
	tcase_add_test(tests, what_comes_out_with_another_bit_was_corrupted);
	tcase_add_test(tests, a_bit_that_nobody_looks_at_does_no_harm);
	tcase_add_test(tests, what_skips_the_delay_was_sent_ahead);
	tcase_add_test(tests, a_full_queue_is_told_from_a_loss);
	tcase_add_test(tests, a_broadcast_is_seen_on_each_cable);
	tcase_add_test(tests, what_is_held_back_at_the_end_is_on_its_way);
	tcase_add_test(tests, what_nobody_sent_is_nobodys);
	tcase_add_test(tests, a_reject_answers_the_sender);
	tcase_add_test(tests, a_reset_is_forged_for_each_live_connection);
	tcase_add_test(tests, a_cable_goes_down_with_what_is_on_its_way);
	tcase_add_test(tests, packets_are_counted_at_both_ends_of_their_way);
	tcase_add_test(tests, which_bits_are_noticed);
	return run_tests("netem-tap", tests);
}
