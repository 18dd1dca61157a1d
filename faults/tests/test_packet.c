/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <stdlib.h>
#include <string.h>

#include "faults/tests/testframe.h"
#include "harness/base/rng.h"
#include "harness/tests/suite.h"

static struct packet parse(const struct testframe *f)
{
	struct packet p;

	packet_parse(f->bytes, f->len, &p);
	return p;
}

START_TEST(tcp_over_both_families)
{
	struct testframe f =
		testframe_tcp((struct testsegment){.to = 1,
						   .ip6 = _i,
						   .flags = TCP_FLAG_ACK | TCP_FLAG_PSH,
						   .seq = 0xfffffff0u,
						   .ack = 77,
						   .window = 1234,
						   .payload = 100});
	struct packet p = parse(&f);

	ck_assert_int_eq(p.kind, KIND_DATA);
	ck_assert_uint_eq(p.src.family, _i ? AF_INET6 : AF_INET);
	ck_assert_uint_eq(p.src.addr[0], _i ? 0xfd : 10);
	ck_assert_uint_eq(p.dst.addr[_i ? 15 : 3], 2);
	ck_assert_uint_eq(p.src.port, 40000);
	ck_assert_uint_eq(p.dst.port, 8000);
	ck_assert_uint_eq(p.seq, 0xfffffff0u);
	ck_assert_uint_eq(p.ack, 77);
	ck_assert_uint_eq(p.window, 1234);
	ck_assert_uint_eq(p.payload_len, 100);
	ck_assert_uint_eq(p.src_mac[5], 1);
	ck_assert_uint_eq(p.dst_mac[5], 2);
}
END_TEST

START_TEST(kinds)
{
	static const struct {
		uint8_t flags;
		uint32_t payload;
		int kind;
	} cases[] = {
		{TCP_FLAG_SYN, 0, KIND_SYN},
		{TCP_FLAG_SYN, 10, KIND_SYN},
		{TCP_FLAG_SYN | TCP_FLAG_ACK, 0, KIND_SYN_ACK},
		{TCP_FLAG_ACK, 0, KIND_ACK},
		{TCP_FLAG_ACK, 1, KIND_DATA},
		{TCP_FLAG_FIN | TCP_FLAG_ACK, 0, KIND_FIN},
		{TCP_FLAG_FIN | TCP_FLAG_ACK, 5, KIND_FIN},
		{TCP_FLAG_RST, 0, KIND_RST},
		{TCP_FLAG_RST | TCP_FLAG_ACK, 0, KIND_RST},
	};

	for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
		struct testframe f = testframe_tcp((struct testsegment){
			.to = 1, .flags = cases[i].flags, .payload = cases[i].payload});

		ck_assert_msg(parse(&f).kind == cases[i].kind, "case %zu", i);
	}
}
END_TEST

START_TEST(padding_is_not_payload)
{
	struct testframe f = testframe_tcp((struct testsegment){.to = 1, .flags = TCP_FLAG_ACK});

	f.len += 6; /* Ethernet's shortest frame */
	ck_assert_int_eq(parse(&f).kind, KIND_ACK);
	ck_assert_uint_eq(parse(&f).payload_len, 0);
}
END_TEST

START_TEST(window_scale_only_of_a_syn)
{
	struct testsegment s = {.to = 1, .flags = TCP_FLAG_SYN, .window_scale = 7};
	struct testframe syn = testframe_tcp(s);

	ck_assert_int_eq(parse(&syn).window_scale, 7);
	s.window_scale = 0;
	struct testframe without = testframe_tcp(s);
	ck_assert_int_eq(parse(&without).window_scale, -1);
}
END_TEST

START_TEST(udp_has_ports)
{
	struct testframe f = testframe_udp(0, 1, 9);
	struct packet p = parse(&f);

	ck_assert_int_eq(p.kind, KIND_OTHER);
	ck_assert_uint_eq(p.protocol, IPPROTO_UDP);
	ck_assert_uint_eq(p.src.port, 5000);
	ck_assert_uint_eq(p.dst.port, 5001);
}
END_TEST

START_TEST(a_later_fragment_has_no_ports)
{
	struct testframe f = testframe_udp(0, 1, 9);

	f.bytes[21] = 1; /* fragment offset 8 */
	ck_assert_uint_eq(parse(&f).protocol, IPPROTO_UDP);
	ck_assert_uint_eq(parse(&f).src.port, 0);
}
END_TEST

START_TEST(ip4_options_are_skipped)
{
	struct testframe f = testframe_tcp(
		(struct testsegment){.to = 1, .flags = TCP_FLAG_ACK, .seq = 5, .payload = 3});

	memmove(f.bytes + 14 + 24, f.bytes + 14 + 20, f.len - 14 - 20);
	memset(f.bytes + 14 + 20, 1, 4);
	f.len += 4;
	f.bytes[14] = 0x46;
	f.bytes[17] = (uint8_t)(f.bytes[17] + 4);
	ck_assert_int_eq(parse(&f).kind, KIND_DATA);
	ck_assert_uint_eq(parse(&f).seq, 5);
	ck_assert_uint_eq(parse(&f).payload_len, 3);
}
END_TEST

START_TEST(ip6_extension_headers_are_skipped)
{
	struct testframe f = testframe_tcp((struct testsegment){
		.to = 1, .ip6 = true, .flags = TCP_FLAG_ACK, .seq = 5, .payload = 3});
	const size_t ext = 14 + 40;

	memmove(f.bytes + ext + 16, f.bytes + ext, f.len - ext);
	memset(f.bytes + ext, 0, 16);
	f.bytes[ext] = IPPROTO_DSTOPTS;
	f.bytes[ext + 8] = IPPROTO_TCP;
	f.bytes[14 + 6] = IPPROTO_HOPOPTS;
	f.bytes[14 + 5] = (uint8_t)(f.bytes[14 + 5] + 16);
	f.len += 16;
	ck_assert_int_eq(parse(&f).kind, KIND_DATA);
	ck_assert_uint_eq(parse(&f).protocol, IPPROTO_TCP);
	ck_assert_uint_eq(parse(&f).payload_len, 3);
}
END_TEST

/* Every prefix of a good frame, in a buffer of just its size so that the sanitizer sees a read. */
START_TEST(truncated_frames_are_other)
{
	struct testframe f = testframe_tcp((struct testsegment){
		.to = 1, .ip6 = _i, .flags = TCP_FLAG_SYN, .window_scale = 7, .payload = 4});

	for (size_t len = 0; len < f.len; len++) {
		uint8_t *copy = malloc(len + !len);
		struct packet p;

		memcpy(copy, f.bytes, len);
		packet_parse(copy, len, &p);
		ck_assert_int_eq(p.kind, KIND_OTHER);
		free(copy);
	}
}
END_TEST

START_TEST(garbage_never_crashes)
{
	struct rng rng;

	rng_init(&rng, 1, "garbage");
	for (int round = 0; round < 200000; round++) {
		struct testframe f = testframe_tcp((struct testsegment){.to = 1,
									.ip6 = round & 1,
									.flags = TCP_FLAG_SYN,
									.window_scale = 3,
									.payload = 8});
		size_t len = rng_u64(&rng) % (f.len + 1);
		uint8_t *copy = malloc(len + !len);
		struct packet p;

		for (int i = 0; i < 1 + round % 8; i++)
			f.bytes[12 + rng_u64(&rng) % (f.len - 12)] = (uint8_t)rng_u64(&rng);
		memcpy(copy, f.bytes, len);
		packet_parse(copy, len, &p);
		ck_assert(p.payload_len <= len);
		ck_assert(p.kind >= KIND_OTHER && p.kind <= KIND_RST);
		free(copy);
	}
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("parse");

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, tcp_over_both_families, 0, 2);
	tcase_add_test(tc, kinds);
	tcase_add_test(tc, padding_is_not_payload);
	tcase_add_test(tc, window_scale_only_of_a_syn);
	tcase_add_test(tc, udp_has_ports);
	tcase_add_test(tc, a_later_fragment_has_no_ports);
	tcase_add_test(tc, ip4_options_are_skipped);
	tcase_add_test(tc, ip6_extension_headers_are_skipped);
	tcase_add_loop_test(tc, truncated_frames_are_other, 0, 2);
	tcase_add_test(tc, garbage_never_crashes);
	return run_tests("packet", tc);
}
