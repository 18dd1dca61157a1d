/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference-app/close-on-eof.h"
#include "reference-app/tests/support.h"

static int mine;
static int peer;

static void setup(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM, 0, pair), 0);
	mine = pair[0];
	peer = pair[1];
}

static bool is_open(int fd)
{
	return fcntl(fd, F_GETFD) >= 0 || errno != EBADF;
}

START_TEST(every_end_closes)
{
	int fd = mine;

	ck_assert(socket_end(&fd, (enum socket_end)_i, true));
	ck_assert_int_eq(fd, -1);
	ck_assert(!is_open(mine));
}
END_TEST

START_TEST(without_it_eof_leaves_the_socket_open)
{
	int fd = mine;

	ck_assert(!socket_end(&fd, SOCKET_END_EOF, false));
	ck_assert_int_eq(fd, -1);
	ck_assert(is_open(mine));
}
END_TEST

START_TEST(without_it_every_other_end_closes)
{
	int fd = mine;

	ck_assert(socket_end(&fd, (enum socket_end)_i, false));
	ck_assert(!is_open(mine));
}
END_TEST

START_TEST(the_peer_sees_the_end)
{
	char byte;
	int fd = mine;

	socket_end(&fd, SOCKET_END_DONE, true);
	ck_assert_int_eq(read(peer, &byte, 1), 0);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("close-on-eof");
	TCase *tc = tcase_create("close-on-eof");

	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_loop_test(tc, every_end_closes, SOCKET_END_EOF, SOCKET_END_DEAD + 1);
	tcase_add_test(tc, without_it_eof_leaves_the_socket_open);
	tcase_add_loop_test(tc, without_it_every_other_end_closes, SOCKET_END_ERROR,
			    SOCKET_END_DEAD + 1);
	tcase_add_test(tc, the_peer_sees_the_end);
	suite_add_tcase(suite, tc);
	return suite_run(suite);
}
