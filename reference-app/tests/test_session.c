/* SPDX-License-Identifier: MIT */
/* A session on one end of a socket pair whose buffer holds a small part of an answer, the peer on the
 * other end in the same loop; and one on a TCP connection, whose time the test makes. */
#include <linux/tcp.h> /* glibc's struct tcp_info ends before tcpi_bytes_acked */
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference-app/session.h"
#include "reference-app/tests/support.h"

#define ANSWER_SIZE (32u << 10)

/* An answer of many windows, all of it in the session's kernel; what is read of it at a time. */
#define LONG_ANSWER (192u << 10)
#define SEND_BUFFER (1 << 20)
#define WINDOW      (16 << 10)
#define PART        (24u << 10)
#define PARTS       6

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
	session_open(&worker, session_fd);
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

static const struct server_config impatient = {.heartbeat = {NSEC_PER_SEC, 1}};

static uint64_t acknowledged(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	ck_assert_int_eq(getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len), 0);
	return info.tcpi_bytes_acked;
}

/* A session on a TCP connection, and its peer, which has a small window. */
static int open_tcp(void)
{
	const int buffer = SEND_BUFFER, window = WINDOW;
	int listen_fd = raw_listen(SERVER_PORT);
	struct why why;

	setsockopt(listen_fd, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	int fd = socket(AF_INET, SOCK_STREAM, 0);
	const struct sockaddr_in to = {.sin_family = AF_INET,
				       .sin_port = htons(SERVER_PORT),
				       .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	setsockopt(fd, SOL_SOCKET, SO_RCVBUF, &window, sizeof(window));
	ck_assert_int_eq(connect(fd, (const struct sockaddr *)&to, sizeof(to)), 0);
	session_fd = accept4(listen_fd, NULL, NULL, SOCK_NONBLOCK);
	ck_assert_int_ge(session_fd, 0);
	close(listen_fd);
	worker = (struct worker){.config = &impatient, .counters = &counters};
	ck_assert_int_eq(loop_init(&worker.loop, &why), 0);
	session_open(&worker, session_fd);
	return fd;
}

static void stop_loop(struct timer *timer, nsec_t now)
{
	(void)timer, (void)now;
	loop_stop(&worker.loop);
}

/* What is ready is done, and no timer of the session's. */
static void run_once(void)
{
	struct timer stop = {.expired = stop_loop};
	struct why why;

	ck_assert_int_eq(timers_reserve(&worker.loop.timers, 1), 0);
	worker.loop.stopping = false;
	timer_arm(&worker.loop.timers, &stop, clock_now());
	ck_assert_int_eq(loop_run(&worker.loop, &why), 0);
	timers_release(&worker.loop.timers, 1);
}

/*
 * A peer over a narrow line: it takes a long answer in parts, an interval after the other, and asks nothing
 * meanwhile. It lives; when it takes no more it is silent for (K + 1) * I.
 */
START_TEST(who_takes_a_long_answer_lives)
{
	static uint8_t payload[LONG_ANSWER];
	int fd = open_tcp();
	nsec_t now = clock_now();

	raw_send_frame(fd, FRAME_REQUEST, 1, payload, sizeof(payload));
	WAIT_FOR((run_once(), atomic_load(&counters.requests) == 1));
	run_once();
	for (int i = 0; i < PARTS; i++) {
		uint64_t before = acknowledged(session_fd);

		ck_assert_int_eq(recv(fd, payload, PART, MSG_WAITALL), PART);
		WAIT_FOR(acknowledged(session_fd) > before);
		now += impatient.heartbeat.interval;
		timers_run(&worker.loop.timers, now);
		ck_assert_msg(worker.sessions != NULL, "given up after %d parts", i);
	}
	/* The acknowledgement was real, the time is made: no sooner than an interval from now. */
	for (int i = 0; i < 3; i++)
		timers_run(&worker.loop.timers, now += impatient.heartbeat.interval);
	ck_assert_ptr_null(worker.sessions);
	ck_assert_uint_eq(atomic_load(&counters.reaped), 1);
	close(fd);
	loop_free(&worker.loop);
}
END_TEST

int main(void)
{
	TCase *tcp = tcase_create("over TCP");
	Suite *suite = suite_create("session");
	TCase *tc = tcase_create("session");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_test(tc, eof_does_not_cut_the_answer_off);
	tcase_add_test(tc, a_peer_that_vanishes_while_the_session_finishes_ends_it);
	tcase_add_test(tc, the_naive_session_forgets_its_socket);
	suite_add_tcase(suite, tc);
	tcase_set_timeout(tcp, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(tcp, netns_setup, NULL);
	tcase_add_test(tcp, who_takes_a_long_answer_lives);
	suite_add_tcase(suite, tcp);
	return suite_run_in_netns(suite);
}
