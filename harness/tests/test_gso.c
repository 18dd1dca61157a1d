/* SPDX-License-Identifier: MIT */
/*
 * gso: on, on real hosts: a transfer over TCP whose segments are cut by nobody arrives as it was sent,
 * with no fault and with those that can be used with it; and fewer frames than it has segments
 * cross the cables, which says that they were whole. Each over IPv4 and over IPv6.
 */
#include <arpa/inet.h>
#include <check.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/tests/testplan.h"
#include "harness/base/cleanup.h"
#include "harness/tests/benchnet.h"
#include "harness/tests/netns.h"
#include "harness/tests/suite.h"

#define GSO_PORT       9000
#define TRANSFER_BYTES (48u << 20)
#define BLOCK_BYTES    (64u << 10)
/* Of a frame with the MTU of 1500: what its headers leave at most. */
#define SEGMENT_BYTES 1460
#define GUARD_MS      30000

static const int families[] = {AF_INET, AF_INET6};

/* What the transfer has at this place: no two blocks are alike. */
static uint8_t pattern(size_t at)
{
	return (uint8_t)(at ^ at >> 8 ^ at >> 16 ^ at >> 24);
}

static socklen_t address_of(const struct plan_host *h, int family, struct sockaddr_storage *ret)
{
	struct sockaddr_in *a4 = (void *)ret;
	struct sockaddr_in6 *a6 = (void *)ret;

	*ret = (struct sockaddr_storage){.ss_family = (sa_family_t)family};
	if (family == AF_INET) {
		a4->sin_port = htons(GSO_PORT);
		inet_pton(family, h->ip4, &a4->sin_addr);
		return sizeof(*a4);
	}
	a6->sin6_port = htons(GSO_PORT);
	inet_pton(family, h->ip6, &a6->sin6_addr);
	return sizeof(*a6);
}

struct opening {
	int family;
	int fd;
};

static int open_socket(const struct host *h, void *arg, struct err *err)
{
	struct opening *o = arg;

	o->fd = socket(o->family, SOCK_STREAM | SOCK_CLOEXEC, 0);
	return o->fd < 0 ? err_errno(err, "socket on %s", h->plan->name) : 0;
}

static int socket_on(const struct host *h, int family)
{
	struct opening o = {.family = family};
	struct err err = {0};

	ck_assert_msg(host_visit(h, open_socket, &o, &err) == 0, "%s", err.msg);
	return o.fd;
}

static void __attribute__((noreturn)) send_pattern(int fd)
{
	static uint8_t block[BLOCK_BYTES];
	size_t sent = 0;

	while (sent < TRANSFER_BYTES) {
		for (size_t i = 0; i < sizeof(block); i++)
			block[i] = pattern(sent + i);
		for (size_t done = 0; done < sizeof(block);) {
			ssize_t n = write(fd, block + done, sizeof(block) - done);

			if (n <= 0)
				_exit(1);
			done += (size_t)n;
		}
		sent += sizeof(block);
	}
	_exit(0);
}

/* All of it, in order, and then its end. */
static void receive_pattern(int fd)
{
	static uint8_t block[BLOCK_BYTES];
	struct pollfd p = {.fd = fd, .events = POLLIN};
	size_t received = 0;

	for (;;) {
		ck_assert_msg(poll(&p, 1, GUARD_MS) == 1, "it hangs after %zu bytes", received);
		ssize_t n = read(fd, block, sizeof(block));
		ck_assert_int_ge(n, 0);
		if (!n)
			break;
		for (ssize_t i = 0; i < n; i++, received++)
			if (block[i] != pattern(received))
				ck_abort_msg("byte %zu is another", received);
	}
	ck_assert_uint_eq(received, TRANSFER_BYTES);
}

static void transfer(struct benchnet *b, int family)
{
	struct sockaddr_storage to;
	socklen_t len = address_of(b->hosts[1].plan, family, &to);
	_cleanup_close_ int listener = socket_on(&b->hosts[1], family);
	_cleanup_close_ int client = socket_on(&b->hosts[0], family);
	int status;

	ck_assert_int_eq(bind(listener, (struct sockaddr *)&to, len), 0);
	ck_assert_int_eq(listen(listener, 1), 0);
	ck_assert_int_eq(connect(client, (struct sockaddr *)&to, len), 0);
	_cleanup_close_ int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	ck_assert_int_ge(server, 0);
	pid_t pid = fork();
	if (pid == 0) {
		prctl(PR_SET_PDEATHSIG, SIGKILL);
		send_pattern(client);
	}
	close(TAKE_FD(client));
	receive_pattern(server);
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
}

static bool begin(struct benchnet *b, enum gso gso)
{
	if (!benchnet_begin(b, 2)) {
		skip("user namespaces are not allowed here");
		return false;
	}
	b->plan->gso = gso;
	return true;
}

static struct plan_step *add_fault(struct benchnet *b, const char *kind, nsec_t on, nsec_t off)
{
	return testplan_fault(b->plan, &b->arena, NULL, kind, 1, on, off);
}

static struct receipt receipt_of(const struct observations *obs, int step)
{
	struct receipt did = {0};

	vec_foreach (o, &obs->list)
		if (o->source == OBS_FAULT && o->event == EV_RECEIPT && o->fault.step == step)
			did = o->fault.did;
	return did;
}

static size_t count(const struct observations *obs, enum obs_event event)
{
	size_t n = 0;

	vec_foreach (o, &obs->list)
		n += o->event == event;
	return n;
}

/* Few enough that they cannot have been one segment each. */
static void expect_whole_frames(const struct benchnet *b)
{
	ck_assert_uint_lt(benchnet_cable_frames(b), TRANSFER_BYTES / SEGMENT_BYTES / 2);
}

START_TEST(a_transfer_arrives_whole)
{
	struct benchnet b;

	if (!begin(&b, GSO_ON))
		return;
	benchnet_up(&b);
	transfer(&b, families[_i]);
	expect_whole_frames(&b);
	struct observations obs = benchnet_down(&b);
	ck_assert_uint_eq(benchnet_lost(&obs), 0);
	benchnet_free(&b);
}
END_TEST

START_TEST(without_it_each_segment_is_a_packet)
{
	struct benchnet b;

	if (!begin(&b, GSO_OFF))
		return;
	benchnet_up(&b);
	transfer(&b, families[_i]);
	ck_assert_uint_ge(benchnet_cable_frames(&b), TRANSFER_BYTES / SEGMENT_BYTES);
	benchnet_down(&b);
	benchnet_free(&b);
}
END_TEST

/* The frame is copied and released, with what is left to do on it. */
START_TEST(with_a_delay)
{
	struct benchnet b;

	if (!begin(&b, GSO_ON))
		return;
	add_fault(&b, "delay", 0, NSEC_NEVER)->fault.mean = MSEC(5);
	benchnet_up(&b);
	transfer(&b, families[_i]);
	expect_whole_frames(&b);
	struct observations obs = benchnet_down(&b);
	ck_assert_uint_gt(receipt_of(&obs, 0).delayed, 0);
	benchnet_free(&b);
}
END_TEST

/* What is sent again is cut otherwise than it was the first time, and is known all the same. */
START_TEST(with_losses)
{
	struct benchnet b;

	if (!begin(&b, GSO_ON))
		return;
	struct plan_step *loss = add_fault(&b, "loss", 0, NSEC_NEVER);
	loss->fault.rate = 0.01;
	testplan_match_kind(loss, &b.arena, "data");
	benchnet_up(&b);
	transfer(&b, families[_i]);
	expect_whole_frames(&b);
	struct observations obs = benchnet_down(&b);
	ck_assert_uint_gt(receipt_of(&obs, 0).dropped, 0);
	ck_assert_uint_gt(count(&obs, EV_RETRANSMIT), 0);
	benchnet_free(&b);
}
END_TEST

/* A line so slow that it must be in the midst of the transfer when the silence comes. */
START_TEST(with_a_blackhole_in_the_midst)
{
	struct benchnet b;

	if (!begin(&b, GSO_ON))
		return;
	struct fault_spec *rate = &add_fault(&b, "rate", 0, NSEC_NEVER)->fault;
	rate->bits_per_s = 800000000;
	rate->limit.time = NSEC_PER_SEC;
	add_fault(&b, "blackhole", MSEC(100), MSEC(300));
	benchnet_up(&b);
	transfer(&b, families[_i]);
	struct observations obs = benchnet_down(&b);
	ck_assert_uint_gt(receipt_of(&obs, 1).dropped, 0);
	ck_assert_uint_gt(count(&obs, EV_RETRANSMIT), 0);
	benchnet_free(&b);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("gso");
	int n = (int)ARRAY_SIZE(families);

	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, a_transfer_arrives_whole, 0, n);
	tcase_add_loop_test(tc, without_it_each_segment_is_a_packet, 0, n);
	tcase_add_loop_test(tc, with_a_delay, 0, n);
	tcase_add_loop_test(tc, with_losses, 0, n);
	tcase_add_loop_test(tc, with_a_blackhole_in_the_midst, 0, n);
	return run_tests("gso", tc);
}
