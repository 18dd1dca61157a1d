/* SPDX-License-Identifier: MIT */
#ifndef REF_STREAM_H
#define REF_STREAM_H

#include <stdbool.h>
#include <stdint.h>

#include "reference-app/clock.h"
#include "reference-app/frame.h"
#include "reference-app/outq.h"

/* Frames over one non-blocking socket, both ways. It neither opens nor closes the socket and knows
 * nothing of epoll: the server's sessions and the client both stand on it. */
struct stream {
	int fd;
	struct frame_parser parser;
	struct outq out;
	uint64_t taken; /* bytes that the peer's kernel had acknowledged at the last look */
};

enum stream_status {
	STREAM_OPEN,
	STREAM_EOF,   /* the peer's FIN */
	STREAM_ERROR, /* errno says what */
	STREAM_BAD,   /* the peer broke the protocol: stream->parser.bad says how */
	STREAM_STOP,  /* the handler asked to stop */
};

/* Called with each frame; its payload lives only during the call. false: stop reading. It must not
 * free the stream. */
typedef bool stream_handler(void *arg, const struct frame *frame);

void stream_init(struct stream *stream, int fd);
void stream_free(struct stream *stream);

/* Reads what the socket holds, up to STREAM_READ_BUDGET bytes so that one loud peer starves nobody
 * (level-triggered epoll brings it back), and calls the handler with each whole frame. *ret_received
 * is the number of bytes. */
#define STREAM_READ_BUDGET (64u << 10)
enum stream_status stream_receive(struct stream *stream, stream_handler *handler, void *arg,
				  size_t *ret_received);

/* Reads and drops, in the same way. */
enum stream_status stream_discard(struct stream *stream);

/* Queues a frame. -1: memory is short. The bound on the queue is the caller's. */
int stream_queue(struct stream *stream, enum frame_type type, uint32_t id, const void *payload,
		 uint32_t len);

/* Sends as much of the queue as the socket takes. */
enum stream_status stream_flush(struct stream *stream);

static inline size_t stream_pending(const struct stream *stream)
{
	return outq_len(&stream->out);
}

/* Whether the socket holds bytes that nobody has read yet. Asked before a silent peer is judged: after
 * a stall of this process its answer may lie there. */
bool stream_unread(const struct stream *stream);

/* Whether the peer has taken more of what was sent since the last call, as far as its kernel's
 * acknowledgements tell; *ret_ago is how long ago it last did. False where the kernel does not
 * say (tcpi_bytes_acked is there since Linux 4.1). Where the peer's process is stopped it goes on for as
 * long as its receive buffer has room. */
bool stream_taken(struct stream *stream, nsec_t *ret_ago);

/* Above this many queued bytes nothing more is read from the peer: whoever does not take answers gets
 * to ask nothing. An answer is never longer than what it answers, so the queue stays below this plus
 * one read and one frame of the maximum size. */
#define STREAM_OUT_HIGH (256u << 10)

/* The EPOLL… events that the stream needs now. */
uint32_t stream_events(const struct stream *stream);

#endif
