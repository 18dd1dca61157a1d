/* SPDX-License-Identifier: MIT */
/*
 * Destroying sockets where the kernel does not, or not all: what is told, and what mends it. A socket pair
 * stands for the kernel, with what it would answer written down before; a whole run is told the same by a
 * library that is preloaded into the plain build of wirecut.
 */
#include <check.h>
#include <errno.h>
#include <limits.h>
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/sock_diag.h>
#include <stdlib.h>
#include <sys/socket.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/run/sockdiag.h"
#include "harness/tests/cli.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

#define PLAIN_BUILD "build"
#define LIBRARY     PLAIN_BUILD "/harness/tests/preload/no_destroy.so"

/* The exit code for an error of the harness or of a step (README.md). */
#define EXIT_HARNESS 3

/* -- the kernel's answers -------------------------------------------------------------------- */

static int ours, kernels;

static void setup(void)
{
	int pair[2];

	ck_assert_int_eq(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair), 0);
	ours = pair[0];
	kernels = pair[1];
}

static void teardown(void)
{
	close(ours);
	close(kernels);
}

static void answer(uint16_t type, const void *body, size_t len)
{
	struct {
		struct nlmsghdr header;
		char body[256];
	} m = {.header = {.nlmsg_len = (uint32_t)NLMSG_LENGTH(len), .nlmsg_type = type}};

	ck_assert_uint_le(len, sizeof(m.body));
	memcpy(m.body, body, len);
	ck_assert_int_eq(send(kernels, &m, m.header.nlmsg_len, 0), m.header.nlmsg_len);
}

static void answer_error(int error)
{
	const struct nlmsgerr e = {.error = -error, .msg = {.nlmsg_type = SOCK_DESTROY}};

	answer(NLMSG_ERROR, &e, sizeof(e));
}

/* A dump of each family: of the first one so many sockets in this state, of the other none. */
static void answer_dumps(int n, uint8_t state)
{
	const struct inet_diag_msg socket = {.idiag_family = AF_INET, .idiag_state = state};
	const int done = 0;

	for (int i = 0; i < n; i++)
		answer(SOCK_DIAG_BY_FAMILY, &socket, sizeof(socket));
	answer(NLMSG_DONE, &done, sizeof(done));
	answer(NLMSG_DONE, &done, sizeof(done));
}

static const struct {
	uint8_t state;
	int error;
	const char *part, *mend;
} refusals[] = {
	{STATE_ESTABLISHED, EOPNOTSUPP, "built without CONFIG_INET_DIAG_DESTROY",
	 "run one that has it"},
	{STATE_TIME_WAIT, EOPNOTSUPP, "a socket in TIME_WAIT: this kernel does not",
	 "run one from 5.19 on"},
	{STATE_LISTEN, EPERM, "destroy a socket in LISTEN", "Operation not permitted"},
};

START_TEST(a_kernel_that_does_not_is_told)
{
	struct err err = {0};
	uint64_t n = 0;

	answer_dumps(2, refusals[_i].state);
	answer_error(0);
	answer_error(refusals[_i].error);
	ck_assert_int_eq(sockdiag_destroy_every(ours, &n, &err), -1);
	contains(err.msg, refusals[_i].part);
	contains(err.msg, refusals[_i].mend);
	ck_assert_uint_eq(n, 1);
}
END_TEST

/* One that has gone by itself is not counted, and is no failure. */
START_TEST(they_are_counted_until_none_is_left)
{
	struct err err = {0};
	uint64_t n = 0;

	answer_dumps(3, STATE_ESTABLISHED);
	answer_error(0);
	answer_error(ENOENT);
	answer_error(0);
	answer_dumps(1, STATE_FIN_WAIT_1);
	answer_error(0);
	answer_dumps(0, 0);
	ck_assert_msg(sockdiag_destroy_every(ours, &n, &err) == 0, "%s", err.msg);
	ck_assert_uint_eq(n, 3);
}
END_TEST

START_TEST(those_that_come_again_and_again_are_told)
{
	struct err err = {0};
	uint64_t n = 0;

	for (int round = 0; round < 4; round++) {
		answer_dumps(1, STATE_ESTABLISHED);
		answer_error(0);
	}
	ck_assert_int_eq(sockdiag_destroy_every(ours, &n, &err), -1);
	contains(err.msg, "1 were there again each time");
}
END_TEST

/* The last words of a sandbox: it does what it can, and asks for nothing in return. */
START_TEST(the_rest_is_destroyed_behind_one_that_is_not)
{
	struct {
		struct nlmsghdr header;
		struct inet_diag_req_v2 body;
	} request;
	int destroyed = 0;

	answer_dumps(3, STATE_ESTABLISHED);
	answer_error(EOPNOTSUPP);
	answer_error(EOPNOTSUPP);
	answer_error(0);
	sockdiag_destroy_all(ours);
	while (recv(kernels, &request, sizeof(request), MSG_DONTWAIT) > 0)
		destroyed += request.header.nlmsg_type == SOCK_DESTROY;
	ck_assert_int_eq(destroyed, 3);
}
END_TEST

/* -- a whole run ------------------------------------------------------------------------------ */

START_TEST(a_power_off_is_an_error_with_the_mend)
{
	char library[PATH_MAX];
	struct cli c;

	if (access(PLAIN_BUILD "/bin/wirecut", X_OK) < 0 || !realpath(LIBRARY, library)) {
		skip("the plain build is not there: make failing-calls");
		return;
	}
	ck_assert_int_eq(setenv("BUILD", PLAIN_BUILD, 1), 0);
	cli_start(&c);
	cli_write_pair(&c, "a.yaml", "  - {at: 500ms, power-off: server}\nduration: 1s",
		       "  - connects: {app: client}");
	ck_assert_int_eq(setenv("LD_PRELOAD", library, 1), 0);
	struct cli_result r = CLI(&c, "run", "a.yaml");
	unsetenv("LD_PRELOAD");
	ck_assert_msg(r.code == EXIT_HARNESS, "exit code %d\n%s%s", r.code, r.out, r.err);
	contains(r.out, "power-off server: destroy a socket: this kernel was built without "
			"CONFIG_INET_DIAG_DESTROY: run one that has it");
	r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 0, "exit code %d\n%s%s", r.code, r.out, r.err);
	cli_finish(&c);
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("no destroy");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 60);
	tcase_add_loop_test(t, a_kernel_that_does_not_is_told, 0, (int)ARRAY_SIZE(refusals));
	tcase_add_test(t, they_are_counted_until_none_is_left);
	tcase_add_test(t, those_that_come_again_and_again_are_told);
	tcase_add_test(t, the_rest_is_destroyed_behind_one_that_is_not);
	tcase_add_test(t, a_power_off_is_an_error_with_the_mend);
	return run_tests("no destroy", t);
}
