/* SPDX-License-Identifier: MIT */
/* ref-client against ref-server, the real programs, in a network namespace of their own. */
#include <netinet/tcp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include "reference-app/options.h"
#include "reference-app/tests/support.h"

#define TARGET "--target 127.0.0.1:8000 "
/* So short that the tests are, and still a backoff. */
#define QUICK TARGET "--backoff 20ms/2/200ms/100% "

START_TEST(connects_and_is_echoed)
{
	struct program server = server_start("");
	struct program client = program_start("ref-client", QUICK "--rate 100 --verbose", 0);

	WAIT_FOR(program_said(&client, "\"response\"") >= 10);
	ck_assert_uint_eq(program_said(&client, "\"connected\""), 1);
	ck_assert_uint_eq(program_said(&client, "\"lost\""), 0);
	program_end(&client);
	program_end(&server);
}
END_TEST

START_TEST(quiet_unless_verbose)
{
	struct program server = server_start("");
	struct program quiet = program_start("ref-client", QUICK "--rate 100", 0);
	struct program loud = program_start("ref-client", QUICK "--rate 100 --verbose", 0);

	WAIT_FOR(program_said(&loud, "\"response\"") >= 10);
	ck_assert_uint_eq(program_said(&quiet, "\"response\""), 0);
	program_end(&quiet);
	program_end(&loud);
	program_end(&server);
}
END_TEST

START_TEST(comes_back_after_the_server_was_killed)
{
	struct program server = server_start("");
	struct program client = program_start("ref-client", QUICK, 0);

	WAIT_FOR(program_said(&client, "\"connected\"") == 1);
	kill(server.pid, SIGKILL);
	ck_assert(WIFSIGNALED(program_wait(&server)));
	WAIT_FOR(program_said(&client, "\"lost\"") == 1);
	WAIT_FOR(program_said(&client, "Connection refused") >= 3);
	server = server_start("");
	WAIT_FOR(program_said(&client, "\"connected\"") == 2);
	program_end(&client);
	program_end(&server);
}
END_TEST

START_TEST(leaves_when_the_server_says_goaway)
{
	struct program server = server_start("");
	struct program client = program_start("ref-client", QUICK, 0);

	WAIT_FOR(program_said(&client, "\"connected\"") == 1);
	program_end(&server);
	WAIT_FOR(program_said(&client, "GOAWAY") == 1);
	program_end(&client);
}
END_TEST

/* What the limit of open files allows, with some for the rest; ten thousand where it allows more. */
START_TEST(ten_thousand_connections)
{
	struct rlimit limit;
	char args[128];
	unsigned n = 10000;
	struct program server = server_start("");
	struct program client;

	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_max < n + 100)
		n = (unsigned)limit.rlim_max - 100;
	snprintf(args, sizeof(args), "%s--heartbeat 30s/3 --connections %u", QUICK, n);
	client = program_start("ref-client", args, 0);
	/* In steps, for which each has a deadline of its own: a sanitized client takes its time. */
	for (unsigned some = 1000; some < n; some += 1000)
		WAIT_FOR(program_said(&client, "\"connected\"") >= some);
	WAIT_FOR(program_said(&client, "\"connected\"") == n);
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_ESTABLISHED) == n);
	ck_assert_uint_eq(program_said(&client, "\"lost\""), 0);
	program_end(&client);
	WAIT_FOR(sockets_in_state(SERVER_PORT, TCP_ESTABLISHED) == 0);
	program_end(&server);
}
END_TEST

START_TEST(a_thousand_come_back)
{
	struct program server = server_start("");
	struct program client = program_start("ref-client", QUICK "--connections 1000", 0);

	WAIT_FOR(program_said(&client, "\"connected\"") == 1000);
	kill(server.pid, SIGKILL);
	program_wait(&server);
	WAIT_FOR(program_said(&client, "\"lost\"") == 1000);
	server = server_start("");
	WAIT_FOR(program_said(&client, "\"connected\"") == 2000);
	program_end(&client);
	program_end(&server);
}
END_TEST

/* Both sides by side, against the same stopped server: the one without the practice is the control. */
START_TEST(heartbeat_notices_a_stopped_server_and_tcp_does_not)
{
	struct program server = server_start("");
	struct program with = program_start("ref-client", QUICK "--heartbeat 100ms/3", 0);
	struct program without =
		program_start("ref-client", QUICK "--heartbeat 100ms/3 --without heartbeat", 0);

	WAIT_FOR(program_said(&with, "\"connected\"") == 1);
	WAIT_FOR(program_said(&without, "\"connected\"") == 1);
	kill(server.pid, SIGSTOP);
	/* Its kernel goes on accepting: dead again and again. */
	WAIT_FOR(program_said(&with, "\"dead\"") >= 3);
	ck_assert_uint_ge(program_said(&with, "\"heartbeat_miss\""), 6);
	ck_assert_uint_eq(program_said(&without, "\"lost\""), 0);
	ck_assert_uint_eq(program_said(&without, "\"heartbeat_miss\""), 0);
	kill(server.pid, SIGCONT);
	program_end(&with);
	program_end(&without);
	program_end(&server);
}
END_TEST

/* The server's deadline is 10 of the client's intervals: room for a busy machine. */
START_TEST(heartbeats_keep_an_idle_connection_alive_on_both_sides)
{
	struct program server = server_start("--heartbeat 200ms/9");
	struct program with =
		program_start("ref-client", QUICK "--rate 0 --heartbeat 200ms/100", 0);
	struct program silent = program_start(
		"ref-client", QUICK "--rate 0 --heartbeat 200ms/100 --without heartbeat", 0);

	/* Two of the server's deadlines pass: only the silent client is reaped. */
	WAIT_FOR(program_said(&silent, "\"lost\"") >= 2);
	ck_assert_uint_ge(program_said(&server, "\"reaped\""), 2);
	ck_assert_uint_eq(program_said(&with, "\"connected\""), 1);
	ck_assert_uint_eq(program_said(&with, "\"lost\""), 0);
	program_end(&silent);
	program_end(&with);
	program_end(&server);
}
END_TEST

/* Starts a client of nobody with the options and copies its first wait. */
static void first_wait(const char *args, char wait[MEMBER_MAX])
{
	struct program client = program_start("ref-client", args, 0);

	WAIT_FOR(program_member(&client, "wait_ms", wait));
	program_end(&client);
}

START_TEST(the_seed_decides_the_waits)
{
	char a[MEMBER_MAX];
	char again[MEMBER_MAX];
	char other[MEMBER_MAX];

	first_wait(TARGET "--seed 1", a);
	first_wait(TARGET "--seed 1", again);
	first_wait(TARGET "--seed 2", other);
	ck_assert_str_eq(a, again);
	ck_assert_str_ne(a, other);
	first_wait(TARGET "--without backoff", a);
	ck_assert_str_eq(a, "100.000");
}
END_TEST

static const struct {
	const char *program;
	const char *args;
} usage_errors[] = {
	{"ref-client", ""},
	{"ref-client", "--target nowhere"},
	{"ref-client", TARGET "--heartbeat 5/3"},
	{"ref-client", TARGET "--rate 0.0000001"},
	{"ref-client", TARGET "--rate 1000001"},
	{"ref-client", TARGET "--without nothing"},
	{"ref-server", "--listen nowhere"},
	{"ref-server", "--without backoff"},
	{"ref-server", "--workers 0"},
};

START_TEST(usage_errors_exit_with_2)
{
	struct program program = program_start(usage_errors[_i].program, usage_errors[_i].args, 0);
	int status = program_wait(&program);

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), 2);
}
END_TEST

START_TEST(a_taken_port_is_an_error)
{
	struct program server = server_start("");
	struct program second = program_start("ref-server", "", 0);
	int status = program_wait(&second);

	ck_assert(WIFEXITED(status));
	ck_assert_int_eq(WEXITSTATUS(status), EXIT_FAILURE);
	program_end(&server);
}
END_TEST

/* What a program prints for --help, as a string. */
static void read_help(const char *name, char *text, size_t size)
{
	struct program program = program_start(name, "--help", 0);
	int fd = dup(program.out_fd); /* the wait closes its own */
	ssize_t n;

	ck_assert_int_eq(program_wait(&program), 0);
	n = pread(fd, text, size - 1, 0);
	close(fd);
	ck_assert_int_gt(n, 0);
	text[n] = '\0';
}

#define HELP_MAX 8192

/* Each option that the one program alone has, as its own help lists them, is known to the other. */
START_TEST(an_option_of_the_other_program_is_told)
{
	static const char *const names[] = {"ref-client", "ref-server"};
	static const enum practice_side sides[] = {SIDE_CLIENT, SIDE_SERVER};
	static const struct option_row none[] = {{0}};
	const struct command command = {.name = names[_i], .side = sides[_i], .rows = none};
	char own[HELP_MAX], other[HELP_MAX], word[64], *rest = other, *line;
	struct common_options common = {0};
	struct why why;
	unsigned told = 0;

	read_help(names[_i], own, sizeof(own));
	read_help(names[!_i], other, sizeof(other));
	while ((line = strsep(&rest, "\n"))) {
		char *argv[] = {(char *)names[_i], word, NULL};

		if (strncmp(line, "  --", 4) != 0)
			continue;
		snprintf(word, sizeof(word), "  %.*s ", (int)strcspn(line + 2, " "), line + 2);
		if (strstr(own, word))
			continue;
		snprintf(word, sizeof(word), "%.*s", (int)strcspn(line + 2, " "), line + 2);
		ck_assert_int_eq(options_parse(&command, 2, argv, &common, &why), -1);
		ck_assert_msg(strstr(why.text, names[!_i]) != NULL, "%s", why.text);
		told++;
	}
	ck_assert_uint_gt(told, 3);
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("app");
	TCase *tc = tcase_create("app");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(tc, netns_setup, NULL);
	tcase_add_test(tc, connects_and_is_echoed);
	tcase_add_test(tc, quiet_unless_verbose);
	tcase_add_test(tc, comes_back_after_the_server_was_killed);
	tcase_add_test(tc, leaves_when_the_server_says_goaway);
	tcase_add_test(tc, a_thousand_come_back);
	tcase_add_test(tc, heartbeat_notices_a_stopped_server_and_tcp_does_not);
	tcase_add_test(tc, heartbeats_keep_an_idle_connection_alive_on_both_sides);
	tcase_add_test(tc, the_seed_decides_the_waits);
	tcase_add_loop_test(tc, an_option_of_the_other_program_is_told, 0, 2);
	tcase_add_loop_test(tc, usage_errors_exit_with_2, 0,
			    sizeof(usage_errors) / sizeof(usage_errors[0]));
	tcase_add_test(tc, a_taken_port_is_an_error);
	suite_add_tcase(suite, tc);
	tc = tcase_create("ten thousand");
	tcase_set_timeout(tc, 4 * TEST_TIMEOUT_S);
	tcase_add_checked_fixture(tc, netns_setup, NULL);
	tcase_add_test(tc, ten_thousand_connections);
	suite_add_tcase(suite, tc);
	return suite_run_in_netns(suite);
}
