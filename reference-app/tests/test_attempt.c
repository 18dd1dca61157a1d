/* SPDX-License-Identifier: MIT */
#include <arpa/inet.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "reference-app/attempt.h"
#include "reference-app/tests/support.h"

#define REFUSED_PORT   8001
#define LISTENING_PORT 8002
#define SILENT_PORT    8003

static struct target target;
static struct attempt attempt;
static struct why why;

static void add_address(uint16_t port)
{
	const struct sockaddr_in in = {
		.sin_family = AF_INET,
		.sin_port = htons(port),
		.sin_addr.s_addr = htonl(INADDR_LOOPBACK),
	};
	struct address *address = &target.addresses.list[target.addresses.len++];

	memcpy(&address->storage, &in, sizeof(in));
	address->len = sizeof(in);
}

static void setup(void)
{
	netns_setup();
	target = (struct target){.name = {"test", "1"}};
	attempt_init(&attempt, &target);
}

/* A listener that answers no SYN any more: its accept queue is full. */
static void listen_silently(uint16_t port)
{
	int fd = raw_listen(port);

	ck_assert_int_eq(listen(fd, 0), 0);
	raw_connect(port);
}

static enum attempt_status run(void)
{
	enum attempt_status status = attempt_begin(&attempt, &why);

	while (status == ATTEMPT_WAITING) {
		struct pollfd pfd = {.fd = attempt.fd, .events = POLLOUT};

		ck_assert_int_eq(poll(&pfd, 1, (int)(WAIT_DEADLINE / NSEC_PER_MSEC)), 1);
		status = attempt_go_on(&attempt, &why);
	}
	return status;
}

static void expect_address(const char *expected)
{
	char text[ADDRESS_TEXT_MAX];

	ck_assert_str_eq(attempt_address(&attempt, text), expected);
}

START_TEST(a_refusing_address_leads_to_the_next)
{
	raw_listen(LISTENING_PORT);
	add_address(REFUSED_PORT);
	add_address(LISTENING_PORT);
	ck_assert_int_eq(run(), ATTEMPT_CONNECTED);
	expect_address("127.0.0.1:8002");
	/* And the good one is remembered: the next attempt begins with it. */
	close(attempt.fd);
	attempt_begin(&attempt, &why);
	expect_address("127.0.0.1:8002");
}
END_TEST

START_TEST(it_fails_when_all_have_refused)
{
	add_address(REFUSED_PORT);
	add_address(REFUSED_PORT + 1000);
	ck_assert_int_eq(run(), ATTEMPT_FAILED);
	ck_assert_int_eq(attempt.fd, -1);
	ck_assert_str_eq(why.text, "connect 127.0.0.1:9001: Connection refused");
	/* The next attempt begins where this one did. */
	expect_address("127.0.0.1:8001");
}
END_TEST

START_TEST(a_silent_address_is_passed_over_by_the_next_attempt)
{
	listen_silently(SILENT_PORT);
	raw_listen(LISTENING_PORT);
	add_address(SILENT_PORT);
	add_address(LISTENING_PORT);
	ck_assert_int_eq(attempt_begin(&attempt, &why), ATTEMPT_WAITING);
	attempt_give_up(&attempt, &why);
	ck_assert_int_eq(attempt.fd, -1);
	ck_assert_ptr_nonnull(strstr(why.text, "127.0.0.1:8003"));
	ck_assert_int_eq(run(), ATTEMPT_CONNECTED);
	expect_address("127.0.0.1:8002");
}
END_TEST

int main(void)
{
	Suite *suite = suite_create("attempt");
	TCase *tc = tcase_create("attempt");

	tcase_set_timeout(tc, TEST_TIMEOUT_S);
	tcase_add_checked_fixture(tc, setup, NULL);
	tcase_add_test(tc, a_refusing_address_leads_to_the_next);
	tcase_add_test(tc, it_fails_when_all_have_refused);
	tcase_add_test(tc, a_silent_address_is_passed_over_by_the_next_attempt);
	suite_add_tcase(suite, tc);
	return suite_run_in_netns(suite);
}
