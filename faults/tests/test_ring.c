/* SPDX-License-Identifier: MIT */
/*
 * The ring against the real kernel: a host's frames, small and large, come out of the two rings in the
 * order in which it sent them, while it goes on sending; and each is whole.
 */
#include "faults/wire/ring.h"

#include <check.h>
#include <net/ethernet.h>
#include <net/if.h>
#include <netinet/ip.h>
#include <netinet/udp.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "faults/tests/testnet.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

#define FRAMES    20000
#define RING_PORT 9000
#define LARGE_MTU 9000
#define GUARD     (20 * NSEC_PER_SEC)
/* Less than the smaller ring holds, for the sender does not wait for anybody. */
#define AHEAD_MAX 200

#define HEADERS (sizeof(struct ether_header) + sizeof(struct iphdr) + sizeof(struct udphdr))

static struct testnet net;
static bool have_net;

static void setup(void)
{
	struct err err;

	have_net = !testnet_up(&net, &err);
	if (!have_net && !testnet_skip(&err))
		ck_abort_msg("no network namespaces: %s", err.msg);
}

static void teardown(void)
{
	testnet_down(&net);
}

static void set_mtu(int ns, const char *name, int mtu)
{
	struct ifreq req = {.ifr_mtu = mtu};

	testnet_enter(ns);
	_cleanup_close_ int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
	memcpy(req.ifr_name, name, strlen(name));
	ck_assert_int_eq(ioctl(fd, SIOCSIFMTU, &req), 0);
	testnet_enter(net.cable_ns);
}

/* The payloads of both sides of what decides into which ring a frame goes, and others. */
static size_t payload_of(uint32_t id)
{
	static const size_t sizes[] = {
		4, 8000, RING_FRAME_MAX - HEADERS, RING_FRAME_MAX - HEADERS + 1, 1000, 4000};

	return sizes[id * 7 % 13 % ARRAY_SIZE(sizes)];
}

/* On one processor: what several send at once has no order. */
static void stay_on_this_processor(void)
{
	cpu_set_t set;

	CPU_ZERO(&set);
	CPU_SET((size_t)sched_getcpu(), &set);
	ck_assert_int_eq(sched_setaffinity(0, sizeof(set), &set), 0);
}

static pid_t start_sender(int udp, int received)
{
	static uint8_t payload[LARGE_MTU];
	pid_t pid = fork();

	if (pid)
		return pid;
	prctl(PR_SET_PDEATHSIG, SIGKILL);
	stay_on_this_processor();
	for (uint32_t id = 0, seen = 0; id < FRAMES; id++) {
		while (id - seen >= AHEAD_MAX)
			if (read(received, &seen, sizeof(seen)) != sizeof(seen))
				_exit(1);
		memcpy(payload, &id, sizeof(id));
		if (write(udp, payload, payload_of(id)) < 0)
			_exit(1);
	}
	_exit(0);
}

static void expect_frame(const struct ring_frame *f, uint32_t id)
{
	uint32_t its_id;

	ck_assert_uint_eq(f->slot.len, f->slot.original_len);
	ck_assert_uint_eq(f->slot.len, HEADERS + payload_of(id));
	memcpy(&its_id, f->slot.bytes + HEADERS, sizeof(its_id));
	ck_assert_uint_eq(its_id, id);
}

static bool is_ours(const struct ring_frame *f)
{
	return f->slot.len >= HEADERS + sizeof(uint32_t) &&
	       f->slot.bytes[offsetof(struct ether_header, ether_type)] == 0x08 &&
	       f->slot.bytes[sizeof(struct ether_header) + offsetof(struct iphdr, protocol)] ==
		       IPPROTO_UDP;
}

START_TEST(two_rings_give_one_order)
{
	const struct ring_config config = {.n_interfaces = TESTNET_HOSTS, .gso = true};
	struct err err = {0};
	int received[2], status;

	if (!have_net)
		return;
	set_mtu(net.host_ns[0], "eth0", LARGE_MTU);
	set_mtu(net.cable_ns, "port0", LARGE_MTU);
	struct ring *r = ring_open(&config, &err);
	ck_assert_msg(r != NULL, "%s", err.msg);
	ck_assert_int_ge(ring_fd(r, 0), 0);
	ck_assert_int_ge(ring_fd(r, 1), 0);
	ck_assert_int_eq(ring_fd(r, 2), -1);
	ck_assert_int_eq(pipe(received), 0);
	_cleanup_close_ int udp = testnet_udp(&net, 0, RING_PORT);
	pid_t pid = start_sender(udp, received[0]);
	nsec_t deadline = nsec_monotonic() + GUARD;

	for (uint32_t id = 0; id < FRAMES;) {
		struct ring_frame f;

		ck_assert_msg(nsec_monotonic() < deadline, "frame %u does not come", id);
		if (!ring_peek(r, &f))
			continue;
		if (is_ours(&f))
			expect_frame(&f, id++);
		ring_take(r);
		ring_release(r);
		if (id % (AHEAD_MAX / 4) == 0)
			ck_assert_int_eq(write(received[1], &id, sizeof(id)), sizeof(id));
	}
	ck_assert_int_eq(waitpid(pid, &status, 0), pid);
	ck_assert_int_eq(status, 0);
	ck_assert_uint_eq(ring_take_losses(r), 0);
	ring_close(r);
	close(received[0]);
	close(received[1]);
}
END_TEST

int main(void)
{
	TCase *tc = tcase_create("ring");

	tcase_add_checked_fixture(tc, setup, teardown);
	tcase_set_timeout(tc, 60);
	tcase_add_test(tc, two_rings_give_one_order);
	return run_tests("ring", tc);
}
