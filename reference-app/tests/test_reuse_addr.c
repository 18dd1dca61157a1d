/* SPDX-License-Identifier: MIT */
/* A server that closed its connections itself is started again, in a namespace of its own. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reference-app/reuse-addr.h"
#include "reference-app/tests/support.h"

static int option_of(int fd)
{
	int value = -1;
	socklen_t len = sizeof(value);

	ck_assert_int_eq(getsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &value, &len), 0);
	return value;
}

START_TEST(the_option_is_set_or_left_alone)
{
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);

	ck_assert_int_ge(fd, 0);
	ck_assert_int_eq(reuse_addr_set(fd, false), 0);
	ck_assert_int_eq(option_of(fd), 0);
	ck_assert_int_eq(reuse_addr_set(fd, true), 0);
	ck_assert_int_eq(option_of(fd), 1);
	close(fd);
}
END_TEST

/* Leaves the server's port in TIME_WAIT: a bad frame makes the server close first. */
static void leave_time_wait(const char *args)
{
	struct program server = server_start(args);
	int fd = raw_connect(SERVER_PORT);
	char text[128];
	uint32_t id;

	raw_send_frame(fd, FRAME_RESPONSE, 1, NULL, 0);
	ck_assert_int_eq(raw_read_frame(fd, &id, text, sizeof(text)), FRAME_ERROR);
	raw_expect_end(fd, false);
	close(fd);
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_TIME_WAIT) == 1);
	program_end(&server);
}

START_TEST(with_it_the_port_is_there_at_once)
{
	struct program server;

	leave_time_wait("");
	server = server_start("");
	ck_assert_uint_eq(sockets_in_state(SERVER_PORT, TCP_TIME_WAIT), 1);
	program_end(&server);
}
END_TEST

/* Both must have it: that of before, and the new one. */
static const struct {
	const char *before;
	const char *now;
} clashes[] = {
	{"--without reuse-addr", "--without reuse-addr"},
	{"--without reuse-addr", ""},
	{"", "--without reuse-addr"},
};

START_TEST(without_it_the_port_is_taken)
{
	struct program server;
	int status;

	leave_time_wait(clashes[_i].before);
	server = program_start("ref-server", clashes[_i].now, 0);
	status = program_wait(&server);
	ck_assert(WIFEXITED(status) && WEXITSTATUS(status) == EXIT_FAILURE);
	ck_assert_uint_eq(sockets_in_state(SERVER_PORT, TCP_TIME_WAIT), 1);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("reuse-addr");
	TCase *tc = tcase_create("reuse-addr");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(tc, netns_setup, NULL);
	tcase_add_test(tc, the_option_is_set_or_left_alone);
	tcase_add_test(tc, with_it_the_port_is_there_at_once);
	tcase_add_loop_test(tc, without_it_the_port_is_taken, 0,
			    sizeof(clashes) / sizeof(clashes[0]));
	suite_add_tcase(suite, tc);
	return suite_run_in_netns(suite);
}
