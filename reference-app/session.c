/* SPDX-License-Identifier: MIT */
#include "reference-app/session.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>

#include "reference-app/address.h"
#include "reference-app/close-on-eof.h"
#include "reference-app/json-line.h"
#include "reference-app/stream.h"

/*
 * A session's life:
 *
 *   SERVING ---- EOF, all answers sent ------------------------------> end
 *      |  \----- error, silence (reaped) ----------------------------> end
 *      |
 *      +---- EOF, answers queued ----> FINISHING -- queue empty -----> end
 *      |
 *      +---- bad frame --------------> REFUSING --- the peer's EOF --> end
 *      |
 *      +---- EOF, with late_close ---> FORGOTTEN -- so much later ---> end
 *
 * FINISHING: the peer half-closed and may still be reading what it asked for. REFUSING: the ERROR frame
 * is sent, then our FIN, and what the peer still sends is read and dropped: a close() with unread bytes
 * would send a RST, which may overtake the ERROR frame and make the peer's kernel throw it away. It
 * ends after ENDING_TIME whatever the peer does, FINISHING after that time in which the peer took nothing.
 *
 * Backpressure: a peer that does not take its answers is not read from (stream_events). The queue is
 * bounded by STREAM_OUT_HIGH and what one read can add, for no answer is longer than its question.
 *
 * The timer, in SERVING: when the peer will have been silent for too long (heartbeat.c). It is lazy:
 * a received byte only moves last_life. A peer that takes its answers lives too: one that is busy
 * receiving, over a narrow line, has no reason to ask, and one that is not read from is not heard. So the
 * timer also comes once an interval, to look whether more was acknowledged since. Of itself a session
 * sends nothing, so the acknowledgements are those of answers, and end with them: a stopped process does not
 * live on by those of its kernel.
 */

/* As nginx's lingering_timeout: long for a network, short for a server. */
#define ENDING_TIME (5 * NSEC_PER_SEC)

enum session_state {
	SESSION_SERVING,
	SESSION_FINISHING,
	SESSION_REFUSING,
	SESSION_FORGOTTEN, /* not closed yet, and nobody looks at it */
};

struct session {
	struct worker *worker;
	struct session *prev;
	struct session *next;
	enum session_state state;
	bool shut; /* REFUSING: our FIN has been sent */
	struct stream stream;
	struct watch watch;
	struct timer timer;
	nsec_t last_life;
	/* What is wrong with a frame that was well formed; NULL: no memory for its answer. */
	const char *refusal;
};

static void link_session(struct session *session)
{
	struct worker *worker = session->worker;

	session->next = worker->sessions;
	if (session->next)
		session->next->prev = session;
	worker->sessions = session;
}

static void unlink_session(struct session *session)
{
	if (session->next)
		session->next->prev = session->prev;
	if (session->prev)
		session->prev->next = session->next;
	else
		session->worker->sessions = session->next;
}

/* Frees the session. Always false: "the session is gone". */
static bool end(struct session *session, enum socket_end how)
{
	struct worker *worker = session->worker;

	timer_disarm(&worker->loop.timers, &session->timer);
	timers_release(&worker->loop.timers, 1);
	loop_unwatch(&worker->loop, &session->watch);
	if (!socket_end(&session->stream.fd, how,
			practice_on(worker->config->off, PRACTICE_CLOSE_ON_EOF)))
		atomic_fetch_add(&worker->counters->forgotten, 1);
	stream_free(&session->stream);
	unlink_session(session);
	free(session);
	if (worker->draining && !worker->sessions)
		loop_stop(&worker->loop);
	return false;
}

static void rewatch(struct session *session)
{
	uint32_t events = stream_events(&session->stream);

	if (session->state == SESSION_FINISHING)
		events &= ~(uint32_t)EPOLLIN;
	loop_rewatch(&session->worker->loop, &session->watch, events);
}

/* Sends what can be sent, and goes on to what follows once all is. false: the session is gone. */
static bool flush(struct session *session)
{
	if (stream_flush(&session->stream) == STREAM_ERROR)
		return end(session, SOCKET_END_ERROR);
	if (stream_pending(&session->stream) == 0) {
		if (session->state == SESSION_FINISHING)
			return end(session, SOCKET_END_EOF);
		if (session->state == SESSION_REFUSING && !session->shut) {
			shutdown(session->stream.fd, SHUT_WR);
			session->shut = true;
		}
	}
	rewatch(session);
	return true;
}

static void enter_ending(struct session *session, enum session_state state, nsec_t now)
{
	session->state = state;
	timer_arm(&session->worker->loop.timers, &session->timer, now + ENDING_TIME);
}

/* Says ERROR. The caller flushes. */
static void refuse(struct session *session, const char *why, nsec_t now)
{
	char peer[ADDRESS_TEXT_MAX];
	struct json_line line;

	atomic_fetch_add(&session->worker->counters->bad_frames, 1);
	json_begin(&line, "bad_frame", now);
	json_text(&line, "peer", address_peer_text(peer, session->stream.fd));
	json_text(&line, "why", why);
	json_write(&line);
	stream_queue(&session->stream, FRAME_ERROR, 0, why, (uint32_t)strlen(why));
	enter_ending(session, SESSION_REFUSING, now);
}

static bool answer(struct session *session, enum frame_type type, const struct frame *frame)
{
	if (stream_queue(&session->stream, type, frame->id, frame->payload, frame->len) == 0)
		return true;
	session->refusal = NULL;
	return false;
}

static bool on_frame(void *arg, const struct frame *frame)
{
	struct session *session = arg;

	switch (frame->type) {
	case FRAME_REQUEST:
		atomic_fetch_add(&session->worker->counters->requests, 1);
		return answer(session, FRAME_RESPONSE, frame);
	case FRAME_PING:
		return answer(session, FRAME_PONG, frame);
	case FRAME_PONG:
	case FRAME_GOAWAY: /* it starts nothing new; its EOF will follow */
		return true;
	case FRAME_ERROR:
		session->refusal = "ERROR received";
		return false;
	case FRAME_RESPONSE:
		session->refusal = "a RESPONSE to no request";
		return false;
	}
	return false;
}

/* false: there is nothing more to do for the session now. */
static bool on_eof(struct session *session, nsec_t now)
{
	/* The naive handler returns here and forgets the descriptor. */
	if (!practice_on(session->worker->config->off, PRACTICE_CLOSE_ON_EOF))
		return end(session, SOCKET_END_EOF);
	if (session->worker->config->late_close) {
		loop_unwatch(&session->worker->loop, &session->watch);
		session->state = SESSION_FORGOTTEN;
		timer_arm(&session->worker->loop.timers, &session->timer,
			  now + session->worker->config->late_close);
		return false;
	}
	enter_ending(session, SESSION_FINISHING, now);
	return true;
}

/* Reads once and acts on it. false: the session is gone, or FORGOTTEN. */
static bool receive(struct session *session, nsec_t now)
{
	size_t received;
	enum stream_status status = stream_receive(&session->stream, on_frame, session, &received);

	/* Not the time at which the batch began: a stall within it would be the peer's silence. */
	if (received > 0)
		session->last_life = clock_now();
	switch (status) {
	case STREAM_OPEN:
		return true;
	case STREAM_EOF:
		return on_eof(session, now);
	case STREAM_BAD:
		refuse(session, session->stream.parser.bad, now);
		return true;
	case STREAM_STOP:
		if (!session->refusal)
			break;
		refuse(session, session->refusal, now);
		return true;
	case STREAM_ERROR:
		break;
	}
	return end(session, SOCKET_END_ERROR);
}

/* As receive, in REFUSING: nothing that comes matters any more. */
static bool discard(struct session *session)
{
	if (stream_discard(&session->stream) == STREAM_OPEN)
		return true;
	return end(session, SOCKET_END_DONE);
}

static void session_ready(struct watch *watch, uint32_t events, nsec_t now)
{
	struct session *session = CONTAINER_OF(watch, struct session, watch);
	bool readable = events & (EPOLLIN | EPOLLHUP | EPOLLERR);

	if (readable && session->state == SESSION_SERVING && !receive(session, now))
		return;
	if (readable && session->state == SESSION_REFUSING && !discard(session))
		return;
	flush(session);
}

static void reap(struct session *session, nsec_t now)
{
	char peer[ADDRESS_TEXT_MAX];
	struct json_line line;

	atomic_fetch_add(&session->worker->counters->reaped, 1);
	json_begin(&line, "reaped", now);
	json_text(&line, "peer", address_peer_text(peer, session->stream.fd));
	json_ms(&line, "silent_ms", now - session->last_life);
	json_write(&line);
	end(session, SOCKET_END_DEAD);
}

static void ending_expired(struct session *session, nsec_t now)
{
	nsec_t ago;

	if (session->state == SESSION_FINISHING && stream_taken(&session->stream, &ago)) {
		enter_ending(session, SESSION_FINISHING, now);
		return;
	}
	/* A peer that leaves its answers lying is silent too; else ours is just a long goodbye. Who
	 * forgot the socket does an ordinary close, whatever is pending. */
	bool dead = session->state != SESSION_FORGOTTEN && stream_pending(&session->stream);

	end(session, dead ? SOCKET_END_DEAD : SOCKET_END_DONE);
}

/* When to look again, and whether the peer lives: at its deadline, or an interval from now. */
static nsec_t next_look(const struct session *session, nsec_t deadline, nsec_t now)
{
	nsec_t look = now + session->worker->config->heartbeat.interval;

	return look < deadline ? look : deadline;
}

static void session_expired(struct timer *timer, nsec_t now)
{
	struct session *session = CONTAINER_OF(timer, struct session, timer);
	const struct heartbeat_policy *heartbeat = &session->worker->config->heartbeat;
	nsec_t ago;

	if (session->state != SESSION_SERVING) {
		ending_expired(session, now);
		return;
	}
	/* What came may lie in the socket, unread, after a stall of this process. A peer that is not
	 * read from has its bytes there all the time: they say nothing. */
	if (stream_pending(&session->stream) < STREAM_OUT_HIGH && stream_unread(&session->stream))
		session->last_life = now;
	if (stream_taken(&session->stream, &ago) && now - ago > session->last_life)
		session->last_life = now - ago;
	nsec_t deadline = heartbeat_silence_deadline(heartbeat, session->last_life);

	if (now >= deadline)
		reap(session, now);
	else
		timer_arm(&session->worker->loop.timers, timer, next_look(session, deadline, now));
}

void session_open(struct worker *worker, int fd)
{
	const struct server_config *config = worker->config;
	nsec_t now = clock_now();
	struct session *session = calloc(1, sizeof(*session));

	if (!session || timers_reserve(&worker->loop.timers, 1) < 0) {
		free(session);
		socket_end(&fd, SOCKET_END_DONE, true);
		return;
	}
	session->worker = worker;
	stream_init(&session->stream, fd);
	session->watch.fd = fd;
	session->watch.ready = session_ready;
	session->timer.expired = session_expired;
	session->last_life = now;
	link_session(session);
	if (loop_watch(&worker->loop, &session->watch, EPOLLIN) < 0) {
		end(session, SOCKET_END_DONE);
		return;
	}
	if (practice_on(config->off, PRACTICE_HEARTBEAT))
		timer_arm(&worker->loop.timers, &session->timer, now + config->heartbeat.interval);
}

void sessions_goaway(struct worker *worker)
{
	struct session *next;

	for (struct session *session = worker->sessions; session; session = next) {
		next = session->next;
		if (session->state != SESSION_SERVING)
			continue;
		stream_queue(&session->stream, FRAME_GOAWAY, 0, NULL, 0);
		flush(session);
	}
}

void sessions_close(struct worker *worker)
{
	struct session *next;

	for (struct session *session = worker->sessions; session; session = next) {
		next = session->next;
		end(session, SOCKET_END_DONE);
	}
}
