/* SPDX-License-Identifier: MIT */
/* A session on one end of a socket pair whose buffer holds a small part of an answer, the peer on the
 * other end in the same loop. */
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference-app/session.h"
#include "reference-app/tests/support.h"

#define ANSWER_SIZE (32u << 10)

static const struct server_config with_all = {.heartbeat = {10 * NSEC_PER_SEC, 3}};
static const struct server_config without_close_on_eof = {
	.heartbeat = {10 * NSEC_PER_SEC, 3},
	.off = 1u << PRACTICE_CLOSE_ON_EOF,
};

static struct server_counters counters;
static struct worker worker;
static struct watch peer;
static size_t peer_received;
static int session_fd;

static void peer_ready(struct watch *watch, uint32_t events, nsec_t now)
{
	uint8_t buffer[1024];
	ssize_t n = recv(watch->fd, buffer, sizeof(buffer), 0);

	(void)events, (void)now;
	if (n > 0)
		peer_received += (size_t)n;
	else
		loop_stop(&worker.loop);
}

/* A session with one REQUEST and a FIN in its socket. */
static void ask_and_half_close(const struct server_config *config)
{
	static const uint8_t payload[ANSWER_SIZE];
	const int least = 1; /* the kernel rounds it up (socket(7)) */
	struct why why;
	int pair[2];

	worker = (struct worker){.config = config, .counters = &counters};
	ck_assert_int_eq(loop_init(&worker.loop, &why), 0);
	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_NONBLOCK, 0, pair), 0);
	session_fd = pair[1];
	setsockopt(session_fd, SOL_SOCKET, SO_SNDBUF, &least, sizeof(least));
	peer = (struct watch){.fd = pair[0], .ready = peer_ready};
	session_open(&worker, session_fd, clock_now());
	raw_send_frame(peer.fd, FRAME_REQUEST, 1, payload, sizeof(payload));
	shutdown(peer.fd, SHUT_WR);
}

START_TEST(eof_does_not_cut_the_answer_off)
{
	struct why why;

	ask_and_half_close(&with_all);
	loop_watch(&worker.loop, &peer, EPOLLIN);
	ck_assert_int_eq(loop_run(&worker.loop, &why), 0);
	ck_assert_uint_eq(peer_received, FRAME_HEADER_SIZE + ANSWER_SIZE);
	ck_assert_ptr_null(worker.sessions);
	close(peer.fd);
	loop_free(&worker.loop);
}
END_TEST

START_TEST(a_peer_that_vanishes_while_the_session_finishes_ends_it)
{
	struct why why;

	ask_and_half_close(&with_all);
	close(peer.fd);
	worker.draining = true; /* the loop stops when its last session has ended */
	ck_assert_int_eq(loop_run(&worker.loop, &why), 0);
	ck_assert_ptr_null(worker.sessions);
	loop_free(&worker.loop);
}
END_TEST

START_TEST(the_naive_session_forgets_its_socket)
{
	struct why why;

	ask_and_half_close(&without_close_on_eof);
	worker.draining = true;
	ck_assert_int_eq(loop_run(&worker.loop, &why), 0);
	ck_assert_ptr_null(worker.sessions);
	ck_assert_uint_eq(atomic_load(&counters.forgotten), 1);
	/* Still open, and the peer sees no end. */
	ck_assert_int_eq(close(session_fd), 0);
	close(peer.fd);
	loop_free(&worker.loop);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("session");
	TCase *tc = tcase_create("session");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_test(tc, eof_does_not_cut_the_answer_off);
	tcase_add_test(tc, a_peer_that_vanishes_while_the_session_finishes_ends_it);
	tcase_add_test(tc, the_naive_session_forgets_its_socket);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
