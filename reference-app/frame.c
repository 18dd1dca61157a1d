/* SPDX-License-Identifier: MIT */
#include "reference-app/frame.h"

#include <stdlib.h>
#include <string.h>

/* A payload buffer starts here and is kept between frames while it is not larger than the second: one
 * large frame must not pin a megabyte for each of thousands of connections. */
#define PAYLOAD_CAP_FIRST 256u
#define PAYLOAD_CAP_KEPT  4096u

#define OFFSET_TYPE     4
#define OFFSET_RESERVED 5
#define OFFSET_ID       8

static uint32_t load_be32(const uint8_t *p)
{
	return (uint32_t)p[0] << 24 | (uint32_t)p[1] << 16 | (uint32_t)p[2] << 8 | p[3];
}

static void store_be32(uint8_t *p, uint32_t v)
{
	p[0] = (uint8_t)(v >> 24);
	p[1] = (uint8_t)(v >> 16);
	p[2] = (uint8_t)(v >> 8);
	p[3] = (uint8_t)v;
}

void frame_parser_init(struct frame_parser *parser, uint32_t max_payload)
{
	*parser = (struct frame_parser){.max_payload = max_payload};
}

void frame_parser_free(struct frame_parser *parser)
{
	free(parser->payload);
	*parser = (struct frame_parser){.max_payload = parser->max_payload};
}

/* Moves up to `want` bytes from the input to `to`; returns how many. */
static size_t take(uint8_t *to, size_t want, const uint8_t **data, size_t *len)
{
	size_t n = want < *len ? want : *len;

	if (n == 0)
		return 0;
	memcpy(to, *data, n);
	*data += n;
	*len -= n;
	return n;
}

static enum frame_status bad(struct frame_parser *parser, const char *why)
{
	parser->bad = why;
	return FRAME_BAD;
}

static enum frame_status check_header(struct frame_parser *parser)
{
	const uint8_t *header = parser->header;
	const uint8_t *reserved = header + OFFSET_RESERVED;

	if (load_be32(header) > parser->max_payload)
		return bad(parser, "the payload is longer than this side accepts");
	if (header[OFFSET_TYPE] < FRAME_REQUEST || header[OFFSET_TYPE] > FRAME_ERROR)
		return bad(parser, "no such frame type");
	if (reserved[0] | reserved[1] | reserved[2])
		return bad(parser, "the reserved bytes are not 0");
	return FRAME_READY;
}

/* Makes room for at least one more byte, at most for the frame's whole payload. */
static int grow_payload(struct frame_parser *parser, size_t whole)
{
	size_t cap = parser->payload_cap ? parser->payload_cap * 2 : PAYLOAD_CAP_FIRST;
	uint8_t *p;

	if (parser->payload_have < parser->payload_cap)
		return 0;
	if (cap > whole && whole > PAYLOAD_CAP_FIRST)
		cap = whole;
	p = realloc(parser->payload, cap);
	if (!p)
		return -1;
	parser->payload = p;
	parser->payload_cap = cap;
	return 0;
}

/* The frame before this one was handed out: its bytes are no longer needed. */
static void start_payload(struct frame_parser *parser)
{
	parser->payload_have = 0;
	if (parser->payload_cap > PAYLOAD_CAP_KEPT) {
		free(parser->payload);
		parser->payload = NULL;
		parser->payload_cap = 0;
	}
}

static enum frame_status take_header(struct frame_parser *parser, const uint8_t **data, size_t *len)
{
	if (parser->header_have == FRAME_HEADER_SIZE)
		return FRAME_READY;
	if (parser->header_have == 0)
		start_payload(parser);
	parser->header_have += take(parser->header + parser->header_have,
				    FRAME_HEADER_SIZE - parser->header_have, data, len);
	if (parser->header_have < FRAME_HEADER_SIZE)
		return FRAME_MORE;
	return check_header(parser);
}

enum frame_status frame_parse(struct frame_parser *parser, const uint8_t **data, size_t *len,
			      struct frame *ret)
{
	enum frame_status status;
	uint32_t whole;

	if (parser->bad)
		return FRAME_BAD;
	status = take_header(parser, data, len);
	if (status != FRAME_READY)
		return status;
	whole = load_be32(parser->header);
	while (parser->payload_have < whole) {
		size_t room;

		if (*len == 0)
			return FRAME_MORE;
		if (grow_payload(parser, whole) < 0)
			return FRAME_NOMEM;
		room = parser->payload_cap < whole ? parser->payload_cap : whole;
		parser->payload_have += take(parser->payload + parser->payload_have,
					     room - parser->payload_have, data, len);
	}
	parser->header_have = 0;
	*ret = (struct frame){
		.type = (enum frame_type)parser->header[OFFSET_TYPE],
		.id = load_be32(parser->header + OFFSET_ID),
		.len = whole,
		.payload = parser->payload,
	};
	return FRAME_READY;
}

void frame_encode_header(uint8_t header[FRAME_HEADER_SIZE], enum frame_type type, uint32_t id,
			 uint32_t len)
{
	memset(header, 0, FRAME_HEADER_SIZE);
	store_be32(header, len);
	header[OFFSET_TYPE] = (uint8_t)type;
	store_be32(header + OFFSET_ID, id);
}
