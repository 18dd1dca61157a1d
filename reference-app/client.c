/* SPDX-License-Identifier: MIT */
#include "reference-app/client.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "reference-app/close-on-eof.h"
#include "reference-app/connect-timeout.h"

/*
 * The client's life:
 *
 *            start              connected              EOF, error, dead, GOAWAY
 *   STOPPED -------> CONNECTING ----------> ESTABLISHED ----------------------+
 *                     ^      |                                                |
 *                     |      | refused, deadline                              |
 *                     |      v                                                v
 *                     +---- WAITING <---------------------------------------- lost()
 *                    wait over
 *
 * Invariants:
 *   - the socket is in the loop exactly while the state is CONNECTING or ESTABLISHED;
 *   - connect_timer is armed while the state is WAITING, and while it is CONNECTING unless the practice
 *     connect-timeout is off; the heartbeat's and the request's timers at most while it is ESTABLISHED;
 *   - a connection ends in lost() or client_stop(), and in both through socket_end().
 *
 * A frame handler never ends the connection itself, for the stream is still in use above it: it
 * says why, asks the stream to stop, and the function that called stream_receive() ends it.
 */

/* "connection 999 request 4294967295", and room to spare. */
#define REQUEST_TEXT_MAX 48

/* connect_timer, heartbeat_timer, request_timer. */
#define TIMERS_EACH 3

static void attempt_now(struct client *client);

static void emit(struct client *client, struct client_event *event)
{
	if (!client->listener)
		return;
	event->connection = client->number;
	event->at = clock_now();
	client->listener(client->listener_arg, event);
}

static void arm(struct client *client, struct timer *timer, nsec_t at)
{
	timer_arm(&client->loop->timers, timer, at);
}

static void wait_for_next_attempt(struct client *client, const char *why)
{
	nsec_t wait = backoff_next(&client->backoff, rng_unit(&client->backoff_rng));

	client->state = CLIENT_STATE_WAITING;
	arm(client, &client->connect_timer, clock_now() + wait);
	emit(client, &(struct client_event){.kind = CLIENT_WAIT,
					    .attempt = client->attempts + 1,
					    .wait = wait,
					    .why = why});
}

static void lost(struct client *client, enum socket_end end, const char *why)
{
	nsec_t lifetime = clock_now() - client->established_at;

	timer_disarm(&client->loop->timers, &client->heartbeat_timer);
	timer_disarm(&client->loop->timers, &client->request_timer);
	loop_unwatch(client->loop, &client->watch);
	socket_end(&client->stream.fd, end,
		   practice_on(client->config->off, PRACTICE_CLOSE_ON_EOF));
	stream_free(&client->stream);
	emit(client, &(struct client_event){.kind = CLIENT_LOST,
					    .why = why,
					    .lifetime = lifetime,
					    .requests = &client->requests});
	client->attempts = 0;
	backoff_lost(&client->backoff, lifetime);
	wait_for_next_attempt(client, "");
}

/* Sends what is queued and asks epoll for what is needed next. false: the connection is lost. */
static bool flush(struct client *client)
{
	if (stream_flush(&client->stream) == STREAM_ERROR) {
		why_errno(&client->why, "send");
		lost(client, SOCKET_END_ERROR, client->why.text);
		return false;
	}
	loop_rewatch(client->loop, &client->watch, stream_events(&client->stream));
	return true;
}

static uint32_t request_text(const struct client *client, uint32_t id, char text[REQUEST_TEXT_MAX])
{
	return (uint32_t)snprintf(text, REQUEST_TEXT_MAX, "connection %u request %u",
				  client->number, id);
}

static bool fail(struct client *client, const char *why)
{
	why_set(&client->why, "%s", why);
	return false;
}

static bool on_response(struct client *client, const struct frame *frame)
{
	char expected[REQUEST_TEXT_MAX];
	uint32_t len = request_text(client, frame->id, expected);
	nsec_t rtt = requests_answered(&client->requests, frame->id, clock_now());

	if (rtt < 0)
		return fail(client, "the peer answered a request that was not in flight");
	if (frame->len != len || memcmp(frame->payload, expected, len) != 0)
		return fail(client, "the peer's answer is not the echo of the request");
	emit(client, &(struct client_event){.kind = CLIENT_RESPONSE, .id = frame->id, .rtt = rtt});
	return true;
}

static bool on_error(struct client *client, const struct frame *frame)
{
	why_set(&client->why, "the peer said ERROR: %.*s",
		(int)(frame->len < sizeof(client->why.text) ? frame->len
							    : sizeof(client->why.text)),
		frame->len ? (const char *)frame->payload : "");
	return false;
}

static bool on_frame(void *arg, const struct frame *frame)
{
	struct client *client = arg;

	switch (frame->type) {
	case FRAME_RESPONSE:
		return on_response(client, frame);
	case FRAME_PING:
		if (stream_queue(&client->stream, FRAME_PONG, frame->id, frame->payload,
				 frame->len) < 0)
			return fail(client, "no memory for a PONG");
		return true;
	case FRAME_PONG: /* its bytes have already counted */
		return true;
	case FRAME_GOAWAY:
		client->goaway = true;
		return true;
	case FRAME_ERROR:
		return on_error(client, frame);
	case FRAME_REQUEST:
		break;
	}
	return fail(client, "the peer sent a REQUEST, which only a client may");
}

/* Reads once and acts on it. false: the connection is lost. */
static bool receive(struct client *client)
{
	size_t received;
	enum stream_status status = stream_receive(&client->stream, on_frame, client, &received);

	if (received > 0)
		heartbeat_received(&client->heartbeat, clock_now());
	switch (status) {
	case STREAM_OPEN:
		break;
	case STREAM_EOF:
		lost(client, SOCKET_END_EOF, "the peer closed the connection");
		return false;
	case STREAM_ERROR:
		why_errno(&client->why, "receive");
		lost(client, SOCKET_END_ERROR, client->why.text);
		return false;
	case STREAM_BAD:
		why_set(&client->why, "the peer sent a bad frame: %s", client->stream.parser.bad);
		lost(client, SOCKET_END_DONE, client->why.text);
		return false;
	case STREAM_STOP:
		lost(client, SOCKET_END_DONE, client->why.text);
		return false;
	}
	if (client->goaway && client->requests.in_flight == 0) {
		lost(client, SOCKET_END_DONE, "the peer said GOAWAY");
		return false;
	}
	return true;
}

static void send_ping(struct client *client)
{
	/* While the peer takes nothing another PING would ask nothing new. It is missed all the same. */
	if (stream_pending(&client->stream) >= STREAM_OUT_HIGH)
		return;
	/* The id says nothing: any byte is an answer. Without memory this PING is one that got lost. */
	stream_queue(&client->stream, FRAME_PING, client->heartbeat.misses, NULL, 0);
	flush(client);
}

/* What the peer has shown of itself that nobody has read. */
static void look_for_life(struct client *client, nsec_t now)
{
	nsec_t ago;

	/* A peer that does not take what we queue is not read from: its bytes lie there all the time and
	 * say nothing, and it is not asked. Its taking of what we queued is the sign of life. */
	if (stream_pending(&client->stream) >= STREAM_OUT_HIGH) {
		if (stream_taken(&client->stream, &ago))
			heartbeat_received(&client->heartbeat, now - ago);
		return;
	}
	/* The answer may lie in the socket, unread, after a stall of this process. */
	if (stream_unread(&client->stream))
		heartbeat_received(&client->heartbeat, now);
}

static void heartbeat_expired(struct timer *timer, nsec_t now)
{
	struct client *client = CONTAINER_OF(timer, struct client, heartbeat_timer);
	enum heartbeat_verdict verdict;
	unsigned misses;

	look_for_life(client, now);
	verdict = heartbeat_tick(&client->heartbeat, now);
	misses = client->heartbeat.misses;
	arm(client, &client->heartbeat_timer, client->heartbeat.due);
	if (verdict == HEARTBEAT_EARLY)
		return;
	if (verdict == HEARTBEAT_DEAD) {
		emit(client, &(struct client_event){.kind = CLIENT_DEAD, .misses = misses});
		lost(client, SOCKET_END_DEAD, "the peer was silent: heartbeat");
		return;
	}
	if (verdict == HEARTBEAT_MISS)
		emit(client,
		     &(struct client_event){.kind = CLIENT_HEARTBEAT_MISS, .misses = misses});
	send_ping(client);
}

/* Sends what is due, and asks for what is needed next. */
static void send_requests(struct client *client, nsec_t now)
{
	char text[REQUEST_TEXT_MAX];
	uint32_t id;

	while (!client->goaway && requests_next(&client->requests, now, &id)) {
		if (stream_queue(&client->stream, FRAME_REQUEST, id, text,
				 request_text(client, id, text)) < 0) {
			lost(client, SOCKET_END_DONE, "no memory for a request");
			return;
		}
	}
	if (flush(client) && !client->goaway && requests_due(&client->requests) != NSEC_NEVER)
		arm(client, &client->request_timer, requests_due(&client->requests));
}

static void request_expired(struct timer *timer, nsec_t now)
{
	send_requests(CONTAINER_OF(timer, struct client, request_timer), now);
}

static void established_ready(struct watch *watch, uint32_t events, nsec_t now)
{
	struct client *client = CONTAINER_OF(watch, struct client, watch);

	if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) && !receive(client))
		return;
	if (client->config->in_flight)
		send_requests(client, now);
	else
		flush(client);
}

/* attempt.fd is connected. */
static void established(struct client *client, nsec_t now)
{
	char address[ADDRESS_TEXT_MAX];

	timer_disarm(&client->loop->timers, &client->connect_timer);
	stream_init(&client->stream, client->attempt.fd);
	client->attempt.fd = -1;
	client->watch.fd = client->stream.fd;
	client->watch.ready = established_ready;
	client->state = CLIENT_STATE_ESTABLISHED;
	client->established_at = now;
	client->goaway = false;
	if (client->config->in_flight)
		requests_keep(&client->requests, client->config->in_flight);
	else
		requests_start(&client->requests, client->config->rate,
			       rng_unit(&client->phase_rng), now);
	emit(client, &(struct client_event){.kind = CLIENT_CONNECTED,
					    .attempt = client->attempts,
					    .address = attempt_address(&client->attempt, address)});
	if (loop_watch(client->loop, &client->watch, EPOLLIN) < 0) {
		why_errno(&client->why, "epoll_ctl");
		lost(client, SOCKET_END_DONE, client->why.text);
		return;
	}
	heartbeat_start(&client->heartbeat, &client->config->heartbeat, now);
	if (practice_on(client->config->off, PRACTICE_HEARTBEAT))
		arm(client, &client->heartbeat_timer, client->heartbeat.due);
	send_requests(client, now);
}

static void connecting_ready(struct watch *watch, uint32_t events, nsec_t now);

/* What an attempt came to, or where it stands. */
static void attempt_stands(struct client *client, enum attempt_status status, struct why *why)
{
	if (status == ATTEMPT_WAITING) {
		client->watch.fd = client->attempt.fd;
		client->watch.ready = connecting_ready;
		if (loop_watch(client->loop, &client->watch, EPOLLOUT) == 0)
			return;
		attempt_give_up(&client->attempt, why);
		why_errno(why, "epoll_ctl");
	} else if (status == ATTEMPT_CONNECTED) {
		established(client, clock_now());
		return;
	}
	timer_disarm(&client->loop->timers, &client->connect_timer);
	wait_for_next_attempt(client, why->text);
}

static void connecting_ready(struct watch *watch, uint32_t events, nsec_t now)
{
	struct client *client = CONTAINER_OF(watch, struct client, watch);
	struct why why = {.text = ""};

	(void)events, (void)now;
	loop_unwatch(client->loop, watch);
	attempt_stands(client, attempt_go_on(&client->attempt, &why), &why);
}

static void connect_expired(struct timer *timer, nsec_t now)
{
	struct client *client = CONTAINER_OF(timer, struct client, connect_timer);
	struct why why;

	(void)now;
	if (client->state == CLIENT_STATE_WAITING) {
		attempt_now(client);
		return;
	}
	loop_unwatch(client->loop, &client->watch);
	attempt_give_up(&client->attempt, &why);
	wait_for_next_attempt(client, why.text);
}

static void attempt_now(struct client *client)
{
	struct why why = {.text = ""};
	enum attempt_status status;
	nsec_t deadline;

	client->state = CLIENT_STATE_CONNECTING;
	client->attempts++;
	emit(client, &(struct client_event){.kind = CLIENT_ATTEMPT, .attempt = client->attempts});
	status = attempt_begin(&client->attempt, &why);
	/* Only now: the first attempt looks its target up, which may take longer than a connect. */
	deadline = connect_deadline(client->config->connect_timeout,
				    practice_on(client->config->off, PRACTICE_CONNECT_TIMEOUT),
				    clock_now());
	if (status == ATTEMPT_WAITING && deadline != NSEC_NEVER)
		arm(client, &client->connect_timer, deadline);
	attempt_stands(client, status, &why);
}

int client_init(struct client *client, struct loop *loop, const struct client_config *config,
		struct target *target, unsigned number)
{
	bool backoff_on = practice_on(config->off, PRACTICE_BACKOFF);

	if (timers_reserve(&loop->timers, TIMERS_EACH) < 0)
		return -1;
	*client = (struct client){
		.loop = loop,
		.config = config,
		.number = number,
		/* Two streams a client: how often it connects must not move its requests' phase. */
		.backoff_rng = rng_stream(config->seed, 2 * (uint64_t)number),
		.phase_rng = rng_stream(config->seed, 2 * (uint64_t)number + 1),
		.connect_timer.expired = connect_expired,
		.heartbeat_timer.expired = heartbeat_expired,
		.request_timer.expired = request_expired,
		.stream.fd = -1,
	};
	attempt_init(&client->attempt, target);
	backoff_init(&client->backoff, backoff_on ? &config->backoff : &backoff_naive);
	return 0;
}

void client_listen(struct client *client, client_listener *listener, void *arg)
{
	client->listener = listener;
	client->listener_arg = arg;
}

void client_start(struct client *client)
{
	if (client->state == CLIENT_STATE_STOPPED)
		attempt_now(client);
}

void client_stop(struct client *client)
{
	struct why unused;

	timer_disarm(&client->loop->timers, &client->connect_timer);
	timer_disarm(&client->loop->timers, &client->heartbeat_timer);
	timer_disarm(&client->loop->timers, &client->request_timer);
	if (client->state == CLIENT_STATE_CONNECTING || client->state == CLIENT_STATE_ESTABLISHED)
		loop_unwatch(client->loop, &client->watch);
	if (client->state == CLIENT_STATE_CONNECTING)
		attempt_give_up(&client->attempt, &unused);
	if (client->state == CLIENT_STATE_ESTABLISHED) {
		socket_end(&client->stream.fd, SOCKET_END_DONE, true);
		stream_free(&client->stream);
	}
	client->state = CLIENT_STATE_STOPPED;
}
