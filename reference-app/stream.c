/* SPDX-License-Identifier: MIT */
#include "reference-app/stream.h"

#include <errno.h>
#include <linux/tcp.h> /* glibc's struct tcp_info ends before tcpi_bytes_acked */
#include <netinet/in.h>
#include <stddef.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/ioctl.h>
#include <sys/socket.h>

void stream_init(struct stream *stream, int fd)
{
	*stream = (struct stream){.fd = fd};
	frame_parser_init(&stream->parser, FRAME_MAX_PAYLOAD);
}

void stream_free(struct stream *stream)
{
	frame_parser_free(&stream->parser);
	outq_free(&stream->out);
}

/* One read into `buffer`. STREAM_OPEN with *ret_len 0: nothing there now. */
static enum stream_status read_some(int fd, uint8_t *buffer, size_t size, size_t *ret_len)
{
	ssize_t n;

	do
		n = recv(fd, buffer, size, 0);
	while (n < 0 && errno == EINTR);
	*ret_len = n > 0 ? (size_t)n : 0;
	if (n == 0)
		return STREAM_EOF;
	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		return STREAM_ERROR;
	return STREAM_OPEN;
}

enum stream_status stream_receive(struct stream *stream, stream_handler *handler, void *arg,
				  size_t *ret_received)
{
	uint8_t buffer[STREAM_READ_BUDGET];
	const uint8_t *data = buffer;
	enum stream_status status;
	struct frame frame;
	size_t len;

	status = read_some(stream->fd, buffer, sizeof(buffer), &len);
	*ret_received = len;
	if (status != STREAM_OPEN)
		return status;
	for (;;) {
		switch (frame_parse(&stream->parser, &data, &len, &frame)) {
		case FRAME_MORE:
			return STREAM_OPEN;
		case FRAME_BAD:
			return STREAM_BAD;
		case FRAME_NOMEM:
			errno = ENOMEM;
			return STREAM_ERROR;
		case FRAME_READY:
			if (!handler(arg, &frame))
				return STREAM_STOP;
		}
	}
}

enum stream_status stream_discard(struct stream *stream)
{
	uint8_t buffer[STREAM_READ_BUDGET];
	size_t len;

	return read_some(stream->fd, buffer, sizeof(buffer), &len);
}

int stream_queue(struct stream *stream, enum frame_type type, uint32_t id, const void *payload,
		 uint32_t len)
{
	uint8_t *to = outq_reserve(&stream->out, FRAME_HEADER_SIZE + (size_t)len);

	if (!to)
		return -1;
	frame_encode_header(to, type, id, len);
	if (len)
		memcpy(to + FRAME_HEADER_SIZE, payload, len);
	outq_added(&stream->out, FRAME_HEADER_SIZE + (size_t)len);
	return 0;
}

enum stream_status stream_flush(struct stream *stream)
{
	ssize_t n = 0;

	while (stream_pending(stream) > 0) {
		/* MSG_NOSIGNAL: a library must not leave its host program to SIGPIPE. */
		n = send(stream->fd, stream->out.bytes + stream->out.start, stream_pending(stream),
			 MSG_NOSIGNAL);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			break;
		outq_sent(&stream->out, (size_t)n);
	}
	if (n < 0 && errno != EAGAIN && errno != EWOULDBLOCK)
		return STREAM_ERROR;
	return STREAM_OPEN;
}

bool stream_unread(const struct stream *stream)
{
	int bytes = 0;

	return ioctl(stream->fd, FIONREAD, &bytes) == 0 && bytes > 0;
}

bool stream_taken(struct stream *stream, nsec_t *ret_ago)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	if (getsockopt(stream->fd, IPPROTO_TCP, TCP_INFO, &info, &len) < 0 ||
	    len < offsetof(struct tcp_info, tcpi_bytes_acked) + sizeof(info.tcpi_bytes_acked) ||
	    info.tcpi_bytes_acked <= stream->taken)
		return false;
	stream->taken = info.tcpi_bytes_acked;
	/* The last of its acknowledgements may be that of a window probe, which says that it takes nothing:
	 * what it took was sent a round trip before. */
	nsec_t acked = info.tcpi_last_ack_recv * NSEC_PER_MSEC;
	nsec_t sent = info.tcpi_last_data_sent * NSEC_PER_MSEC - info.tcpi_rtt * NSEC_PER_USEC;

	*ret_ago = sent > acked ? sent : acked;
	return true;
}

uint32_t stream_events(const struct stream *stream)
{
	size_t pending = stream_pending(stream);

	return (pending < STREAM_OUT_HIGH ? EPOLLIN : 0u) | (pending > 0 ? EPOLLOUT : 0u);
}
