/* SPDX-License-Identifier: MIT */
#include <check.h>

#include "faults/tests/testwire.h"
#include "harness/tests/suite.h"

/* The kinds of packets that need more than a look at their flags: keepalive, and dns. */

#define CLIENT_ISN 100u
#define SERVER_ISN 900u
#define DNS        53

static struct arena arena;
static struct plan *plan;

static void setup(void)
{
	plan = testplan_new(&arena, 2, 1);
}

static void teardown(void)
{
	arena_free(&arena);
}

static void match(const char *kind)
{
	testplan_match_kind(
		testplan_fault(plan, &arena, "cut", "blackhole", 1, MSEC(1), NSEC_NEVER), &arena,
		kind);
}

/* True if it arrives. */
static bool passes(struct testwire *tw, int from, struct testframe f)
{
	size_t before = tw->emitted.n;

	testwire_input(tw, tw->clock + 1, from, f);
	return tw->emitted.n == before + 1;
}

static struct testframe from_client(uint32_t seq, uint32_t payload)
{
	return testframe_tcp((struct testsegment){.to = 1,
						  .flags = TCP_FLAG_ACK,
						  .seq = seq,
						  .ack = SERVER_ISN + 1,
						  .payload = payload});
}

static struct testframe from_server(uint32_t ack)
{
	return testframe_tcp((struct testsegment){
		.from = 1, .flags = TCP_FLAG_ACK, .seq = SERVER_ISN + 1, .ack = ack});
}

/* Established, with 10 bytes sent and acknowledged; the fault comes on then. */
static struct testwire *connected(void)
{
	struct testwire *tw = testwire_new(&arena, plan);

	passes(tw, 0,
	       testframe_tcp(
		       (struct testsegment){.to = 1, .flags = TCP_FLAG_SYN, .seq = CLIENT_ISN}));
	passes(tw, 1,
	       testframe_tcp((struct testsegment){.from = 1,
						  .flags = TCP_FLAG_SYN | TCP_FLAG_ACK,
						  .seq = SERVER_ISN,
						  .ack = CLIENT_ISN + 1}));
	passes(tw, 0, from_client(CLIENT_ISN + 1, 0));
	passes(tw, 0, from_client(CLIENT_ISN + 1, 10));
	passes(tw, 1, from_server(CLIENT_ISN + 11));
	testwire_run(tw, MSEC(2));
	return tw;
}

START_TEST(a_filter_of_probes_passes_all_else)
{
	match("keepalive");
	struct testwire *tw = connected();

	ck_assert(!passes(tw, 0, from_client(CLIENT_ISN + 10, 0)));
	ck_assert(!passes(tw, 0, from_client(CLIENT_ISN + 10, 1))); /* with a byte of garbage */
	ck_assert(passes(tw, 0, from_client(CLIENT_ISN + 11, 0)));
	ck_assert(passes(tw, 0, from_client(CLIENT_ISN + 9, 2))); /* two bytes: sent again */
	ck_assert(passes(tw, 1, from_server(CLIENT_ISN + 11)));
	ck_assert(passes(tw, 0, from_client(CLIENT_ISN + 11, 1)));
	testwire_end(tw, MSEC(9));
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->matched, 2);
	ck_assert_uint_eq(testwire_receipt(tw, 0, 0)->dropped, 2);
}
END_TEST

/* One byte that is sent again has a probe's number too, until it is acknowledged. */
START_TEST(the_last_byte_sent_again_is_no_probe)
{
	match("keepalive");
	struct testwire *tw = connected();

	ck_assert(passes(tw, 0, from_client(CLIENT_ISN + 11, 1)));
	ck_assert(passes(tw, 0, from_client(CLIENT_ISN + 11, 1)));
	ck_assert(passes(tw, 1, from_server(CLIENT_ISN + 12)));
	ck_assert(!passes(tw, 0, from_client(CLIENT_ISN + 11, 1)));
	testwire_end(tw, MSEC(9));
	ck_assert_ptr_nonnull(testwire_event(tw, EV_RETRANSMIT, 0));
	ck_assert_ptr_null(testwire_event(tw, EV_RETRANSMIT, 1)); /* nor is a probe such a one */
}
END_TEST

START_TEST(a_probe_is_neither_ack_nor_data)
{
	match(_i ? "data" : "ack");
	struct testwire *tw = connected();

	ck_assert(passes(tw, 0, from_client(CLIENT_ISN + 10, 0)));
	ck_assert(passes(tw, 0, from_client(CLIENT_ISN + 10, 1)));
	ck_assert(!passes(tw, 0, from_client(CLIENT_ISN + 11, _i ? 1 : 0)));
	testwire_end(tw, MSEC(9));
}
END_TEST

static struct testframe udp_to(uint16_t sport, uint16_t dport)
{
	struct testframe f = testframe_udp(0, 1, 1);

	f.bytes[34] = (uint8_t)(sport >> 8);
	f.bytes[35] = (uint8_t)sport;
	f.bytes[36] = (uint8_t)(dport >> 8);
	f.bytes[37] = (uint8_t)dport;
	return f;
}

START_TEST(dns_is_port_53_of_udp_and_tcp)
{
	match("dns");
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_run(tw, MSEC(2));

	ck_assert(!passes(tw, 0, udp_to(40000, DNS)));
	ck_assert(!passes(tw, 0, udp_to(DNS, 40000)));
	ck_assert(passes(tw, 0, udp_to(40000, DNS + 1)));
	ck_assert(!passes(
		tw, 0,
		testframe_tcp((struct testsegment){.to = 1, .flags = TCP_FLAG_SYN, .dport = DNS})));
	ck_assert(
		passes(tw, 0, testframe_tcp((struct testsegment){.to = 1, .flags = TCP_FLAG_SYN})));
	testwire_end(tw, MSEC(9));
}
END_TEST

/* A kind of its own and dns: both are asked for, either is enough. */
START_TEST(kinds_add_up)
{
	match("dns");
	testplan_match_kind(&plan->steps.v[0], &arena, "fin");
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_run(tw, MSEC(2));

	ck_assert(!passes(tw, 0, udp_to(40000, DNS)));
	ck_assert(!passes(tw, 0,
			  testframe_tcp((struct testsegment){
				  .to = 1, .flags = TCP_FLAG_FIN | TCP_FLAG_ACK})));
	ck_assert(
		passes(tw, 0, testframe_tcp((struct testsegment){.to = 1, .flags = TCP_FLAG_ACK})));
	testwire_end(tw, MSEC(9));
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("kinds");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, a_filter_of_probes_passes_all_else);
	tcase_add_test(tc, the_last_byte_sent_again_is_no_probe);
	tcase_add_loop_test(tc, a_probe_is_neither_ack_nor_data, 0, 2);
	tcase_add_test(tc, dns_is_port_53_of_udp_and_tcp);
	tcase_add_test(tc, kinds_add_up);
	return run_tests("match_kinds", tc);
}
