/* SPDX-License-Identifier: MIT */
/* ref-client against servers without manners. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference-app/tests/support.h"

#define PORT     8000
#define QUICK    "--target 127.0.0.1:8000 --backoff 20ms/2/200ms/100% "
#define TEXT_MAX 128

/* Nothing more went into a connection for so long: it is full. Else the test shows less. */
#define FULL_AFTER_MS 200

static const struct {
	const char *bytes;
	size_t len;
	const char *says;
} bad_servers[] = {
	{"HTTP/1.1 400 Bad Request\r\n", 26, "bad frame"},
	{"\xff\xff\xff\xff\x02\0\0\0\0\0\0\0", 12, "longer"},
	{"\0\0\0\0\x01\0\0\0\0\0\0\0", 12, "REQUEST"},
	{"\0\0\0\0\x02\0\0\0\0\0\0\x63", 12, "not in flight"},
	{"\0\0\0\x02\x06\0\0\0\0\0\0\0no", 14, "the peer said ERROR: no"},
	{"\0\0\0\0\x05\0\0\0\0\0\0\0", 12, "GOAWAY"},
};

START_TEST(bad_servers_are_left_and_tried_again)
{
	int listen_fd = raw_listen(PORT);
	struct program client = program_start("ref-client", QUICK "--rate 0", 0);
	int fd = raw_accept(listen_fd);

	raw_send(fd, bad_servers[_i].bytes, bad_servers[_i].len);
	WAIT_FOR(program_said(&client, "\"lost\"") == 1);
	ck_assert_uint_ge(program_said(&client, bad_servers[_i].says), 1);
	close(fd);
	close(raw_accept(listen_fd));
	program_end(&client);
}
END_TEST

START_TEST(a_wrong_echo_is_noticed)
{
	int listen_fd = raw_listen(PORT);
	struct program client = program_start("ref-client", QUICK, 0);
	int fd = raw_accept(listen_fd);
	char text[TEXT_MAX];
	uint32_t id;

	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_REQUEST);
	raw_send_frame(fd, FRAME_RESPONSE, id, "wrong", 5);
	WAIT_FOR(program_said(&client, "not the echo") == 1);
	program_end(&client);
}
END_TEST

START_TEST(the_servers_pings_are_answered)
{
	int listen_fd = raw_listen(PORT);
	struct program client = program_start("ref-client", QUICK "--rate 0", 0);
	int fd = raw_accept(listen_fd);
	char text[TEXT_MAX];
	uint32_t id;

	raw_send_frame(fd, FRAME_PING, 7, "abc", 3);
	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_PONG);
	ck_assert_uint_eq(id, 7);
	ck_assert_str_eq(text, "abc");
	program_end(&client);
}
END_TEST

START_TEST(an_idle_connection_is_pinged)
{
	int listen_fd = raw_listen(PORT);
	struct program client =
		program_start("ref-client", QUICK "--rate 0 --heartbeat 50ms/100", 0);
	int fd = raw_accept(listen_fd);
	char text[TEXT_MAX];
	uint32_t id;

	for (int i = 0; i < 3; i++)
		ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_PING);
	program_end(&client);
}
END_TEST

START_TEST(a_dead_peer_is_aborted_not_closed)
{
	int listen_fd = raw_listen(PORT);
	struct program client = program_start("ref-client", QUICK "--rate 0 --heartbeat 50ms/2", 0);
	int fd = raw_accept(listen_fd);
	char bytes[TEXT_MAX];
	ssize_t n;

	WAIT_FOR(program_said(&client, "\"dead\"") >= 1);
	/* The PINGs that came, and then a reset, not the FIN of an ordinary close. */
	do
		n = recv(fd, bytes, sizeof(bytes), 0);
	while (n > 0);
	ck_assert_int_eq(n, -1);
	program_end(&client);
}
END_TEST

/* Each answer in single bytes, and more questions meanwhile: a slow writer is a peer that lives. */
START_TEST(a_server_that_writes_byte_by_byte_is_borne)
{
	int listen_fd = raw_listen(PORT);
	struct program client =
		program_start("ref-client", QUICK "--in-flight 1 --verbose --heartbeat 10s/3", 0);
	int fd = raw_accept(listen_fd);

	for (int i = 0; i < 3; i++) {
		uint8_t bytes[FRAME_HEADER_SIZE + TEXT_MAX];
		char text[TEXT_MAX];
		uint32_t id;

		ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_REQUEST);
		frame_encode_header(bytes, FRAME_RESPONSE, id, (uint32_t)strlen(text));
		memcpy(bytes + FRAME_HEADER_SIZE, text, sizeof(text));
		for (size_t at = 0; at < FRAME_HEADER_SIZE + strlen(text); at++)
			raw_send(fd, bytes + at, 1);
	}
	WAIT_FOR(program_said(&client, "\"response\"") == 3);
	ck_assert_uint_eq(program_said(&client, "\"lost\""), 0);
	program_end(&client);
}
END_TEST

START_TEST(a_server_that_half_closes_is_left)
{
	int listen_fd = raw_listen(PORT);
	struct program client = program_start("ref-client", QUICK "--rate 0", 0);
	int fd = raw_accept(listen_fd);

	shutdown(fd, SHUT_WR);
	WAIT_FOR(program_said(&client, "the peer closed the connection") == 1);
	raw_expect_end(fd, true);
	close(fd);
	close(raw_accept(listen_fd));
	program_end(&client);
}
END_TEST

/* Lets the client come and closes it, three times. */
static void close_three_times(int listen_fd)
{
	for (int i = 0; i < 3; i++)
		close(raw_accept(listen_fd));
}

START_TEST(eof_is_closed)
{
	int listen_fd = raw_listen(PORT);
	struct program client = program_start("ref-client", QUICK "--rate 0", 0);
	int fd;

	close_three_times(listen_fd);
	fd = raw_accept(listen_fd);
	/* It has come a fourth time, so it is done with the third. */
	ck_assert_uint_eq(sockets_in_state(0, TCP_CLOSE_WAIT), 0);
	close(fd);
	program_end(&client);
}
END_TEST

START_TEST(without_close_on_eof_it_leaks_and_comes_again)
{
	int listen_fd = raw_listen(PORT);
	struct program client =
		program_start("ref-client", QUICK "--rate 0 --without close-on-eof", 0);
	int fd;

	close_three_times(listen_fd);
	fd = raw_accept(listen_fd);
	ck_assert_uint_eq(sockets_in_state(0, TCP_CLOSE_WAIT), 3);
	close(fd);
	program_end(&client);
}
END_TEST

/* Asks and asks, until the client's answers have filled every buffer and it has had enough. */
static void ask_without_reading(int fd)
{
	static const uint8_t payload[64 << 10];
	uint8_t header[FRAME_HEADER_SIZE];
	struct pollfd room = {.fd = fd, .events = POLLOUT};

	frame_encode_header(header, FRAME_PING, 1, sizeof(payload));
	while (poll(&room, 1, FULL_AFTER_MS) == 1) {
		if (send(fd, header, sizeof(header), MSG_NOSIGNAL | MSG_MORE) < 0 ||
		    send(fd, payload, sizeof(payload), MSG_NOSIGNAL) < 0)
			break;
	}
}

/* What it asked for lies there unread, for it does not take its answers: that is no sign of life. */
START_TEST(a_server_that_asks_and_never_reads_is_left)
{
	const struct timeval patience = {.tv_usec = FULL_AFTER_MS * 1000L};
	int listen_fd = raw_listen(PORT);
	struct program client =
		program_start("ref-client", QUICK "--rate 0 --heartbeat 200ms/2", 0);
	int fd = raw_accept(listen_fd);

	setsockopt(fd, SOL_SOCKET, SO_SNDTIMEO, &patience, sizeof(patience));
	ask_without_reading(fd);
	WAIT_FOR(program_said(&client, "\"dead\"") >= 1);
	close(fd);
	program_end(&client);
}
END_TEST

START_TEST(a_failed_lookup_is_tried_again)
{
	/* A scope that no interface has: it fails without asking any name server. */
	struct program client = program_start(
		"ref-client", "--target [fe80::1%nosuch]:8000 --backoff 20ms/2/200ms/100%", 0);

	WAIT_FOR(program_said(&client, "resolve fe80::1%nosuch") >= 2);
	program_end(&client);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("client");
	TCase *tc = tcase_create("client");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(tc, netns_setup, NULL);
	tcase_add_loop_test(tc, bad_servers_are_left_and_tried_again, 0,
			    sizeof(bad_servers) / sizeof(bad_servers[0]));
	tcase_add_test(tc, a_wrong_echo_is_noticed);
	tcase_add_test(tc, the_servers_pings_are_answered);
	tcase_add_test(tc, an_idle_connection_is_pinged);
	tcase_add_test(tc, a_dead_peer_is_aborted_not_closed);
	tcase_add_test(tc, a_server_that_writes_byte_by_byte_is_borne);
	tcase_add_test(tc, a_server_that_half_closes_is_left);
	tcase_add_test(tc, eof_is_closed);
	tcase_add_test(tc, without_close_on_eof_it_leaks_and_comes_again);
	tcase_add_test(tc, a_server_that_asks_and_never_reads_is_left);
	tcase_add_test(tc, a_failed_lookup_is_tried_again);
	suite_add_tcase(suite, tc);
	return suite_run_in_netns(suite);
}
