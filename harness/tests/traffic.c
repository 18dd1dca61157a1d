/* SPDX-License-Identifier: MIT */
#include "harness/tests/traffic.h"

#include <arpa/inet.h>
#include <fcntl.h>
#include <linux/errqueue.h>
#include <linux/net_tstamp.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "harness/base/cleanup.h"

#define TRAFFIC_PORT 9100
#define PROBE_PORT   9101
#define BLOCK_BYTES  ((size_t)256 * 1024)

/*
 * The kernel counts the smallest packet with 768 bytes or some more, of the two times 208 KiB that a
 * receiver may have; who sends more at once than it holds measures its losses.
 */
#define PACKETS_ON_THEIR_WAY 192
#define RECEIVE_BUFFER_BYTES (208 * 1024)
#define PACKETS_AT_ONCE      32
/* Without any news for so long, those on their way are taken for lost. */
#define PACKETS_LOST_AFTER (20 * NSEC_PER_MSEC)
#define SENDER_NAP         (20 * NSEC_PER_USEC)

/* After the last probe, for those that are still on their way. */
#define PROBE_LINGER_MS 200

static void __attribute__((noreturn)) die(const char *what)
{
	perror(what);
	abort();
}

static struct sockaddr_in address(const char *ip, int port)
{
	struct sockaddr_in a = {.sin_family = AF_INET, .sin_port = htons((uint16_t)port)};

	if (ip && inet_pton(AF_INET, ip, &a.sin_addr) != 1)
		die(ip);
	return a;
}

/* A socket that lives in another network namespace. */
static int socket_in(int ns, int type)
{
	_cleanup_close_ int home = open("/proc/self/ns/net", O_RDONLY | O_CLOEXEC);

	if (home < 0 || setns(ns, CLONE_NEWNET))
		die("enter a network namespace");
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);
	if (fd < 0 || setns(home, CLONE_NEWNET))
		die("socket");
	return fd;
}

static void bind_to(int fd, const char *ip, int port)
{
	struct sockaddr_in a = address(ip, port);
	const int on = 1;

	setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof(on));
	if (bind(fd, (struct sockaddr *)&a, sizeof(a)))
		die("bind");
}

static void connect_to(int fd, const char *ip, int port)
{
	struct sockaddr_in a = address(ip, port);

	if (connect(fd, (struct sockaddr *)&a, sizeof(a)))
		die("connect");
}

static pid_t fork_worker(void)
{
	pid_t pid = fork();

	if (pid < 0)
		die("fork");
	if (pid == 0)
		prctl(PR_SET_PDEATHSIG, SIGKILL);
	return pid;
}

/* -- TCP ---------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) send_bulk(int fd)
{
	static char block[BLOCK_BYTES];

	while (write(fd, block, sizeof(block)) > 0)
		;
	_exit(0);
}

static void __attribute__((noreturn)) receive_bulk(int fd, struct traffic_count *count)
{
	static char block[BLOCK_BYTES];
	ssize_t n;

	while ((n = read(fd, block, sizeof(block))) > 0)
		count->bytes += (uint64_t)n;
	_exit(0);
}

static void start_bulk(struct traffic *t, enum traffic_kind kind, int from_ns, int to_ns,
		       const char *to_ip)
{
	const int buffer = STREAM_BUFFER_BYTES;
	_cleanup_close_ int listener = socket_in(to_ns, SOCK_STREAM);
	_cleanup_close_ int client = socket_in(from_ns, SOCK_STREAM);

	if (kind == TRAFFIC_STREAM)
		setsockopt(client, SOL_SOCKET, SO_SNDBUF, &buffer, sizeof(buffer));
	bind_to(listener, to_ip, TRAFFIC_PORT);
	if (listen(listener, 1))
		die("listen");
	connect_to(client, to_ip, TRAFFIC_PORT);
	_cleanup_close_ int server = accept4(listener, NULL, NULL, SOCK_CLOEXEC);
	if (server < 0)
		die("accept");
	t->sender = fork_worker();
	if (t->sender == 0) {
		close(server);
		send_bulk(client);
	}
	t->receiver = fork_worker();
	if (t->receiver == 0) {
		close(client);
		receive_bulk(server, t->received);
	}
}

/* -- UDP ---------------------------------------------------------------------------------- */

struct batch {
	struct mmsghdr msgs[PACKETS_AT_ONCE];
	struct iovec iov;
	char payload[TRAFFIC_PACKET_BYTES];
};

static void batch_init(struct batch *b)
{
	*b = (struct batch){.iov = {b->payload, sizeof(b->payload)}};
	for (int i = 0; i < PACKETS_AT_ONCE; i++)
		b->msgs[i].msg_hdr = (struct msghdr){.msg_iov = &b->iov, .msg_iovlen = 1};
}

static void __attribute__((noreturn)) send_packets(int fd, struct traffic_count *count)
{
	const struct timespec nap = nsec_to_timespec(SENDER_NAP);
	static struct batch b;
	uint64_t sent = 0, seen = 0;
	nsec_t seen_at = nsec_monotonic();

	batch_init(&b);
	for (;;) {
		uint64_t received = count->packets;

		if ((int64_t)(sent - received) < PACKETS_ON_THEIR_WAY) {
			int n = sendmmsg(fd, b.msgs, PACKETS_AT_ONCE, 0);

			sent += n > 0 ? (uint64_t)n : 0;
			seen_at = nsec_monotonic();
			continue;
		}
		if (received != seen) {
			seen = received;
			seen_at = nsec_monotonic();
		} else if (nsec_monotonic() - seen_at > PACKETS_LOST_AFTER) {
			sent = received;
		}
		nanosleep(&nap, NULL);
	}
}

static void __attribute__((noreturn)) receive_packets(int fd, struct traffic_count *count)
{
	static struct batch b;

	batch_init(&b);
	for (;;) {
		int n = recvmmsg(fd, b.msgs, PACKETS_AT_ONCE, MSG_WAITFORONE, NULL);

		if (n < 0)
			die("recvmmsg");
		count->packets += (uint64_t)n;
		count->bytes += (uint64_t)n * TRAFFIC_PACKET_BYTES;
	}
}

static void start_packets(struct traffic *t, int from_ns, int to_ns, const char *to_ip)
{
	const int buffer = RECEIVE_BUFFER_BYTES;
	_cleanup_close_ int rx = socket_in(to_ns, SOCK_DGRAM);
	_cleanup_close_ int tx = socket_in(from_ns, SOCK_DGRAM);

	setsockopt(rx, SOL_SOCKET, SO_RCVBUF, &buffer, sizeof(buffer));
	bind_to(rx, to_ip, TRAFFIC_PORT);
	connect_to(tx, to_ip, TRAFFIC_PORT);
	t->receiver = fork_worker();
	if (t->receiver == 0)
		receive_packets(rx, t->received);
	t->sender = fork_worker();
	if (t->sender == 0)
		send_packets(tx, t->received);
}

/* -- both --------------------------------------------------------------------------------- */

struct traffic traffic_start(enum traffic_kind kind, int from_ns, int to_ns, const char *to_ip)
{
	struct traffic t = {0};

	t.received = mmap(NULL, sizeof(*t.received), PROT_READ | PROT_WRITE,
			  MAP_SHARED | MAP_ANONYMOUS, -1, 0);
	if (t.received == MAP_FAILED)
		die("mmap");
	if (kind == TRAFFIC_PACKETS)
		start_packets(&t, from_ns, to_ns, to_ip);
	else
		start_bulk(&t, kind, from_ns, to_ns, to_ip);
	return t;
}

void traffic_stop(struct traffic *t)
{
	kill(t->sender, SIGKILL);
	kill(t->receiver, SIGKILL);
	waitpid(t->sender, NULL, 0);
	waitpid(t->receiver, NULL, 0);
	munmap(t->received, sizeof(*t->received));
}

nsec_t process_cpu(pid_t pid)
{
	clockid_t clock;

	if (clock_getcpuclockid(pid, &clock))
		die("the CPU clock of a process");
	return nsec_clock(clock);
}

nsec_t traffic_cpu(const struct traffic *t)
{
	return process_cpu(t->sender) + process_cpu(t->receiver);
}

/* -- probes ------------------------------------------------------------------------------- */

static nsec_t nsec_of(const struct timespec *t)
{
	return (nsec_t)t->tv_sec * NSEC_PER_SEC + t->tv_nsec;
}

/* Reads a message with its stamp; false: there is none. */
static bool read_stamped(int fd, int flags, uint32_t *ret_probe, nsec_t *ret_t)
{
	char control[512];
	struct iovec iov = {ret_probe, sizeof(*ret_probe)};
	struct msghdr msg = {.msg_iov = &iov,
			     .msg_iovlen = 1,
			     .msg_control = control,
			     .msg_controllen = sizeof(control)};

	*ret_t = NSEC_UNSET;
	if (recvmsg(fd, &msg, flags | MSG_DONTWAIT) < 0)
		return false;
	for (struct cmsghdr *c = CMSG_FIRSTHDR(&msg); c; c = CMSG_NXTHDR(&msg, c)) {
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPING) {
			struct scm_timestamping stamps;

			memcpy(&stamps, CMSG_DATA(c), sizeof(stamps));
			*ret_t = nsec_of(&stamps.ts[0]);
		} else if (c->cmsg_level == SOL_IP && c->cmsg_type == IP_RECVERR) {
			struct sock_extended_err e;

			memcpy(&e, CMSG_DATA(c), sizeof(e));
			*ret_probe = e.ee_data; /* which: SOF_TIMESTAMPING_OPT_ID */
		}
	}
	return *ret_t != NSEC_UNSET;
}

struct probes {
	int tx, rx, n;
	nsec_t *left, *came; /* per probe, or NSEC_UNSET */
};

static void read_stamps(struct probes *p)
{
	uint32_t probe;
	nsec_t t;

	while (read_stamped(p->tx, MSG_ERRQUEUE, &probe, &t))
		if (probe < (uint32_t)p->n)
			p->left[probe] = t;
	while (read_stamped(p->rx, 0, &probe, &t))
		if (probe < (uint32_t)p->n)
			p->came[probe] = t;
}

static void send_probes(struct probes *p, nsec_t interval)
{
	nsec_t due = nsec_monotonic();

	for (uint32_t i = 0; i < (uint32_t)p->n; i++) {
		struct timespec at = nsec_to_timespec(due += interval);

		clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &at, NULL);
		if (write(p->tx, &i, sizeof(i)) < 0)
			die("send a probe");
		read_stamps(p);
	}
	poll(NULL, 0, PROBE_LINGER_MS);
	read_stamps(p);
}

int probe_delays(int from_ns, const char *from_ip, int to_ns, const char *to_ip, int n,
		 nsec_t interval, nsec_t *ret)
{
	const int tx_stamps = SOF_TIMESTAMPING_TX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE |
			      SOF_TIMESTAMPING_OPT_ID | SOF_TIMESTAMPING_OPT_TSONLY;
	const int rx_stamps = SOF_TIMESTAMPING_RX_SOFTWARE | SOF_TIMESTAMPING_SOFTWARE;
	struct probes p = {.tx = socket_in(from_ns, SOCK_DGRAM),
			   .rx = socket_in(to_ns, SOCK_DGRAM),
			   .n = n,
			   .left = calloc((size_t)n, sizeof(nsec_t)),
			   .came = calloc((size_t)n, sizeof(nsec_t))};
	int n_came = 0;

	if (!p.left || !p.came)
		die("probes");
	for (int i = 0; i < n; i++)
		p.left[i] = p.came[i] = NSEC_UNSET;
	bind_to(p.tx, from_ip, PROBE_PORT);
	bind_to(p.rx, to_ip, PROBE_PORT);
	connect_to(p.tx, to_ip, PROBE_PORT);
	if (setsockopt(p.tx, SOL_SOCKET, SO_TIMESTAMPING, &tx_stamps, sizeof(tx_stamps)) ||
	    setsockopt(p.rx, SOL_SOCKET, SO_TIMESTAMPING, &rx_stamps, sizeof(rx_stamps)))
		die("SO_TIMESTAMPING");
	send_probes(&p, interval);
	for (int i = 0; i < n; i++)
		if (p.left[i] != NSEC_UNSET && p.came[i] != NSEC_UNSET)
			ret[n_came++] = p.came[i] - p.left[i];
	free(p.left);
	free(p.came);
	close(p.tx);
	close(p.rx);
	return n_came;
}
