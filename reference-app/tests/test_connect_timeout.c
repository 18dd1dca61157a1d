/* SPDX-License-Identifier: MIT */
/* The deadline itself, on data alone; and ref-client with and without it, side by side, against a
 * server whose kernel answers no SYN. */
#include <netinet/tcp.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reference-app/connect-timeout.h"
#include "reference-app/tests/support.h"

#define PORT 8000
/* Any time will do; not 0, so that a forgotten `now` shows. */
#define START (1000 * NSEC_PER_SEC)

#define QUICK "--target 127.0.0.1:8000 --backoff 20ms/2/200ms/100% --connect-timeout 50ms "

#define EXIT_GAVE_UP 3

START_TEST(the_deadline_counts_from_the_attempt)
{
	ck_assert_int_eq(connect_deadline(3 * NSEC_PER_SEC, true, START), START + 3 * NSEC_PER_SEC);
	ck_assert_int_eq(connect_deadline(1, true, START), START + 1);
}
END_TEST

START_TEST(without_the_practice_there_is_none)
{
	ck_assert_int_eq(connect_deadline(3 * NSEC_PER_SEC, false, START), NSEC_NEVER);
}
END_TEST

START_TEST(the_default_is_that_documented)
{
	ck_assert_int_eq(connect_timeout_default, 3 * NSEC_PER_SEC);
}
END_TEST

/* A full accept queue: a backlog of 0 holds one connection, and the kernel drops what comes after it. */
static void listen_silently(void)
{
	int listen_fd = raw_listen(PORT);

	ck_assert_int_eq(listen(listen_fd, 0), 0);
	raw_connect(PORT);
}

START_TEST(an_unanswered_attempt_ends_at_its_deadline)
{
	struct program client;

	listen_silently();
	client = program_start("ref-client", QUICK, 0);
	WAIT_FOR(program_said(&client, "no answer before the connect deadline") >= 3);
	/* None is left behind: at most the next attempt's is there. */
	ck_assert_uint_le(sockets_in_state(0, TCP_SYN_SENT), 1);
	program_end(&client);
}
END_TEST

/* The one with the practice tells the time: when it has made five attempts, the other one, which
 * began before it, is still at its first. */
START_TEST(without_the_practice_the_kernel_goes_on)
{
	struct program without, with;

	listen_silently();
	without = program_start("ref-client", QUICK "--without connect-timeout", 0);
	WAIT_FOR(program_said(&without, "\"attempt\"") >= 1);
	with = program_start("ref-client", QUICK, 0);
	WAIT_FOR(program_said(&with, "no answer before the connect deadline") >= 5);
	ck_assert_uint_eq(program_said(&without, "\"wait\""), 0);
	ck_assert_uint_ge(sockets_in_state(0, TCP_SYN_SENT), 1);
	program_end(&with);
	program_end(&without);
}
END_TEST

START_TEST(it_gives_up_after_so_many_attempts)
{
	struct program client;
	int status;

	listen_silently();
	client = program_start("ref-client", QUICK "--attempts 3", 0);
	WAIT_FOR(program_said(&client, "\"stopped\"") == 1);
	ck_assert_uint_eq(program_said(&client, "\"attempt\",\"monotonic_s\""), 3);
	ck_assert_uint_eq(program_said(&client, "no answer before the connect deadline"), 3);
	/* After the last one nobody waits. */
	ck_assert_uint_eq(program_said(&client, "\"wait\""), 2);
	ck_assert_uint_eq(program_said(&client, "\"gave_up\""), 1);
	ck_assert_uint_eq(program_said(&client, "\"attempts\":3"), 1);
	status = program_wait(&client);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), EXIT_GAVE_UP);
}
END_TEST

/* Each connection that succeeds starts the count afresh. */
START_TEST(a_lost_connection_is_no_failed_attempt)
{
	int listen_fd = raw_listen(PORT);
	struct program client = program_start("ref-client", QUICK "--rate 0 --attempts 1", 0);
	int status;

	for (int i = 0; i < 3; i++)
		close(raw_accept(listen_fd));
	WAIT_FOR(program_said(&client, "\"lost\"") >= 2);
	close(listen_fd);
	WAIT_FOR(program_said(&client, "\"stopped\"") == 1);
	ck_assert_uint_eq(program_said(&client, "Connection refused"), 1);
	status = program_wait(&client);
	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), EXIT_GAVE_UP);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("connect_timeout");
	TCase *data = tcase_create("data");
	TCase *app = tcase_create("app");

	tcase_add_test(data, the_deadline_counts_from_the_attempt);
	tcase_add_test(data, without_the_practice_there_is_none);
	tcase_add_test(data, the_default_is_that_documented);
	suite_add_tcase(suite, data);
	tcase_set_timeout(app, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(app, netns_setup, NULL);
	tcase_add_test(app, an_unanswered_attempt_ends_at_its_deadline);
	tcase_add_test(app, without_the_practice_the_kernel_goes_on);
	tcase_add_test(app, it_gives_up_after_so_many_attempts);
	tcase_add_test(app, a_lost_connection_is_no_failed_attempt);
	suite_add_tcase(suite, app);
	return suite_run_in_netns(suite);
}
