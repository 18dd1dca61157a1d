/* SPDX-License-Identifier: MIT */
/* QEMU's machine protocol, with the test in QEMU's place at the other end of the socket. */
#include <check.h>
#include <poll.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/tests/suite.h"
#include "harness/virtual/qmp.h"

#define GREETING    "{\"QMP\": {\"version\": {}, \"capabilities\": []}}\r\n"
#define DONE        "{\"return\": {}}\r\n"
#define EVENT(name) "{\"event\": \"" name "\", \"timestamp\": {}}\r\n"
/* What is said is there before it is waited for: this is only a guard. */
#define GUARD (60 * NSEC_PER_SEC)

static struct qmp qmp;
static struct err err;
static int qemu; /* its end */

static void setup(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair), 0);
	qmp = (struct qmp){.fd = pair[0], .cancel_fd = -1, .events = json_array()};
	qemu = pair[1];
	err = (struct err){0};
}

static void teardown(void)
{
	qmp_end(&qmp);
	if (qemu >= 0)
		close(qemu);
}

static void say(const char *text)
{
	ck_assert_int_eq(io_write_all(qemu, text, strlen(text)), 0);
}

/* What QEMU was told, as far as it has come. */
static const char *heard(void)
{
	static char buf[4096];
	ssize_t n = recv(qemu, buf, sizeof(buf) - 1, MSG_DONTWAIT);

	buf[n > 0 ? n : 0] = '\0';
	return buf;
}

static int command(json_t **ret)
{
	return qmp_command(&qmp, "go", NULL, -1, ret, nsec_monotonic() + GUARD, &err);
}

static int wait_event(const char *name)
{
	return qmp_wait_event(&qmp, name, nsec_monotonic() + GUARD, &err);
}

static void expect_error(int rc, const char *text)
{
	ck_assert_int_eq(rc, -1);
	ck_assert_msg(strstr(err.msg, text) != NULL, "'%s' is not in: %s", text, err.msg);
}

START_TEST(test_the_greeting)
{
	int fd = TAKE_FD(qmp.fd);

	qmp_end(&qmp);
	say(GREETING DONE);
	ck_assert_int_eq(qmp_begin(&qmp, fd, -1, nsec_monotonic() + GUARD, &err), 0);
	ck_assert_str_eq(heard(), "{\"execute\":\"qmp_capabilities\"}");
}
END_TEST

START_TEST(test_no_greeting)
{
	int fd = TAKE_FD(qmp.fd);

	qmp_end(&qmp);
	close(TAKE_FD(qemu));
	expect_error(qmp_begin(&qmp, fd, -1, nsec_monotonic() + GUARD, &err), "QEMU ended");
}
END_TEST

START_TEST(test_an_answer)
{
	_cleanup_json_ json_t *answer = NULL;

	say("{\"return\": {\"status\": \"completed\"}}\r\n");
	ck_assert_int_eq(command(&answer), 0);
	ck_assert_str_eq(json_string_value(json_object_get(answer, "status")), "completed");
	ck_assert_str_eq(heard(), "{\"execute\":\"go\"}");
}
END_TEST

START_TEST(test_arguments)
{
	say(DONE);
	ck_assert_int_eq(qmp_command(&qmp, "go", json_pack("{si}", "n", 7), -1, NULL,
				     nsec_monotonic() + GUARD, &err),
			 0);
	ck_assert_str_eq(heard(), "{\"execute\":\"go\",\"arguments\":{\"n\":7}}");
}
END_TEST

START_TEST(test_a_descriptor_goes_with_it)
{
	char byte, control[CMSG_SPACE(sizeof(int))];
	struct iovec iov = {.iov_base = &byte, .iov_len = 1};
	struct msghdr m = {.msg_iov = &iov,
			   .msg_iovlen = 1,
			   .msg_control = control,
			   .msg_controllen = sizeof(control)};
	struct stat sent, got;
	int fd;

	say(DONE);
	ck_assert_int_eq(qmp_command(&qmp, "getfd", NULL, STDIN_FILENO, NULL,
				     nsec_monotonic() + GUARD, &err),
			 0);
	ck_assert_int_eq(recvmsg(qemu, &m, MSG_CMSG_CLOEXEC), 1);
	ck_assert_ptr_nonnull(CMSG_FIRSTHDR(&m));
	memcpy(&fd, CMSG_DATA(CMSG_FIRSTHDR(&m)), sizeof(fd));
	ck_assert_int_eq(fstat(STDIN_FILENO, &sent), 0);
	ck_assert_int_eq(fstat(fd, &got), 0);
	ck_assert(sent.st_dev == got.st_dev && sent.st_ino == got.st_ino);
	close(fd);
}
END_TEST

/* Events come when they like; none is lost, and none is taken for an answer. */
START_TEST(test_events_before_the_answer)
{
	say(EVENT("STOP") EVENT("GUEST_PANICKED") EVENT("STOP") DONE);
	ck_assert_int_eq(command(NULL), 0);
	ck_assert_int_eq(wait_event("GUEST_PANICKED"), 0);
	ck_assert_int_eq(wait_event("STOP"), 0);
	ck_assert_int_eq(wait_event("STOP"), 0);
	close(TAKE_FD(qemu));
	expect_error(wait_event("STOP"), "QEMU ended");
}
END_TEST

START_TEST(test_an_event_among_others)
{
	say(EVENT("RESUME") EVENT("GUEST_PANICKED"));
	ck_assert_int_eq(wait_event("GUEST_PANICKED"), 0);
	ck_assert_int_eq(wait_event("RESUME"), 0);
}
END_TEST

START_TEST(test_a_refusal_is_told)
{
	say("{\"error\": {\"class\": \"GenericError\", \"desc\": \"not now\"}}\r\n");
	expect_error(command(NULL), "QEMU: go: not now");
	say("{\"error\": {}}\r\n" DONE);
	expect_error(command(NULL), "QEMU: go: refused");
	/* It goes on with the next. */
	ck_assert_int_eq(command(NULL), 0);
}
END_TEST

START_TEST(test_what_is_no_json)
{
	say("Segmentation fault\r\n");
	expect_error(command(NULL), "not JSON");
}
END_TEST

START_TEST(test_the_end)
{
	say("{\"return\": ");
	close(TAKE_FD(qemu));
	/* Nobody is there to be told, so what was said before is not read. */
	expect_error(command(NULL), "talk to QEMU");
	expect_error(wait_event("STOP"), "ended unexpectedly");
}
END_TEST

/* A line that comes in pieces is one line. */
START_TEST(test_a_line_in_pieces)
{
	static const char line[] = "{\"return\": {\"n\": 1}}\r\n" EVENT("STOP");
	const size_t cut = strlen("{\"return\": {\"n\"");

	ck_assert_int_eq(io_write_all(qemu, line, cut), 0);
	/* What is there cannot be all: with its time up already, the call takes it in and gives up. */
	expect_error(qmp_wait_event(&qmp, "STOP", nsec_monotonic(), &err), "does not answer");
	say(line + cut);
	ck_assert_int_eq(wait_event("STOP"), 0);
}
END_TEST

START_TEST(test_a_line_too_long)
{
	static char line[QMP_LINE_MAX];

	memset(line, ' ', sizeof(line));
	ck_assert_int_eq(io_write_all(qemu, line, sizeof(line)), 0);
	expect_error(command(NULL), "too long");
}
END_TEST

START_TEST(test_the_deadline)
{
	expect_error(qmp_wait_event(&qmp, "STOP", nsec_monotonic(), &err), "does not answer");
	/* What has come already does not need time. */
	say(EVENT("STOP"));
	ck_assert_int_eq(qmp_wait_event(&qmp, "STOP", nsec_monotonic(), &err), 0);
}
END_TEST

START_TEST(test_nobody_wants_the_answer)
{
	int pair[2];

	ck_assert_int_eq(pipe(pair), 0);
	qmp.cancel_fd = pair[0];
	say(DONE);
	ck_assert_int_eq(command(NULL), 0);
	close(pair[1]);
	expect_error(command(NULL), "cancelled");
	close(pair[0]);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("qmp");

	tcase_add_checked_fixture(tests, setup, teardown);
	tcase_add_test(tests, test_the_greeting);
	tcase_add_test(tests, test_no_greeting);
	tcase_add_test(tests, test_an_answer);
	tcase_add_test(tests, test_arguments);
	tcase_add_test(tests, test_a_descriptor_goes_with_it);
	tcase_add_test(tests, test_events_before_the_answer);
	tcase_add_test(tests, test_an_event_among_others);
	tcase_add_test(tests, test_a_refusal_is_told);
	tcase_add_test(tests, test_what_is_no_json);
	tcase_add_test(tests, test_the_end);
	tcase_add_test(tests, test_a_line_in_pieces);
	tcase_add_test(tests, test_a_line_too_long);
	tcase_add_test(tests, test_the_deadline);
	tcase_add_test(tests, test_nobody_wants_the_answer);
	return run_tests("qmp", tests);
}
