/* SPDX-License-Identifier: MIT */
/* Batches of requests against the real kernel, of any length, and what it refuses of them. */
#include "harness/base/nlbatch.h"

#include <arpa/inet.h>
#include <check.h>
#include <ifaddrs.h>
#include <linux/if_addr.h>
#include <linux/rtnetlink.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/base/rtnl.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

/* Of some 40 bytes each: several times what a socket of libnl's can send at once. */
#define ADDRESSES 6000

static struct arena arena;
static struct nl_sock *sk;

static void teardown(void)
{
	nl_socket_free(sk);
	arena_free(&arena);
}

static bool have_namespaces(void)
{
	if (!fresh_namespaces()) {
		skip("user namespaces are not allowed here");
		return false;
	}
	struct err err;
	sk = rtnl_open(&err);
	ck_assert_msg(sk != NULL, "%s", err.msg);
	return true;
}

/* 127.1.0.0 and so on, for the loopback interface. */
static struct nl_msg *address(int i)
{
	struct nl_msg *msg = nlmsg_alloc_simple(RTM_NEWADDR, NLM_F_CREATE | NLM_F_EXCL);
	struct ifaddrmsg a = {.ifa_family = AF_INET, .ifa_prefixlen = 32, .ifa_index = LO_IFINDEX};
	uint32_t local = htonl(0x7f010000u + (uint32_t)i);

	nlmsg_append(msg, &a, sizeof(a), NLMSG_ALIGNTO);
	nla_put(msg, IFA_LOCAL, sizeof(local), &local);
	return msg;
}

static int n_addresses(void)
{
	struct ifaddrs *all = NULL;
	int n = 0;

	ck_assert_int_eq(getifaddrs(&all), 0);
	for (const struct ifaddrs *i = all; i; i = i->ifa_next)
		n += i->ifa_addr && i->ifa_addr->sa_family == AF_INET;
	freeifaddrs(all);
	return n;
}

START_TEST(a_batch_of_any_length_is_carried_out)
{
	struct nlbatch b = {.arena = &arena};
	struct err err = {0};

	if (!have_namespaces())
		return;
	for (int i = 0; i < ADDRESSES; i++)
		nlbatch_add(&b, address(i), "add an address");
	ck_assert_msg(nlbatch_commit(&b, sk, &err) == 0, "%s", err.msg);
	ck_assert_int_eq(n_addresses(), ADDRESSES);
}
END_TEST

/* By what it was for, wherever in the batch it is. */
START_TEST(what_the_kernel_refuses_is_named)
{
	struct nlbatch b = {.arena = &arena};
	struct err err = {0};

	if (!have_namespaces())
		return;
	for (int i = 0; i < ADDRESSES; i++)
		nlbatch_add(&b, address(i == _i ? (_i ? 0 : 1) : i),
			    i == _i ? "add it twice" : "add an address");
	ck_assert_int_eq(nlbatch_commit(&b, sk, &err), -1);
	contains(err.msg, _i ? "add it twice" : "add an address");
	contains(err.msg, "File exists");
}
END_TEST

START_TEST(an_empty_batch_is_nothing)
{
	struct nlbatch b = {.arena = &arena};
	struct err err = {0};

	if (!have_namespaces())
		return;
	ck_assert_int_eq(nlbatch_commit(&b, sk, &err), 0);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("nlbatch");
	static const int places[] = {0, 1, ADDRESSES / 2, ADDRESSES - 1};

	tcase_add_checked_fixture(tc, NULL, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, a_batch_of_any_length_is_carried_out);
	for (size_t i = 0; i < ARRAY_SIZE(places); i++)
		tcase_add_loop_test(tc, what_the_kernel_refuses_is_named, places[i], places[i] + 1);
	tcase_add_test(tc, an_empty_batch_is_nothing);
	return run_tests("nlbatch", tc);
}
