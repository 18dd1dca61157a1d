/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <check.h>
#include <netinet/icmp6.h>
#include <netinet/ip_icmp.h>
#include <string.h>

#include "faults/tests/testwire.h"
#include "faults/wire/forge.h"
#include "faults/wire/icmp.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/* Faults that answer: reject and mtu. The bytes of the answers, who gets them, and who gets none. */

#define ETHER      14
#define IP4_HEADER 20
#define IP6_HEADER 40
#define ICMP_BYTES 8
#define DF         0x40 /* of the byte with the flags of IPv4 */

static struct arena arena;
static struct plan *plan;

static void setup(void)
{
	plan = testplan_new(&arena, 3, 1);
}

static void teardown(void)
{
	arena_free(&arena);
}

static struct plan_step *fault(const char *kind)
{
	return testplan_fault(plan, &arena, "no", kind, 1, MSEC(10), MSEC(20));
}

static size_t ip_header(const struct packet *p)
{
	return p->src.family == AF_INET6 ? IP6_HEADER : IP4_HEADER;
}

static void check_checksums(const struct emitted *e, const struct packet *p)
{
	size_t ip = ip_header(p), len = e->len - ETHER - ip;
	uint32_t pseudo = pseudo_header_sum(&p->src, &p->dst, p->protocol, len);

	if (p->src.family == AF_INET)
		ck_assert_uint_eq(internet_checksum(e->bytes + ETHER, ip, 0), 0);
	ck_assert_uint_eq(internet_checksum(e->bytes + ETHER + ip, len,
					    p->protocol == IPPROTO_ICMP ? 0 : pseudo),
			  0);
}

/* The only frame that came out: parsed, for host 0, said to be from host 1's side of the wire. */
static struct packet only_answer(struct testwire *tw)
{
	struct packet p;

	ck_assert_uint_eq(tw->emitted.n, 1);
	const struct emitted *e = &tw->emitted.v[0];
	packet_parse(e->bytes, e->len, &p);
	ck_assert_int_eq(e->host, 0);
	ck_assert_uint_eq(p.dst_mac[5], 1);
	ck_assert_uint_eq(p.src_mac[5], 2);
	check_checksums(e, &p);
	return p;
}

static void end_with(struct testwire *tw, uint64_t matched, uint64_t injected)
{
	testwire_end(tw, MSEC(30));
	const struct receipt *did = testwire_receipt(tw, 0, 0);
	ck_assert_uint_eq(did->matched, matched);
	ck_assert_uint_eq(did->dropped, matched);
	ck_assert_uint_eq(did->injected, injected);
}

START_TEST(a_syn_is_refused)
{
	fault("reject");
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(11), 0,
		       testframe_tcp((struct testsegment){
			       .to = 1, .ip6 = _i, .flags = TCP_FLAG_SYN, .seq = 100}));
	struct packet p = only_answer(tw);

	ck_assert_int_eq(p.flags, TCP_FLAG_RST | TCP_FLAG_ACK);
	ck_assert_uint_eq(p.seq, 0);
	ck_assert_uint_eq(p.ack, 101);
	ck_assert_uint_eq(p.src.port, 8000);
	ck_assert_uint_eq(p.dst.port, 40000);
	end_with(tw, 1, 1);
	ck_assert_int_eq(testwire_event(tw, EV_SYN, 0)->packet.arrived, NSEC_NEVER);
	ck_assert_int_eq(testwire_event(tw, EV_FORGED, 0)->packet.fault, 0);
}
END_TEST

START_TEST(data_is_refused_with_the_number_it_acknowledges)
{
	fault("reject");
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(
		tw, MSEC(11), 0,
		testframe_tcp((struct testsegment){
			.to = 1, .flags = TCP_FLAG_ACK, .seq = 100, .ack = 700, .payload = 10}));
	struct packet p = only_answer(tw);

	ck_assert_int_eq(p.flags, TCP_FLAG_RST);
	ck_assert_uint_eq(p.seq, 700);
	end_with(tw, 1, 1);
}
END_TEST

START_TEST(a_reset_is_dropped_without_an_answer)
{
	fault("reject");
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(
		tw, MSEC(11), 0,
		testframe_tcp((struct testsegment){.to = 1, .flags = TCP_FLAG_RST, .seq = 100}));
	ck_assert_uint_eq(tw->emitted.n, 0);
	end_with(tw, 1, 0);
}
END_TEST

static const struct icmp_case {
	int with;
	unsigned type4, code4, type6, code6;
} icmp_cases[] = {
	{REJECT_NET_UNREACHABLE, 3, 0, 1, 0},
	{REJECT_HOST_UNREACHABLE, 3, 1, 1, 3},
	{REJECT_PORT_UNREACHABLE, 3, 3, 1, 4},
	{REJECT_ADMIN_PROHIBITED, 3, 13, 1, 1},
};

static void check_icmp(const struct icmp_case *c, bool ip6)
{
	struct testframe f = testframe_tcp(
		(struct testsegment){.to = 1, .ip6 = ip6, .flags = TCP_FLAG_SYN, .seq = 100});
	uint8_t router[16];

	fault("reject")->fault.reject_with = c->with;
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(11), 0, f);
	struct packet p = only_answer(tw);
	const uint8_t *icmp = tw->emitted.v[0].bytes + ETHER + ip_header(&p);

	ck_assert_int_eq(p.protocol, ip6 ? IPPROTO_ICMPV6 : IPPROTO_ICMP);
	inet_pton(p.src.family, ip6 ? ROUTER_IP6 : ROUTER_IP4, router);
	ck_assert_mem_eq(p.src.addr, router, ip6 ? 16 : 4);
	ck_assert_uint_eq(icmp[0], ip6 ? c->type6 : c->type4);
	ck_assert_uint_eq(icmp[1], ip6 ? c->code6 : c->code4);
	ck_assert_mem_eq(icmp + ICMP_BYTES, f.bytes + ETHER, f.len - ETHER);
	end_with(tw, 1, 1);
	ck_assert_ptr_null(testwire_event(tw, EV_FORGED, 0)); /* it ends no connection by itself */
}

START_TEST(an_error_is_of_its_kind_and_quotes_the_packet)
{
	check_icmp(&icmp_cases[_i / 2], _i % 2);
}
END_TEST

START_TEST(what_is_not_tcp_gets_port_unreachable)
{
	fault("reject");
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(11), 0, testframe_udp(0, 1, 1));
	struct packet p = only_answer(tw);

	ck_assert_int_eq(p.protocol, IPPROTO_ICMP);
	ck_assert_uint_eq(tw->emitted.v[0].bytes[ETHER + IP4_HEADER + 1], ICMP_PORT_UNREACH);
	end_with(tw, 1, 1);
}
END_TEST

/* An ICMP error, a later fragment, and a packet for a group: dropped, but not answered. */
START_TEST(what_may_not_be_answered_is_not)
{
	struct testframe f = testframe_udp(0, 1, 1);

	if (_i == 0) {
		f.bytes[ETHER + 9] = IPPROTO_ICMP;
		f.bytes[ETHER + IP4_HEADER] = ICMP_DEST_UNREACH;
	} else if (_i == 1) {
		f.bytes[ETHER + 7] = 1; /* the fragment's offset */
	} else {
		f.bytes[0] = 0x01; /* the group bit of the receiver's MAC address */
	}
	fault("reject");
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(11), 0, f);
	vec_foreach (e, &tw->emitted)
		ck_assert_int_ne(e->host, 0);
	end_with(tw, 1, 0);
}
END_TEST

/* Outside the window, the direction, the cable, the match. */
START_TEST(others_pass_unanswered)
{
	struct plan_step *s = fault("reject");

	s->fault.direction = DIRECTION_TO_HOST;
	s->fault.match.port = 8000;
	struct testwire *tw = testwire_new(&arena, plan);
	struct testsegment syn = {.to = 1, .flags = TCP_FLAG_SYN};

	testwire_input(tw, MSEC(9), 0, testframe_tcp(syn));
	testwire_input(tw, MSEC(11), 1, testframe_tcp((struct testsegment){.from = 1, .to = 0}));
	testwire_input(tw, MSEC(12), 0, testframe_tcp((struct testsegment){.to = 2}));
	syn.dport = 8001;
	testwire_input(tw, MSEC(13), 0, testframe_tcp(syn));
	syn.dport = 0;
	testwire_input(tw, MSEC(20), 0, testframe_tcp(syn));
	ck_assert_uint_eq(tw->emitted.n, 5);
	end_with(tw, 0, 0);
}
END_TEST

/* A segment whose IP packet has `ip_len` bytes, by IPv4 with DF. */
static struct testframe sized(bool ip6, uint32_t ip_len)
{
	uint32_t headers = (ip6 ? IP6_HEADER : IP4_HEADER) + 20;
	struct testframe f = testframe_tcp((struct testsegment){
		.to = 1, .ip6 = ip6, .flags = TCP_FLAG_ACK, .payload = ip_len - headers});

	if (!ip6)
		f.bytes[ETHER + 6] = DF;
	return f;
}

START_TEST(only_larger_packets_vanish)
{
	fault("mtu")->fault.mtu_size = 200;
	struct testwire *tw = testwire_new(&arena, plan);

	testwire_input(tw, MSEC(9), 0, sized(_i, 201));
	testwire_input(tw, MSEC(11), 0, sized(_i, 200));
	ck_assert_uint_eq(tw->emitted.n, 2);
	testwire_input(tw, MSEC(12), 0, sized(_i, 201));
	ck_assert_uint_eq(tw->emitted.n, 2);
	testwire_input(tw, MSEC(20), 0, sized(_i, 201));
	ck_assert_uint_eq(tw->emitted.n, 3);
	end_with(tw, 1, 0);
}
END_TEST

START_TEST(the_answer_tells_the_size)
{
	struct plan_step *s = fault("mtu");

	s->fault.mtu_size = 150;
	s->fault.mtu_answer = true;
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(12), 0, sized(_i, 180));
	struct packet p = only_answer(tw);
	const uint8_t *icmp = tw->emitted.v[0].bytes + ETHER + ip_header(&p);

	ck_assert_uint_eq(icmp[0], _i ? ICMP6_PACKET_TOO_BIG : ICMP_DEST_UNREACH);
	ck_assert_uint_eq(icmp[1], _i ? 0 : ICMP_FRAG_NEEDED);
	ck_assert_uint_eq(get_be32(icmp + 4),
			  150); /* of IPv4: two unused bytes, and two for the size */
	end_with(tw, 1, 1);
}
END_TEST

START_TEST(what_a_router_may_cut_passes_one_that_answers)
{
	struct testframe f = sized(false, 240);
	struct plan_step *s = fault("mtu");

	f.bytes[ETHER + 6] = 0;
	s->fault.mtu_size = 200;
	s->fault.mtu_answer = true;
	struct testwire *tw = testwire_new(&arena, plan);
	testwire_input(tw, MSEC(12), 0, f);
	ck_assert_uint_eq(tw->emitted.n, 1);
	ck_assert_int_eq(tw->emitted.v[0].host, 1);
	end_with(tw, 0, 0);
}
END_TEST

/* What an error quotes is bounded (RFC 1812, RFC 4443). */
START_TEST(an_error_is_not_longer_than_it_may_be)
{
	static uint8_t bytes[1514];
	static const size_t most[] = {576, 1280};
	uint8_t frame[FORGED_ICMP_MAX];
	struct testframe f = sized(_i, 240);
	struct packet p;

	memcpy(bytes, f.bytes, f.len);
	if (_i) {
		bytes[ETHER + 4] = (1500 - IP6_HEADER) >> 8;
		bytes[ETHER + 5] = (1500 - IP6_HEADER) & 0xff;
	} else {
		bytes[ETHER + 2] = 1500 >> 8;
		bytes[ETHER + 3] = 1500 & 0xff;
	}
	packet_parse(bytes, sizeof(bytes), &p);
	ck_assert_uint_eq(p.ip_len, 1500);
	ck_assert_uint_eq(forge_icmp_error(&p, bytes, sizeof(bytes), REPLY_TOO_BIG, 1400, frame),
			  ETHER + most[_i]);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("answers");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_loop_test(tc, a_syn_is_refused, 0, 2);
	tcase_add_test(tc, data_is_refused_with_the_number_it_acknowledges);
	tcase_add_test(tc, a_reset_is_dropped_without_an_answer);
	tcase_add_loop_test(tc, an_error_is_of_its_kind_and_quotes_the_packet, 0,
			    2 * (int)ARRAY_SIZE(icmp_cases));
	tcase_add_test(tc, what_is_not_tcp_gets_port_unreachable);
	tcase_add_loop_test(tc, what_may_not_be_answered_is_not, 0, 3);
	tcase_add_test(tc, others_pass_unanswered);
	tcase_add_loop_test(tc, only_larger_packets_vanish, 0, 2);
	tcase_add_loop_test(tc, the_answer_tells_the_size, 0, 2);
	tcase_add_test(tc, what_a_router_may_cut_passes_one_that_answers);
	tcase_add_loop_test(tc, an_error_is_not_longer_than_it_may_be, 0, 2);
	return run_tests("reject", tc);
}
