/* SPDX-License-Identifier: MIT */
/* ref-server against peers without manners. */
#include <errno.h>
#include <netinet/tcp.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference-app/tests/support.h"

#define PEERS    20
#define TEXT_MAX 128

static void expect_pong(int fd, uint32_t id)
{
	char text[TEXT_MAX];
	uint32_t got;

	raw_send_frame(fd, FRAME_PING, id, "x", 1);
	ck_assert_int_eq(raw_read_frame(fd, &got, text, sizeof(text)), FRAME_PONG);
	ck_assert_uint_eq(got, id);
	ck_assert_str_eq(text, "x");
}

/* Connects PEERS peers, sees each of them served, and closes them all. */
static void peers_come_and_go(void)
{
	int fds[PEERS];

	for (uint32_t i = 0; i < PEERS; i++) {
		fds[i] = raw_connect(SERVER_PORT);
		expect_pong(fds[i], i);
	}
	for (int i = 0; i < PEERS; i++)
		close(fds[i]);
}

START_TEST(requests_and_pings_are_answered)
{
	struct program server = server_start("");
	int fd = raw_connect(SERVER_PORT);
	char text[TEXT_MAX];
	uint32_t id;

	raw_send_frame(fd, FRAME_REQUEST, 42, "hello", 5);
	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_RESPONSE);
	ck_assert_uint_eq(id, 42);
	ck_assert_str_eq(text, "hello");
	expect_pong(fd, 43);
	close(fd);
	program_end(&server);
}
END_TEST

static const struct {
	const char *bytes;
	size_t len;
	const char *says;
} bad_frames[] = {
	{"GET / HTTP/1.1\r\n\r\n", 18, "longer"},
	{"\xff\xff\xff\xff\x01\0\0\0\0\0\0\0", 12, "longer"},
	{"\0\0\0\0\x09\0\0\0\0\0\0\0", 12, "type"},
	{"\0\0\0\0\x01\0\x01\0\0\0\0\0", 12, "reserved"},
	{"\0\0\0\0\x02\0\0\0\0\0\0\0", 12, "RESPONSE"},
	{"\0\0\0\x01\x06\0\0\0\0\0\0\0x", 13, "ERROR"},
};

START_TEST(bad_frames_are_told_and_closed)
{
	struct program server = server_start("");
	int fd = raw_connect(SERVER_PORT);
	int other = raw_connect(SERVER_PORT);
	char text[TEXT_MAX];
	uint32_t id;

	raw_send(fd, bad_frames[_i].bytes, bad_frames[_i].len);
	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_ERROR);
	ck_assert_msg(strstr(text, bad_frames[_i].says), "\"%s\"", text);
	raw_expect_end(fd, false);
	close(fd);
	expect_pong(other, 1);
	close(other);
	ck_assert_uint_eq(program_said(&server, "\"bad_frame\""), 1);
	program_end(&server);
}
END_TEST

/* What follows a bad frame must be read and dropped: left unread, close() would reset the connection
 * and take the ERROR frame with it. */
START_TEST(an_error_frame_outlives_what_the_peer_still_sends)
{
	static const uint8_t rest[256 << 10];
	struct program server = server_start("");
	int fd = raw_connect(SERVER_PORT);
	char text[TEXT_MAX];
	uint32_t id;

	raw_send_frame(fd, FRAME_RESPONSE, 1, rest, sizeof(rest));
	raw_send(fd, rest, sizeof(rest));
	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_ERROR);
	raw_expect_end(fd, false);
	close(fd);
	program_end(&server);
}
END_TEST

START_TEST(a_half_closed_peer_gets_all_of_many_long_answers)
{
	/* More than the kernel holds between the two on a loopback (about 2.6 MB): the server has to
	 * stop reading, and to start again. And little enough for our send() not to block. */
	const uint32_t requests = 4;
	const size_t whole = (size_t)requests * (FRAME_HEADER_SIZE + FRAME_MAX_PAYLOAD);
	static uint8_t buffer[FRAME_MAX_PAYLOAD];
	struct program server = server_start("");
	int fd = raw_connect(SERVER_PORT);
	size_t received = 0;
	ssize_t n;

	for (uint32_t i = 0; i < requests; i++)
		raw_send_frame(fd, FRAME_REQUEST, i, buffer, FRAME_MAX_PAYLOAD);
	shutdown(fd, SHUT_WR);
	while ((n = recv(fd, buffer, sizeof(buffer), 0)) > 0)
		received += (size_t)n;
	ck_assert_int_eq(n, 0);
	ck_assert_uint_eq(received, whole);
	close(fd);
	program_end(&server);
}
END_TEST

START_TEST(a_half_closed_peer_gets_its_answer)
{
	struct program server = server_start("");
	int fd = raw_connect(SERVER_PORT);
	char text[TEXT_MAX];
	uint32_t id;

	raw_send_frame(fd, FRAME_REQUEST, 1, "last", 4);
	shutdown(fd, SHUT_WR);
	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_RESPONSE);
	raw_expect_end(fd, false);
	close(fd);
	program_end(&server);
}
END_TEST

START_TEST(eof_is_closed)
{
	struct program server = server_start("");

	peers_come_and_go();
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_ESTABLISHED) == 0 &&
		 sockets_in_state(SERVER_PORT, TCP_CLOSE_WAIT) == 0);
	program_end(&server);
}
END_TEST

START_TEST(without_close_on_eof_close_wait_piles_up)
{
	struct program server = server_start("--without close-on-eof");

	peers_come_and_go();
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_CLOSE_WAIT) == PEERS);
	peers_come_and_go();
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_CLOSE_WAIT) == 2 * PEERS);
	program_end(&server);
}
END_TEST

/* In CLOSE_WAIT for as long as it was told, and then gone. */
START_TEST(late_close_is_late_and_comes)
{
	struct program server = server_start("--late-close 500ms");
	nsec_t closed;

	peers_come_and_go();
	closed = clock_now();
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_CLOSE_WAIT) == PEERS);
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_CLOSE_WAIT) == 0);
	ck_assert_int_ge(clock_now() - closed, 400 * NSEC_PER_MSEC);
	program_end(&server);
}
END_TEST

/* The workers pay one after the other what each accept costs, and nobody is lost. */
START_TEST(accept_cost_delays_who_comes_last)
{
	struct program server = server_start("--workers 1 --accept-cost 10ms");
	nsec_t start = clock_now();
	int fds[PEERS];

	for (int i = 0; i < PEERS; i++)
		fds[i] = raw_connect(SERVER_PORT);
	for (int i = 0; i < PEERS; i++)
		expect_pong(fds[i], 1);
	ck_assert_int_ge(clock_now() - start, 10 * NSEC_PER_MSEC * PEERS);
	for (int i = 0; i < PEERS; i++)
		close(fds[i]);
	program_end(&server);
}
END_TEST

/* A frame in single bytes is a frame. */
START_TEST(a_slow_writer_is_served)
{
	struct program server = server_start("");
	uint8_t header[FRAME_HEADER_SIZE];
	int fd = raw_connect(SERVER_PORT);
	char text[TEXT_MAX];
	uint32_t id;

	frame_encode_header(header, FRAME_REQUEST, 9, 2);
	for (size_t i = 0; i < sizeof(header); i++)
		raw_send(fd, header + i, 1);
	raw_send(fd, "h", 1);
	raw_send(fd, "i", 1);
	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_RESPONSE);
	ck_assert_uint_eq(id, 9);
	ck_assert_str_eq(text, "hi");
	close(fd);
	program_end(&server);
}
END_TEST

START_TEST(without_close_on_eof_a_reset_is_closed)
{
	const struct linger abort_at_once = {.l_onoff = 1, .l_linger = 0};
	struct program server = server_start("--without close-on-eof");
	int fd = raw_connect(SERVER_PORT);

	expect_pong(fd, 1);
	setsockopt(fd, SOL_SOCKET, SO_LINGER, &abort_at_once, sizeof(abort_at_once));
	close(fd);
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_ESTABLISHED) == 0);
	ck_assert_uint_eq(sockets_in_state(SERVER_PORT, TCP_CLOSE_WAIT), 0);
	program_end(&server);
}
END_TEST

/* Half a frame, and then silence: still a silent peer. */
START_TEST(a_silent_peer_is_reaped)
{
	struct program server = server_start("--heartbeat 100ms/1");
	int fd = raw_connect(SERVER_PORT);

	raw_send(fd, "\0\0\0\x05\x01", 5);
	raw_expect_end(fd, true);
	close(fd);
	ck_assert_uint_eq(program_said(&server, "\"reaped\""), 1);
	program_end(&server);
}
END_TEST

/* Sends requests and reads nothing until the server has had enough. Returns the bytes sent. */
static size_t send_without_reading(int fd)
{
	static const uint8_t payload[32 << 10];
	uint8_t header[FRAME_HEADER_SIZE];
	nsec_t end = clock_now() + WAIT_DEADLINE;
	size_t sent = 0;
	ssize_t n = 1;

	frame_encode_header(header, FRAME_REQUEST, 1, sizeof(payload));
	while (n > 0) {
		ck_assert_msg(clock_now() < end, "the server still bears it");
		n = send(fd, header, sizeof(header), MSG_NOSIGNAL | MSG_MORE);
		if (n > 0)
			n = send(fd, payload, sizeof(payload), MSG_NOSIGNAL);
		sent += n > 0 ? (size_t)n : 0;
	}
	ck_assert_msg(errno == ECONNRESET || errno == EPIPE, "%s", strerror(errno));
	return sent;
}

START_TEST(a_peer_that_never_reads_is_held_and_then_reaped)
{
	/* The kernel's buffers of both sides and the server's queue; without a bound it would be
	 * as much as the loopback carries in the deadline: gigabytes. */
	const size_t bound = 64u << 20;
	struct program server = server_start("--heartbeat 300ms/1");
	int fd = raw_connect(SERVER_PORT);
	int other;

	ck_assert_uint_lt(send_without_reading(fd), bound);
	WAIT_FOR(program_said(&server, "\"reaped\"") == 1);
	other = raw_connect(SERVER_PORT);
	expect_pong(other, 1);
	close(other);
	close(fd);
	program_end(&server);
}
END_TEST

START_TEST(sigterm_says_goaway_and_refuses_newcomers)
{
	struct program server = server_start("");
	int fd = raw_connect(SERVER_PORT);
	char text[TEXT_MAX];
	uint32_t id;

	expect_pong(fd, 1);
	kill(server.pid, SIGTERM);
	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_GOAWAY);
	ck_assert_uint_eq(sockets_in_state(SERVER_PORT, TCP_LISTEN), 0);
	close(fd);
	ck_assert_int_eq(program_wait(&server), 0);
}
END_TEST

START_TEST(out_of_descriptors_is_survived)
{
	struct program server = program_start("ref-server", "", PEERS);
	int fds[2 * PEERS];
	int fd;

	WAIT_FOR(program_said(&server, "\"listening\"") == 1);
	for (int i = 0; i < 2 * PEERS; i++)
		fds[i] = raw_connect(SERVER_PORT);
	WAIT_FOR(program_said(&server, "\"accept_paused\"") >= 1);
	for (int i = 0; i < 2 * PEERS; i++)
		close(fds[i]);
	fd = raw_connect(SERVER_PORT);
	expect_pong(fd, 1);
	close(fd);
	program_end(&server);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("server");
	TCase *tc = tcase_create("server");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(tc, netns_setup, NULL);
	tcase_add_test(tc, requests_and_pings_are_answered);
	tcase_add_loop_test(tc, bad_frames_are_told_and_closed, 0,
			    sizeof(bad_frames) / sizeof(bad_frames[0]));
	tcase_add_test(tc, an_error_frame_outlives_what_the_peer_still_sends);
	tcase_add_test(tc, a_half_closed_peer_gets_its_answer);
	tcase_add_test(tc, a_half_closed_peer_gets_all_of_many_long_answers);
	tcase_add_test(tc, eof_is_closed);
	tcase_add_test(tc, without_close_on_eof_close_wait_piles_up);
	tcase_add_test(tc, late_close_is_late_and_comes);
	tcase_add_test(tc, accept_cost_delays_who_comes_last);
	tcase_add_test(tc, a_slow_writer_is_served);
	tcase_add_test(tc, without_close_on_eof_a_reset_is_closed);
	tcase_add_test(tc, a_silent_peer_is_reaped);
	tcase_add_test(tc, a_peer_that_never_reads_is_held_and_then_reaped);
	tcase_add_test(tc, sigterm_says_goaway_and_refuses_newcomers);
	tcase_add_test(tc, out_of_descriptors_is_survived);
	suite_add_tcase(suite, tc);
	return suite_run_in_netns(suite);
}
