/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <errno.h>
#include <fcntl.h>
#include <netinet/tcp.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>

#include "faults/tests/testforwarder.h"
#include "faults/tests/testplan.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/*
 * The forwarder between two real hosts: network namespaces, veth, the kernel's TCP. Each test runs
 * over IPv4 and over IPv6. Waits end with what they wait for; the deadline is only a guard.
 */

#define GUARD_MS 20000

static const int families[] = {AF_INET, AF_INET6};

static struct testnet net;
static struct testforwarder forwarder;
static struct arena arena;
static struct plan *plan;
static bool have_net;

static void setup(void)
{
	struct err err;

	have_net = !testnet_up(&net, &err);
	if (!have_net && !testnet_skip(&err))
		ck_abort_msg("no network namespaces: %s", err.msg);
	plan = testplan_new(&arena, TESTNET_HOSTS, 1);
}

static void teardown(void)
{
	testnet_down(&net);
	arena_free(&arena);
}

static void close_connection(struct testconnection *c)
{
	close(c->client);
	close(c->server);
}

static void send_byte(int from, int to)
{
	char byte = 'x';
	struct pollfd p = {.fd = to, .events = POLLIN};

	ck_assert_int_eq(write(from, &byte, 1), 1);
	ck_assert_int_eq(poll(&p, 1, GUARD_MS), 1);
	ck_assert_int_eq(read(to, &byte, 1), 1);
}

/* The error that ends a connection's end, 0 for an orderly close. */
static int wait_for_end(int fd)
{
	struct pollfd p = {.fd = fd, .events = POLLIN};
	char byte;

	ck_assert_int_eq(poll(&p, 1, GUARD_MS), 1);
	return read(fd, &byte, 1) < 0 ? errno : 0;
}

static void forwarder_up(void)
{
	testforwarder_init(&forwarder, &net, plan);
	testforwarder_up(&forwarder);
}

/* Ends the forwarder and gives its receipt of the plan's first fault. */
static struct receipt end_with_receipt(void)
{
	struct err err;
	struct receipt receipt = {0};
	int step = -1;
	size_t n;

	testforwarder_end(&forwarder, &err);
	ck_assert_str_eq(err.msg, "");
	_cleanup_free_ struct observation *o = testforwarder_observations(&forwarder, &n);
	for (size_t i = 0; i < n; i++)
		if (o[i].source == OBS_FAULT && o[i].event == EV_RECEIPT && !o[i].fault.step) {
			receipt = o[i].fault.did;
			step = o[i].fault.step;
		}
	ck_assert_int_eq(step, 0);
	testforwarder_free(&forwarder);
	return receipt;
}

START_TEST(delay_lengthens_the_round_trip)
{
	if (!have_net)
		return;
	testplan_fault(plan, &arena, "slow", "delay", 0, 0, NSEC_NEVER)->fault.mean = MSEC(50);
	forwarder_up();
	testforwarder_start(&forwarder);
	struct testconnection c = testnet_connect(&net, families[_i]);

	nsec_t before = nsec_monotonic();
	send_byte(c.client, c.server);
	nsec_t middle = nsec_monotonic();
	send_byte(c.server, c.client);
	nsec_t after = nsec_monotonic();

	ck_assert_int_ge(middle - before, MSEC(50));
	ck_assert_int_ge(after - middle, MSEC(50));
	close_connection(&c);
	struct receipt receipt = end_with_receipt();
	ck_assert_uint_ge(receipt.matched, 5); /* a handshake and two bytes */
	ck_assert_uint_eq(receipt.delayed, receipt.matched);
}
END_TEST

static uint32_t retransmissions(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_total_retrans;
}

START_TEST(blackhole_swallows_until_it_is_lifted)
{
	const nsec_t off = MSEC(1000);

	if (!have_net)
		return;
	testplan_fault(plan, &arena, "cut", "blackhole", 1, 0, off);
	forwarder_up();
	struct testconnection c = testnet_connect(&net, families[_i]);
	send_byte(c.client, c.server);

	testforwarder_start(&forwarder);
	send_byte(c.client, c.server);
	ck_assert_int_ge(nsec_monotonic() - forwarder.t0, off);
	ck_assert_uint_ge(retransmissions(c.client), 1);
	close_connection(&c);
	struct receipt receipt = end_with_receipt();
	ck_assert_uint_ge(receipt.dropped, 2);
	ck_assert_uint_eq(receipt.dropped, receipt.matched);
}
END_TEST

/* Tcp's InCsumErrors of a host: the last number of the second of the lines that begin with Tcp. */
static unsigned long checksum_errors(int host)
{
	_cleanup_free_ char *line = NULL;
	size_t size = 0;
	unsigned long errors = 0;
	bool is_header = true;

	testnet_enter(net.host_ns[host]);
	_cleanup_fclose_ FILE *f = fopen("/proc/thread-self/net/snmp", "re");
	testnet_enter(net.cable_ns);
	ck_assert_ptr_nonnull(f);
	while (getline(&line, &size, f) > 0) {
		if (strncmp(line, "Tcp:", 4) != 0)
			continue;
		if (is_header)
			ck_assert_str_eq(strrchr(line, ' '), " InCsumErrors\n");
		else
			errors = strtoul(strrchr(line, ' '), NULL, 10);
		is_header = false;
	}
	return errors;
}

START_TEST(a_corrupted_segment_is_counted_and_sent_again)
{
	const nsec_t off = MSEC(1000);

	if (!have_net)
		return;
	struct plan_step *s = testplan_fault(plan, &arena, NULL, "corrupt", 1, 0, off);
	s->fault.rate = 1;
	s->fault.direction = DIRECTION_TO_HOST;
	forwarder_up();
	struct testconnection c = testnet_connect(&net, families[_i]);
	send_byte(c.client, c.server);
	ck_assert_uint_eq(checksum_errors(1), 0);

	testforwarder_start(&forwarder);
	send_byte(c.client, c.server);
	ck_assert_int_ge(nsec_monotonic() - forwarder.t0, off);
	ck_assert_uint_ge(retransmissions(c.client), 1);
	unsigned long counted = checksum_errors(1);
	close_connection(&c);
	struct receipt receipt = end_with_receipt();
	ck_assert_uint_ge(receipt.corrupted, 2);
	ck_assert_uint_eq(receipt.corrupted, receipt.matched);
	ck_assert_uint_ge(counted, 2);
	ck_assert_uint_le(counted, receipt.corrupted);
}
END_TEST

START_TEST(forged_reset_ends_both_ends)
{
	if (!have_net)
		return;
	testplan_fault(plan, &arena, NULL, "rst", 0, 0, 0);
	forwarder_up();
	struct testconnection c = testnet_connect(&net, families[_i]);
	send_byte(c.client, c.server);
	send_byte(c.server, c.client);

	testforwarder_start(&forwarder);
	ck_assert_int_eq(wait_for_end(c.client), ECONNRESET);
	ck_assert_int_eq(wait_for_end(c.server), ECONNRESET);
	close_connection(&c);
	struct receipt receipt = end_with_receipt();
	ck_assert_uint_eq(receipt.matched, 1);
	ck_assert_uint_eq(receipt.injected, 2);
}
END_TEST

/* More than fits into the segments under way at once; the sender's kernel sends it in the back. */
#define LARGE ((size_t)100000)

static void send_large(int from, int to)
{
	static char bytes[LARGE];
	size_t got = 0;

	for (size_t sent = 0; got < LARGE;) {
		struct pollfd p[] = {
			{.fd = from, .events = (short)(sent < LARGE ? POLLOUT : 0)},
			{.fd = to, .events = POLLIN},
		};

		ck_assert_int_ge(poll(p, ARRAY_SIZE(p), GUARD_MS), 1);
		if (p[0].revents & POLLOUT) {
			ssize_t n = send(from, bytes, LARGE - sent, MSG_DONTWAIT);

			ck_assert_int_gt(n, 0);
			sent += (size_t)n;
		}
		if (p[1].revents & POLLIN) {
			ssize_t n = recv(to, bytes, sizeof(bytes), MSG_DONTWAIT);

			ck_assert_int_gt(n, 0);
			got += (size_t)n;
		}
	}
}

/* What the kernel of the sender knows of the way: the largest segment that it sends now. */
static uint32_t segment_size(int fd)
{
	struct tcp_info info = {0};
	socklen_t len = sizeof(info);

	getsockopt(fd, IPPROTO_TCP, TCP_INFO, &info, &len);
	return info.tcpi_snd_mss;
}

START_TEST(a_smaller_mtu_that_is_answered_shrinks_segments)
{
	const int size = 1400;

	if (!have_net)
		return;
	struct plan_step *s = testplan_fault(plan, &arena, NULL, "mtu", 1, 0, NSEC_NEVER);
	s->fault.mtu_size = size;
	s->fault.mtu_answer = true;
	forwarder_up();
	struct testconnection c = testnet_connect(&net, families[_i]);
	ck_assert_uint_gt(segment_size(c.client), 1400);

	testforwarder_start(&forwarder);
	send_large(c.client, c.server);
	ck_assert_uint_lt(segment_size(c.client), 1400);
	close_connection(&c);
	struct receipt receipt = end_with_receipt();
	ck_assert_uint_ge(receipt.dropped, 1);
	ck_assert_uint_ge(receipt.injected, 1);
}
END_TEST

START_TEST(a_rejected_connection_is_reset)
{
	if (!have_net)
		return;
	testplan_fault(plan, &arena, NULL, "reject", 1, 0, NSEC_NEVER)->fault.direction =
		DIRECTION_TO_HOST;
	forwarder_up();
	struct testconnection c = testnet_connect(&net, families[_i]);
	testforwarder_start(&forwarder);

	ck_assert_int_eq(write(c.client, "x", 1), 1);
	ck_assert_int_eq(wait_for_end(c.client), ECONNRESET);
	close_connection(&c);
	struct receipt receipt = end_with_receipt();
	ck_assert_uint_ge(receipt.injected, 1);
}
END_TEST

/* Waits until the carrier of host 0 is there, or gone, as its own kernel says. */
static void wait_for_carrier(bool there)
{
	nsec_t deadline = nsec_monotonic() + (nsec_t)GUARD_MS * NSEC_PER_MSEC;

	while (testnet_carrier(&net, 0) != there) {
		ck_assert_msg(nsec_monotonic() < deadline, "the carrier is not %s",
			      there ? "there" : "gone");
		poll(NULL, 0, 1);
	}
}

/* NO-CARRIER; afterwards addresses, routes and neighbours are as before, and the connection goes on. */
START_TEST(a_link_that_is_down_is_seen_and_comes_back)
{
	struct err err;
	size_t n;

	if (!have_net)
		return;
	testplan_fault(plan, &arena, NULL, "link-down", 0, MSEC(50), MSEC(500));
	forwarder_up();
	struct testconnection c = testnet_connect(&net, families[_i]);
	_cleanup_free_ char *before = testnet_settings(&net, 0);
	ck_assert(testnet_carrier(&net, 0));
	testforwarder_start(&forwarder);
	wait_for_carrier(false);
	ck_assert_int_eq(write(c.client, "x", 1), 1); /* lost, and sent again */
	wait_for_carrier(true);
	_cleanup_free_ char *after = testnet_settings(&net, 0);
	ck_assert_str_eq(after, before);
	char byte;
	ck_assert_int_eq(read(c.server, &byte, 1), 1);
	send_byte(c.server, c.client);
	close_connection(&c);

	testforwarder_end(&forwarder, &err);
	ck_assert_str_eq(err.msg, "");
	_cleanup_free_ struct observation *o = testforwarder_observations(&forwarder, &n);
	for (size_t i = 0; i < n; i++) {
		ck_assert_int_ne(o[i].event, EV_RING_DROP);
		if (o[i].event == EV_RECEIPT)
			ck_assert_uint_ge(o[i].fault.did.matched, 1);
	}
	testforwarder_free(&forwarder);
}
END_TEST

START_TEST(without_a_fault_it_is_a_cable)
{
	struct err err;
	size_t n, handshakes = 0;

	if (!have_net)
		return;
	forwarder_up();
	testforwarder_start(&forwarder);
	struct testconnection c = testnet_connect(&net, families[_i]);
	send_byte(c.client, c.server);
	ck_assert_int_eq(shutdown(c.client, SHUT_WR), 0);
	ck_assert_int_eq(wait_for_end(c.server), 0);
	close_connection(&c);

	testforwarder_end(&forwarder, &err);
	ck_assert_str_eq(err.msg, "");
	_cleanup_free_ struct observation *o = testforwarder_observations(&forwarder, &n);
	for (size_t i = 0; i < n; i++) {
		handshakes += o[i].source == OBS_PACKET && o[i].event == EV_ESTABLISHED;
		ck_assert_int_ne(o[i].event, EV_RING_DROP);
		if (o[i].source == OBS_PACKET)
			ck_assert_int_ne(o[i].packet.arrived, NSEC_NEVER);
	}
	ck_assert_uint_eq(handshakes, 1);
	ck_assert_int_ge(forwarder.config.shared->host[0].last_packet, forwarder.t0);
	testforwarder_free(&forwarder);
}
END_TEST

/* By the first packet of its host, once until it is set again; another host's is left alone. */
START_TEST(an_alarm_rings_once)
{
	struct err err;
	uint64_t times;

	if (!have_net)
		return;
	testforwarder_init(&forwarder, &net, plan);
	_cleanup_close_ int fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	forwarder.config.alarm_fd = fd;
	struct forwarder_host *hosts = forwarder.config.shared->host;
	testforwarder_up(&forwarder);
	struct testconnection c = testnet_connect(&net, families[_i]);
	ck_assert_int_eq(read(fd, &times, sizeof(times)), -1);
	for (int round = 0; round < 2; round++) {
		hosts[0].alarm = FORWARDER_ALARM_SET;
		send_byte(c.client, c.server);
		send_byte(c.server, c.client);
		ck_assert_int_eq(read(fd, &times, sizeof(times)), sizeof(times));
		ck_assert_uint_eq(times, 1);
		ck_assert_int_eq(hosts[0].alarm, FORWARDER_ALARM_RUNG);
		ck_assert_int_eq(hosts[1].alarm, FORWARDER_ALARM_OFF);
	}
	close_connection(&c);
	testforwarder_end(&forwarder, &err);
	ck_assert_str_eq(err.msg, "");
	testforwarder_free(&forwarder);
}
END_TEST

START_TEST(offloads_that_are_on_are_reported)
{
	struct err err;
	char byte = 'x';

	if (!have_net)
		return;
	ck_assert(!testnet_offloads_on(&net, 0, &err));
	forwarder_up();
	_cleanup_close_ int udp = testnet_udp(&net, 0, 9000);
	ck_assert_int_eq(write(udp, &byte, 1), 1);
	testforwarder_end(&forwarder, &err);
	ck_assert_ptr_nonnull(strstr(err.msg, "host h0"));
	ck_assert_ptr_nonnull(strstr(err.msg, "ethtool"));
	testforwarder_free(&forwarder);
}
END_TEST

START_TEST(a_full_disk_is_a_failure)
{
	struct err err;

	if (!have_net)
		return;
	testforwarder_init(&forwarder, &net, plan);
	close(forwarder.config.pcapng_fd);
	forwarder.config.pcapng_fd = open("/dev/full", O_WRONLY | O_CLOEXEC);
	testforwarder_up(&forwarder);
	testforwarder_end(&forwarder, &err);
	ck_assert_ptr_nonnull(strstr(err.msg, "packet capture"));
	ck_assert_ptr_nonnull(strstr(err.msg, strerror(ENOSPC)));
	testforwarder_free(&forwarder);
}
END_TEST

START_TEST(it_exits_when_its_parent_is_gone)
{
	if (!have_net)
		return;
	forwarder_up();
	ck_assert_int_eq(testforwarder_abandon(&forwarder), EXIT_SUCCESS);
	testforwarder_free(&forwarder);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("two hosts");
	int n = (int)ARRAY_SIZE(families);

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_loop_test(tc, without_a_fault_it_is_a_cable, 0, n);
	tcase_add_loop_test(tc, delay_lengthens_the_round_trip, 0, n);
	tcase_add_loop_test(tc, blackhole_swallows_until_it_is_lifted, 0, n);
	tcase_add_loop_test(tc, a_corrupted_segment_is_counted_and_sent_again, 0, n);
	tcase_add_loop_test(tc, forged_reset_ends_both_ends, 0, n);
	tcase_add_loop_test(tc, an_alarm_rings_once, 0, n);
	tcase_add_loop_test(tc, a_smaller_mtu_that_is_answered_shrinks_segments, 0, n);
	tcase_add_loop_test(tc, a_rejected_connection_is_reset, 0, n);
	tcase_add_loop_test(tc, a_link_that_is_down_is_seen_and_comes_back, 0, n);
	tcase_add_test(tc, offloads_that_are_on_are_reported);
	tcase_add_test(tc, a_full_disk_is_a_failure);
	tcase_add_test(tc, it_exits_when_its_parent_is_gone);
	return run_tests("forwarder", tc);
}
