/* SPDX-License-Identifier: MIT */
#ifndef REF_FRAME_H
#define REF_FRAME_H

#include <stddef.h>
#include <stdint.h>

/*
 * The framed RPC on the wire: a header of 12 bytes, then the payload.
 *
 *   offset  bytes  field
 *        0      4  length of the payload, big-endian
 *        4      1  type
 *        5      3  reserved: sent as 0, anything else is a bad frame
 *        8      4  id, big-endian: an answer carries the id of what it answers
 */
#define FRAME_HEADER_SIZE 12u

/* No peer can make the parser hold more payload than this unless the caller allows more. */
#define FRAME_MAX_PAYLOAD (1u << 20)

enum frame_type {
	FRAME_REQUEST = 1, /* answered with RESPONSE, same id and payload */
	FRAME_RESPONSE,
	FRAME_PING, /* answered with PONG, same id and payload */
	FRAME_PONG,
	FRAME_GOAWAY, /* finish what is in flight, start nothing new, close */
	FRAME_ERROR,  /* the payload says in words what was wrong; the sender closes */
};

struct frame {
	enum frame_type type;
	uint32_t id;
	uint32_t len;
	const uint8_t *payload; /* the parser's own: valid until its next call */
};

/* An incremental parser. It accepts bytes in any pieces and trusts no length: its buffer grows with the
 * bytes that came, not with the bytes that were promised. Zero is a valid state but for max_payload. */
struct frame_parser {
	uint32_t max_payload;
	size_t header_have;
	size_t payload_have;
	size_t payload_cap;
	uint8_t *payload;
	uint8_t header[FRAME_HEADER_SIZE];
	const char *bad; /* why the stream is bad; set once, for good */
};

enum frame_status {
	FRAME_MORE,  /* all bytes were taken and there is no whole frame yet */
	FRAME_READY, /* one frame; there may be more in the remaining bytes */
	FRAME_BAD, /* the peer breaks the protocol, see parser->bad: no byte after this can be trusted */
	FRAME_NOMEM,
};

void frame_parser_init(struct frame_parser *parser, uint32_t max_payload);
void frame_parser_free(struct frame_parser *parser);

/* Takes bytes from *data (*len of them), moving both on, until one frame is whole or they run out. */
enum frame_status frame_parse(struct frame_parser *parser, const uint8_t **data, size_t *len,
			      struct frame *ret);

/* Writes a header into `header`. */
void frame_encode_header(uint8_t header[FRAME_HEADER_SIZE], enum frame_type type, uint32_t id,
			 uint32_t len);

#endif
