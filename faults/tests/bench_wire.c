/* SPDX-License-Identifier: MIT */
#include <errno.h>
#include <math.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "faults/tests/testforwarder.h"
#include "faults/tests/testplan.h"
#include "harness/base/cleanup.h"

/*
 * How good the wire engine is on this machine, in figures, one line each:
 *
 *   delay       one way, by the receiver's kernel timestamp, less what was set
 *   loss        what was dropped, beside the interval that the binomial law allows
 *   throughput  one TCP connection, offloads off, beside a plain veth pair
 *   edges       when a fault took effect, less when it was asked for
 *
 * The forwarder runs with SCHED_FIFO where that is allowed, as it does in a scenario.
 */

#define DELAY_PACKETS   1000
#define LOSS_PACKETS    20000
#define LOSS_BURST      50
#define THROUGHPUT_TIME (3 * NSEC_PER_SEC)
#define EDGE_WINDOWS    200
#define BLOCK_BYTES     ((size_t)128 * 1024)
#define FIFO_PRIORITY   1
#define BENCH_PORT      9000

/* Two-sided 99.9 % of the normal law, which the binomial is close to here. */
#define SIGMAS_999 3.29

static struct testnet net;
static struct arena arena;

static void forwarder_up(struct testforwarder *f, const struct plan *plan)
{
	const struct sched_param param = {.sched_priority = FIFO_PRIORITY};

	testforwarder_init(f, &net, plan);
	testforwarder_up(f);
	if (sched_setscheduler(f->pid, SCHED_FIFO, &param))
		fprintf(stderr, "note: no SCHED_FIFO here: %s\n", strerror(errno));
	testforwarder_start(f);
}

static void forwarder_down(struct testforwarder *f)
{
	struct err err;

	testforwarder_end(f, &err);
	if (err.msg[0])
		fprintf(stderr, "forwarder: %s\n", err.msg);
}

static int compare(const void *a, const void *b)
{
	nsec_t x = *(const nsec_t *)a, y = *(const nsec_t *)b;

	return (x > y) - (x < y);
}

static double usec(nsec_t t)
{
	return (double)t / (double)NSEC_PER_USEC;
}

static void print_errors(const char *what, nsec_t *v, size_t n)
{
	qsort(v, n, sizeof(*v), compare);
	printf("%-24s p50 %8.1f us   p99 %8.1f us   max %8.1f us   (%zu)\n", what, usec(v[n / 2]),
	       usec(v[n * 99 / 100]), usec(v[n - 1]), n);
}

/* Receives one datagram that holds its sending time; gives how long it took. */
static nsec_t receive_stamped(int fd)
{
	nsec_t sent = 0;
	char control[256];
	struct iovec iov = {&sent, sizeof(sent)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};

	if (recvmsg(fd, &msg, 0) < 0)
		return NSEC_UNSET;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		struct timespec ts;

		if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_TIMESTAMPNS)
			continue;
		memcpy(&ts, CMSG_DATA(c), sizeof(ts));
		return (nsec_t)ts.tv_sec * NSEC_PER_SEC + ts.tv_nsec - sent;
	}
	return NSEC_UNSET;
}

static void bench_delay(int delay_ms)
{
	static nsec_t errors[DELAY_PACKETS];
	struct testforwarder f;
	struct plan *plan = testplan_new(&arena, TESTNET_HOSTS, 1);
	char what[64];
	const int on = 1;

	if (delay_ms)
		testplan_fault(plan, &arena, NULL, "delay", 1, 0, NSEC_NEVER)->fault.mean =
			MSEC(delay_ms);
	forwarder_up(&f, plan);
	_cleanup_close_ int tx = testnet_udp(&net, 0, BENCH_PORT);
	_cleanup_close_ int rx = testnet_udp(&net, 1, BENCH_PORT);
	setsockopt(rx, SOL_SOCKET, SO_TIMESTAMPNS, &on, sizeof(on));

	/* Several are on their way at once when the delay is long. */
	for (int sent = 0, received = 0; received < DELAY_PACKETS;) {
		if (sent < DELAY_PACKETS) {
			nsec_t now = nsec_clock(CLOCK_REALTIME);

			sent += write(tx, &now, sizeof(now)) == sizeof(now);
		}
		struct pollfd p = {.fd = rx, .events = POLLIN};
		while (received < sent && poll(&p, 1, sent < DELAY_PACKETS ? 1 : -1) > 0)
			errors[received++] = receive_stamped(rx) - MSEC(delay_ms);
	}
	forwarder_down(&f);
	testforwarder_free(&f);
	snprintf(what, sizeof(what), "delay %d ms: error", delay_ms);
	print_errors(what, errors, DELAY_PACKETS);
}

static struct receipt receipt_of(const struct testforwarder *f)
{
	size_t n;
	_cleanup_free_ struct observation *o = testforwarder_observations(f, &n);
	struct receipt receipt = {0};

	for (size_t i = 0; i < n; i++)
		if (o[i].source == OBS_FAULT && o[i].event == EV_RECEIPT)
			receipt = o[i].fault.did;
	return receipt;
}

static void bench_loss(double rate)
{
	struct testforwarder f;
	struct plan *plan = testplan_new(&arena, TESTNET_HOSTS, 1);
	struct plan_step *s = testplan_fault(plan, &arena, NULL, "loss", 0, 0, NSEC_NEVER);
	char text[64] = "payload";

	s->fault.rate = rate;
	s->fault.match.protocol = MATCH_UDP;
	forwarder_up(&f, plan);
	_cleanup_close_ int tx = testnet_udp(&net, 0, BENCH_PORT);
	_cleanup_close_ int rx = testnet_udp(&net, 1, BENCH_PORT);
	for (int i = 0; i < LOSS_PACKETS; i++) {
		if (write(tx, text, sizeof(text)) < 0)
			continue;
		while (i % LOSS_BURST == 0 && recv(rx, text, sizeof(text), MSG_DONTWAIT) > 0)
			;
	}
	forwarder_down(&f);
	struct receipt receipt = receipt_of(&f);
	testforwarder_free(&f);

	double mean = rate * (double)receipt.matched;
	double spread = SIGMAS_999 * sqrt(mean * (1 - rate));
	printf("loss %2.0f %%: %6llu of %llu dropped, 99.9 %% interval [%.0f, %.0f]: %s\n",
	       rate * 100, (unsigned long long)receipt.dropped, (unsigned long long)receipt.matched,
	       mean - spread, mean + spread,
	       fabs((double)receipt.dropped - mean) <= spread ? "inside" : "OUTSIDE");
}

/* A child that writes as fast as it can until it is killed. */
static pid_t start_sender(int fd)
{
	pid_t pid = fork();

	if (pid)
		return pid;
	static char block[BLOCK_BYTES];
	while (write(fd, block, sizeof(block)) > 0)
		;
	_exit(0);
}

/* Gbit/s of one connection: its payload. */
static double measure(struct testconnection c)
{
	static char block[BLOCK_BYTES];
	pid_t sender = start_sender(c.client);
	nsec_t begin = nsec_monotonic(), end = begin;
	double bytes = 0;

	close(c.client);
	while (end - begin < THROUGHPUT_TIME) {
		ssize_t n = read(c.server, block, sizeof(block));

		if (n <= 0)
			break;
		bytes += (double)n;
		end = nsec_monotonic();
	}
	kill(sender, SIGKILL);
	waitpid(sender, NULL, 0);
	close(c.server);
	return bytes * 8 / (double)(end - begin);
}

static void print_own_lag(const struct testforwarder *f)
{
	size_t n;
	_cleanup_free_ struct observation *o = testforwarder_observations(f, &n);
	nsec_t worst = 0;
	uint64_t lost = 0;

	for (size_t i = 0; i < n; i++) {
		if (o[i].source != OBS_LAG)
			continue;
		if (o[i].event == EV_STALL && o[i].lag.lag > worst)
			worst = o[i].lag.lag;
		if (o[i].event == EV_RING_DROP)
			lost += o[i].lag.count;
	}
	printf("%-24s worst lag %.1f us, %llu packets lost in the harness\n", "  meanwhile",
	       usec(worst), (unsigned long long)lost);
}

static void bench_throughput(void)
{
	struct testforwarder f;
	struct err err;

	if (testnet_join_directly(&net, &err)) {
		fprintf(stderr, "throughput: %s\n", err.msg);
		return;
	}
	double direct = measure(testnet_connect_directly(&net));
	forwarder_up(&f, testplan_new(&arena, TESTNET_HOSTS, 1));
	double wire = measure(testnet_connect(&net, AF_INET));
	forwarder_down(&f);
	printf("throughput: wire %.2f Gbit/s, plain veth %.2f Gbit/s, ratio %.2f\n", wire, direct,
	       wire / direct);
	print_own_lag(&f);
	testforwarder_free(&f);
}

static void bench_edges(void)
{
	static nsec_t errors[2 * EDGE_WINDOWS];
	struct testforwarder f;
	struct plan *plan = testplan_new(&arena, TESTNET_HOSTS, 1);
	struct plan_step *s = testplan_fault(plan, &arena, NULL, "blackhole", 0, MSEC(5), MSEC(10));
	size_t n, n_errors = 0;

	for (int i = 1; i < EDGE_WINDOWS; i++)
		testplan_add_window(s, &arena, MSEC(10 * i + 5), MSEC(10 * i + 10));
	forwarder_up(&f, plan);
	poll(NULL, 0, 10 * (EDGE_WINDOWS + 5));
	forwarder_down(&f);
	_cleanup_free_ struct observation *o = testforwarder_observations(&f, &n);
	for (size_t i = 0; i < n; i++)
		if (o[i].source == OBS_FAULT && o[i].event != EV_RECEIPT)
			errors[n_errors++] = o[i].t - o[i].fault.asked;
	testforwarder_free(&f);
	print_errors("fault edges: late", errors, n_errors);
}

int main(void)
{
	struct err err;

	if (testnet_up(&net, &err))
		return testnet_skip(&err) ? EXIT_SUCCESS : EXIT_FAILURE;
	setvbuf(stdout, NULL, _IOLBF, 0);
	bench_delay(0);
	bench_delay(1);
	bench_delay(10);
	bench_delay(100);
	bench_loss(0.01);
	bench_loss(0.1);
	bench_loss(0.5);
	bench_throughput();
	bench_edges();
	testnet_down(&net);
	arena_free(&arena);
	return EXIT_SUCCESS;
}
