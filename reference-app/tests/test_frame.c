/* SPDX-License-Identifier: MIT */
#include <stdlib.h>
#include <string.h>

#include "reference-app/frame.h"
#include "reference-app/outq.h"
#include "reference-app/tests/support.h"

static struct frame_parser parser;

static void setup(void)
{
	frame_parser_init(&parser, FRAME_MAX_PAYLOAD);
}

static void teardown(void)
{
	frame_parser_free(&parser);
}

static enum frame_status parse(const void *bytes, size_t len, struct frame *frame)
{
	const uint8_t *data = bytes;

	return frame_parse(&parser, &data, &len, frame);
}

START_TEST(the_header_is_as_documented)
{
	const uint8_t expected[] = {0, 1, 2, 3, 3, 0, 0, 0, 0xa0, 0xb0, 0xc0, 0xd0};
	uint8_t header[FRAME_HEADER_SIZE];

	frame_encode_header(header, FRAME_PING, 0xa0b0c0d0, 0x00010203);
	ck_assert_mem_eq(header, expected, sizeof(expected));
}
END_TEST

START_TEST(a_whole_frame)
{
	const uint8_t bytes[] = {0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 7, 'h', 'i'};
	struct frame frame;

	ck_assert_int_eq(parse(bytes, sizeof(bytes), &frame), FRAME_READY);
	ck_assert_int_eq(frame.type, FRAME_REQUEST);
	ck_assert_uint_eq(frame.id, 7);
	ck_assert_uint_eq(frame.len, 2);
	ck_assert_mem_eq(frame.payload, "hi", 2);
}
END_TEST

START_TEST(byte_by_byte)
{
	const uint8_t bytes[] = {0, 0, 0, 2, 1, 0, 0, 0, 0, 0, 0, 7, 'h', 'i'};
	struct frame frame;

	for (size_t i = 0; i + 1 < sizeof(bytes); i++)
		ck_assert_int_eq(parse(bytes + i, 1, &frame), FRAME_MORE);
	ck_assert_int_eq(parse(bytes + sizeof(bytes) - 1, 1, &frame), FRAME_READY);
	ck_assert_mem_eq(frame.payload, "hi", 2);
}
END_TEST

START_TEST(several_frames_in_one_piece)
{
	uint8_t bytes[3 * FRAME_HEADER_SIZE];
	const uint8_t *data = bytes;
	size_t len = sizeof(bytes);
	struct frame frame;

	for (uint32_t i = 0; i < 3; i++)
		frame_encode_header(bytes + (size_t)i * FRAME_HEADER_SIZE, FRAME_PONG, i, 0);
	for (uint32_t i = 0; i < 3; i++) {
		ck_assert_int_eq(frame_parse(&parser, &data, &len, &frame), FRAME_READY);
		ck_assert_uint_eq(frame.id, i);
	}
	ck_assert_int_eq(frame_parse(&parser, &data, &len, &frame), FRAME_MORE);
	ck_assert_uint_eq(len, 0);
}
END_TEST

START_TEST(the_largest_payload_is_accepted_and_one_more_is_not)
{
	uint8_t header[FRAME_HEADER_SIZE];
	uint8_t *payload = calloc(1, FRAME_MAX_PAYLOAD);
	struct frame frame;

	frame_encode_header(header, FRAME_REQUEST, 1, FRAME_MAX_PAYLOAD);
	ck_assert_int_eq(parse(header, sizeof(header), &frame), FRAME_MORE);
	ck_assert_int_eq(parse(payload, FRAME_MAX_PAYLOAD, &frame), FRAME_READY);
	ck_assert_uint_eq(frame.len, FRAME_MAX_PAYLOAD);
	free(payload);
	frame_encode_header(header, FRAME_REQUEST, 1, FRAME_MAX_PAYLOAD + 1);
	ck_assert_int_eq(parse(header, sizeof(header), &frame), FRAME_BAD);
	ck_assert_ptr_nonnull(strstr(parser.bad, "longer"));
}
END_TEST

START_TEST(a_promise_allocates_nothing)
{
	uint8_t header[FRAME_HEADER_SIZE];
	struct frame frame;

	frame_encode_header(header, FRAME_REQUEST, 1, FRAME_MAX_PAYLOAD);
	parse(header, sizeof(header), &frame);
	ck_assert_uint_eq(parser.payload_cap, 0);
	parse("x", 1, &frame);
	ck_assert_uint_le(parser.payload_cap, 4096);
}
END_TEST

START_TEST(a_large_buffer_is_given_back)
{
	uint8_t header[FRAME_HEADER_SIZE];
	uint8_t *payload = calloc(1, FRAME_MAX_PAYLOAD);
	struct frame frame;

	frame_encode_header(header, FRAME_REQUEST, 1, FRAME_MAX_PAYLOAD);
	parse(header, sizeof(header), &frame);
	parse(payload, FRAME_MAX_PAYLOAD, &frame);
	free(payload);
	frame_encode_header(header, FRAME_REQUEST, 1, 0);
	ck_assert_int_eq(parse(header, sizeof(header), &frame), FRAME_READY);
	ck_assert_uint_eq(parser.payload_cap, 0);
}
END_TEST

static const uint8_t bad_headers[][FRAME_HEADER_SIZE] = {
	{0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0},               /* type 0 */
	{0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0},               /* type 7 */
	{0, 0, 0, 0, 1, 1, 0, 0, 0, 0, 0, 0},               /* reserved */
	{0, 0, 0, 0, 1, 0, 0, 1, 0, 0, 0, 0},               /* reserved */
	{0xff, 0xff, 0xff, 0xff, 1, 0, 0, 0, 0, 0, 0, 0},   /* length */
	{'G', 'E', 'T', ' ', '/', ' ', 'H', 'T', 'T', 'P'}, /* another protocol */
};

START_TEST(bad_headers_are_bad_for_good)
{
	const uint8_t good[FRAME_HEADER_SIZE] = {0, 0, 0, 0, 3};
	struct frame frame;

	ck_assert_int_eq(parse(bad_headers[_i], FRAME_HEADER_SIZE, &frame), FRAME_BAD);
	ck_assert_ptr_nonnull(parser.bad);
	ck_assert_int_eq(parse(good, sizeof(good), &frame), FRAME_BAD);
}
END_TEST

START_TEST(the_queue_keeps_order_across_its_moves)
{
	struct outq q = {0};
	uint8_t next_in = 0;
	uint8_t next_out = 0;

	/* 7 in, 5 out, again and again: the bytes are moved and the buffer grows under way. */
	for (int round = 0; round < 2000; round++) {
		uint8_t *to = outq_reserve(&q, 7);

		ck_assert_ptr_nonnull(to);
		for (int i = 0; i < 7; i++)
			to[i] = next_in++;
		outq_added(&q, 7);
		for (int i = 0; i < 5; i++)
			ck_assert_uint_eq(q.bytes[q.start + (size_t)i], next_out++);
		outq_sent(&q, 5);
	}
	ck_assert_uint_eq(outq_len(&q), (size_t)2000 * 2);
	outq_sent(&q, outq_len(&q));
	ck_assert_uint_eq(outq_len(&q), 0);
	outq_free(&q);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("frame");
	TCase *tc = tcase_create("frame");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_add_test(tc, the_header_is_as_documented);
	tcase_add_test(tc, a_whole_frame);
	tcase_add_test(tc, byte_by_byte);
	tcase_add_test(tc, several_frames_in_one_piece);
	tcase_add_test(tc, the_largest_payload_is_accepted_and_one_more_is_not);
	tcase_add_test(tc, a_promise_allocates_nothing);
	tcase_add_test(tc, a_large_buffer_is_given_back);
	tcase_add_loop_test(tc, bad_headers_are_bad_for_good, 0,
			    sizeof(bad_headers) / sizeof(bad_headers[0]));
	tcase_add_test(tc, the_queue_keeps_order_across_its_moves);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
