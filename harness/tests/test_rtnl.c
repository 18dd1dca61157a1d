/* SPDX-License-Identifier: MIT */
/* The opener of route sockets: what it opens, and what it says when there is no descriptor left. */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/netlink.h>
#include <string.h>
#include <sys/resource.h>

#include "harness/base/cleanup.h"
#include "harness/base/rtnl.h"
#include "harness/tests/suite.h"

START_TEST(it_is_a_route_socket)
{
	struct err err = {0};
	_cleanup_nl_ struct nl_sock *sk = rtnl_open(&err);
	int protocol = -1;
	socklen_t len = sizeof(protocol);

	ck_assert_msg(sk != NULL, "%s", err.msg);
	ck_assert_int_eq(getsockopt(nl_socket_get_fd(sk), SOL_SOCKET, SO_PROTOCOL, &protocol, &len),
			 0);
	ck_assert_int_eq(protocol, NETLINK_ROUTE);
}
END_TEST

/* libnl's own word for it is "Unspecific failure". */
START_TEST(a_want_of_descriptors_is_told)
{
	const int next = open("/dev/null", O_RDONLY | O_CLOEXEC);
	struct rlimit before, none;
	struct err err = {0};

	ck_assert_int_ge(next, 0);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &before), 0);
	none = (struct rlimit){.rlim_cur = (rlim_t)next, .rlim_max = before.rlim_max};
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &none), 0);
	errno = 0;
	struct nl_sock *sk = rtnl_open(&err);
	int error = errno;
	ck_assert_int_eq(setrlimit(RLIMIT_NOFILE, &before), 0);
	close(next);
	ck_assert_ptr_null(sk);
	ck_assert_int_eq(error, EMFILE);
	contains(err.msg, "open a netlink socket: Too many open files");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("rtnl");

	tcase_add_test(t, it_is_a_route_socket);
	tcase_add_test(t, a_want_of_descriptors_is_told);
	return run_tests("rtnl", t);
}
