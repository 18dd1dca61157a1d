/* SPDX-License-Identifier: MIT */
/*
 * A thousand connections at once, while the forwarder does not run: what they send must find a place in
 * its ring. With a ring that is too small some does not, and is counted: so the test can fail.
 */
#include <arpa/inet.h>
#include <check.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <unistd.h>

#include "faults/tests/testforwarder.h"
#include "faults/tests/testplan.h"
#include "faults/wire/ring.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

#define CONNECTIONS 1000
#define STALL_MS    10
#define STORM_PORT  9000
#define GUARD_MS    20000
/* Both ends of each, and what the test has beside them. */
#define DESCRIPTORS (2 * CONNECTIONS + 64)

static struct testnet net;
static struct testforwarder forwarder;
static struct arena arena;
static bool have_net;
static int clients[CONNECTIONS], servers[CONNECTIONS];

static void setup(void)
{
	struct rlimit limit;
	struct err err;

	have_net = !testnet_up(&net, &err);
	if (!have_net && !testnet_skip(&err))
		ck_abort_msg("no network namespaces: %s", err.msg);
	ck_assert_int_eq(getrlimit(RLIMIT_NOFILE, &limit), 0);
	if (limit.rlim_cur < DESCRIPTORS)
		limit.rlim_cur = DESCRIPTORS;
	ck_assert_msg(setrlimit(RLIMIT_NOFILE, &limit) == 0, "%d descriptors: %s", DESCRIPTORS,
		      strerror(errno));
}

static void teardown(void)
{
	testnet_down(&net);
	arena_free(&arena);
}

static void forwarder_up(unsigned n_ring_slots)
{
	testforwarder_init(&forwarder, &net, testplan_new(&arena, TESTNET_HOSTS, 1));
	forwarder.config.n_ring_slots = n_ring_slots;
	testforwarder_up(&forwarder);
	testforwarder_start(&forwarder);
}

static uint64_t lost_until_the_end(void)
{
	struct err err;
	uint64_t lost = 0;
	size_t n;

	testforwarder_end(&forwarder, &err);
	ck_assert_str_eq(err.msg, "");
	_cleanup_free_ struct observation *o = testforwarder_observations(&forwarder, &n);
	for (size_t i = 0; i < n; i++)
		if (o[i].source == OBS_LAG && o[i].event == EV_RING_DROP)
			lost += o[i].lag.count;
	testforwarder_free(&forwarder);
	return lost;
}

static struct sockaddr_in server_address(void)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons(STORM_PORT)};

	inet_pton(AF_INET, "10.0.0.2", &a.sin_addr);
	return a;
}

static int listen_on_server(void)
{
	struct sockaddr_in a = server_address();

	testnet_enter(net.host_ns[1]);
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	ck_assert_int_eq(bind(fd, (struct sockaddr *)&a, sizeof(a)), 0);
	ck_assert_int_eq(listen(fd, CONNECTIONS), 0);
	testnet_enter(net.cable_ns);
	return fd;
}

static void make_clients(void)
{
	testnet_enter(net.host_ns[0]);
	for (int i = 0; i < CONNECTIONS; i++) {
		clients[i] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
		ck_assert_int_ge(clients[i], 0);
	}
	testnet_enter(net.cable_ns);
}

static void connect_one(int i)
{
	struct sockaddr_in a = server_address();

	ck_assert_int_eq(connect(clients[i], (struct sockaddr *)&a, sizeof(a)), -1);
	ck_assert_int_eq(errno, EINPROGRESS);
}

static void say_something(int i)
{
	ck_assert_int_eq(write(clients[i], "x", 1), 1);
}

static void answer(int i)
{
	ck_assert_int_eq(write(servers[i], "y", 1), 1);
}

/* All of them do it while the forwarder stands still, for a while longer than that takes. */
static void during_a_stall(void (*do_one)(int i))
{
	ck_assert_int_eq(kill(forwarder.pid, SIGSTOP), 0);
	for (int i = 0; i < CONNECTIONS; i++)
		do_one(i);
	poll(NULL, 0, STALL_MS);
	ck_assert_int_eq(kill(forwarder.pid, SIGCONT), 0);
}

static void wait_for(int fd, short events)
{
	struct pollfd p = {.fd = fd, .events = events};

	ck_assert_int_eq(poll(&p, 1, GUARD_MS), 1);
	ck_assert_int_eq(p.revents & events, events);
}

static void expect_connected(int listener)
{
	for (int i = 0; i < CONNECTIONS; i++) {
		int error = 0;
		socklen_t len = sizeof(error);

		wait_for(clients[i], POLLOUT);
		ck_assert_int_eq(getsockopt(clients[i], SOL_SOCKET, SO_ERROR, &error, &len), 0);
		ck_assert_int_eq(error, 0);
		servers[i] = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
		ck_assert_int_ge(servers[i], 0);
	}
}

static void expect_bytes(const int *fds)
{
	char byte;

	for (int i = 0; i < CONNECTIONS; i++) {
		wait_for(fds[i], POLLIN);
		ck_assert_int_eq(read(fds[i], &byte, 1), 1);
	}
}

START_TEST(nothing_is_lost_in_a_storm)
{
	if (!have_net)
		return;
	forwarder_up(0);
	_cleanup_close_ int listener = listen_on_server();
	make_clients();
	during_a_stall(connect_one);
	expect_connected(listener);
	during_a_stall(say_something);
	expect_bytes(servers);
	during_a_stall(answer);
	expect_bytes(clients);
	ck_assert_uint_eq(lost_until_the_end(), 0);
	for (int i = 0; i < CONNECTIONS; i++) {
		close(clients[i]);
		close(servers[i]);
	}
}
END_TEST

/* All but as many as it has slots; one of them always stays free (slots.c). */
START_TEST(what_a_small_ring_loses_is_counted)
{
	const unsigned slots = 4 * RING_SLOTS_MIN;

	if (!have_net)
		return;
	forwarder_up(slots);
	int listener = listen_on_server();
	make_clients();
	during_a_stall(connect_one);
	ck_assert_uint_ge(lost_until_the_end(), CONNECTIONS - slots);
	for (int i = 0; i < CONNECTIONS; i++)
		close(clients[i]);
	close(listener);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("a storm");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, nothing_is_lost_in_a_storm);
	tcase_add_test(tc, what_a_small_ring_loses_is_counted);
	return run_tests("storm", tc);
}
