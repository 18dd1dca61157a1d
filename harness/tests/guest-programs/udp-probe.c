/* SPDX-License-Identifier: MIT */
/*
 * A stream of probes over UDP, and what became of each, seen by the host that they are sent to.
 *
 *	udp-probe send [--interval=US] [--size=BYTES] [--no-checksum] [--ecn] COUNT HOST:PORT
 *	udp-probe receive FIRST-PORT PORTS
 *
 * send: COUNT probes, numbered from 0, one each US microseconds by an absolute clock (0, the default:
 * all at once), each of BYTES bytes of UDP payload; with --ecn marked as of a transport that takes ECN
 * (RFC 3168: ECT(0)).
 *
 * receive: says "ready" when it listens on that many ports from the first one on. Until SIGTERM it only
 * keeps what comes; then it prints a line for each probe that arrived, in the order of each port's
 * arrivals:
 *
 *	probe PORT NUMBER SENT RECEIVED BITS
 *
 * SENT is when the sender was about to send it, RECEIVED the kernel's stamp of its arrival, both in
 * nanoseconds of CLOCK_REALTIME, and BITS in how many bits it was not what had been sent. A last line,
 * "overflow N", tells how many of the host's datagrams arrived when a socket was full.
 *
 * A probe is one header again and again, so a receiver finds out what was sent, and from which port to
 * which, whichever bit of it has turned over. PORT is the one that it was sent to. Without a checksum
 * (RFC 768: 0) the kernel hands such a probe on.
 *
 * Status 0, 2 for a wrong argument, 3 when the kernel refused something.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netinet/in.h>
#include <netinet/ip.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness/tests/guest-programs/connect.h"

#define NSEC_PER_SEC  1000000000L
#define NSEC_PER_USEC 1000L
#define PORT_MAX      65535
#define PORTS_MAX     256
#define COUNT_MAX     10000000
#define INTERVAL_MAX  10000000 /* us */
/* Of the header; a majority of them is right when one bit is wrong. */
#define COPIES           3
#define SIZE_MIN         ((long)(COPIES * sizeof(struct header)))
#define SIZE_MAX_UDP     1472 /* an Ethernet frame's, without the headers of IP and UDP */
#define UDP_HEADER_BYTES 8U
/* As much as net.core.rmem_max lets it have. */
#define BUFFER_BYTES (8 << 20)

struct header {
	int64_t sent;
	uint64_t number;
	uint16_t from, to; /* ports */
	uint16_t size;     /* of the payload */
	uint16_t unused;   /* 0 */
};

static int64_t to_ns(const struct timespec *t)
{
	return t->tv_sec * NSEC_PER_SEC + t->tv_nsec;
}

static int64_t realtime(void)
{
	struct timespec t;

	clock_gettime(CLOCK_REALTIME, &t);
	return to_ns(&t);
}

static long whole_number(const char *name, const char *text, long min, long max)
{
	char *end;

	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < min || n > max)
		errx(ENDING_USAGE, "%s: '%s' is not a whole number from %ld to %ld", name, text,
		     min, max);
	return n;
}

static void set_option(int fd, int option, int value)
{
	if (setsockopt(fd, SOL_SOCKET, option, &value, sizeof(value)) < 0)
		err(ENDING_REFUSED, "setsockopt");
}

/* The payload of a header: copies of it, the last one cut where the size ends. */
static void fill(uint8_t *bytes, const struct header *h)
{
	for (size_t at = 0; at < h->size; at += sizeof(*h)) {
		size_t left = h->size - at;

		memcpy(bytes + at, h, left < sizeof(*h) ? left : sizeof(*h));
	}
}

/* -- send ------------------------------------------------------------------------------------ */

struct stream {
	long count, interval_us, size;
	bool no_checksum, takes_ecn;
	const char *service;
};

static void find_ports(int fd, struct header *h)
{
	struct sockaddr_in own = {0}, peer = {0};
	socklen_t len = sizeof(own), peer_len = sizeof(peer);

	if (getsockname(fd, (struct sockaddr *)&own, &len) < 0 ||
	    getpeername(fd, (struct sockaddr *)&peer, &peer_len) < 0)
		err(ENDING_REFUSED, "find the ports of a socket");
	h->from = ntohs(own.sin_port);
	h->to = ntohs(peer.sin_port);
}

static struct timespec later(const struct timespec *start, int64_t ns)
{
	int64_t t = to_ns(start) + ns;

	return (struct timespec){.tv_sec = t / NSEC_PER_SEC, .tv_nsec = t % NSEC_PER_SEC};
}

static int send_all(const struct stream *s)
{
	const int ect_0 = IPTOS_ECN_ECT0;
	uint8_t bytes[SIZE_MAX_UDP];
	struct timespec start;
	struct header h = {.size = (uint16_t)s->size};
	int fd = connect_to(s->service, SOCK_DGRAM);

	find_ports(fd, &h);
	set_option(fd, SO_NO_CHECK, s->no_checksum);
	if (s->takes_ecn && setsockopt(fd, IPPROTO_IP, IP_TOS, &ect_0, sizeof(ect_0)) < 0)
		err(ENDING_REFUSED, "setsockopt");
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < s->count; i++) {
		struct timespec due = later(&start, i * s->interval_us * NSEC_PER_USEC);

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			continue;
		h.number = (uint64_t)i;
		h.sent = realtime();
		fill(bytes, &h);
		/* Nobody who listens any more is told by ICMP, and is no failure of ours. */
		if (send(fd, bytes, h.size, 0) < 0 && errno != ECONNREFUSED)
			err(ENDING_REFUSED, "send");
	}
	printf("sent %ld\n", s->count);
	return 0;
}

/* -- receive --------------------------------------------------------------------------------- */

struct arrival {
	struct header header;
	int64_t received;
	int bits; /* that are not as they were sent */
};

struct receiver {
	struct pollfd sockets[PORTS_MAX];
	nfds_t n_sockets;
	int first_port;
	struct arrival *arrivals;
	size_t n, room;
};

static volatile sig_atomic_t is_over;

static void on_term(int signal)
{
	(void)signal;
	is_over = 1;
}

static int listen_on(int port)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	int fd = ip4_socket(SOCK_DGRAM);

	set_option(fd, SO_TIMESTAMPNS, 1);
	set_option(fd, SO_RCVBUF, BUFFER_BYTES);
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		err(ENDING_REFUSED, "bind to port %d", port);
	return fd;
}

/* Each bit as most of the copies have it. */
static struct header most_likely(const uint8_t *bytes)
{
	struct header h = {0};
	uint8_t *voted = (uint8_t *)&h;

	for (size_t i = 0; i < sizeof(h); i++) {
		uint8_t a = bytes[i], b = bytes[i + sizeof(h)], c = bytes[i + 2 * sizeof(h)];

		voted[i] = (uint8_t)((a & b) | (a & c) | (b & c));
	}
	return h;
}

static int bits_between(unsigned a, unsigned b)
{
	return __builtin_popcount(a ^ b);
}

/* The length of UDP's header is the first thing to differ in a probe that was cut short. */
static int bits_wrong(const struct header *h, const uint8_t *bytes, size_t len)
{
	uint8_t sent[SIZE_MAX_UDP];
	int bits = bits_between(h->size + UDP_HEADER_BYTES, (unsigned)len + UDP_HEADER_BYTES);

	fill(sent, h);
	for (size_t i = 0; i < len && i < h->size; i++)
		bits += bits_between(sent[i], bytes[i]);
	return bits;
}

static int64_t stamp_of(struct msghdr *msg)
{
	struct timespec stamp = {0};

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c))
		if (c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_TIMESTAMPNS)
			memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
	return to_ns(&stamp);
}

static void keep(struct receiver *r, const struct arrival *a)
{
	if (r->n == r->room) {
		r->room = r->room ? 2 * r->room : 1024;
		r->arrivals = realloc(r->arrivals, r->room * sizeof(*a));
		if (!r->arrivals)
			err(ENDING_REFUSED, "remember an arrival");
	}
	r->arrivals[r->n++] = *a;
}

/* All that has come to this socket. */
static void take(struct receiver *r, size_t socket)
{
	for (;;) {
		uint8_t bytes[SIZE_MAX_UDP];
		char controls[CMSG_SPACE(sizeof(struct timespec))];
		struct sockaddr_in from = {0};
		struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
		struct msghdr msg = {.msg_name = &from,
				     .msg_namelen = sizeof(from),
				     .msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = controls,
				     .msg_controllen = sizeof(controls)};
		struct arrival a = {0};
		int port = r->first_port + (int)socket;
		ssize_t len = recvmsg(r->sockets[socket].fd, &msg, MSG_DONTWAIT);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return;
		if (len < 0)
			err(ENDING_REFUSED, "receive at port %d", port);
		if (len < SIZE_MIN)
			continue; /* no probe of ours */
		a.received = stamp_of(&msg);
		a.header = most_likely(bytes);
		a.bits = bits_wrong(&a.header, bytes, (size_t)len) +
			 bits_between(a.header.to, (unsigned)port) +
			 bits_between(a.header.from, ntohs(from.sin_port));
		keep(r, &a);
	}
}

/* RcvbufErrors of this network namespace (/proc/net/snmp: a line of names, and one of numbers). */
static unsigned long long overflowed(void)
{
	unsigned long long n;
	char line[BUFSIZ];
	FILE *f = fopen("/proc/net/snmp", "re");

	if (!f)
		err(ENDING_REFUSED, "/proc/net/snmp");
	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, "Udp: %*u %*u %*u %*u %llu", &n) != 1)
			continue;
		fclose(f);
		return n;
	}
	errx(ENDING_REFUSED, "/proc/net/snmp has no RcvbufErrors");
}

static void print_all(const struct receiver *r)
{
	for (size_t i = 0; i < r->n; i++) {
		const struct arrival *a = &r->arrivals[i];

		printf("probe %d %llu %lld %lld %d\n", a->header.to,
		       (unsigned long long)a->header.number, (long long)a->header.sent,
		       (long long)a->received, a->bits);
	}
	printf("overflow %llu\n", overflowed());
}

static int receive_all(int first_port, int n_ports)
{
	static struct receiver r;
	struct sigaction act = {.sa_handler = on_term};
	sigset_t term, before;

	r.first_port = first_port;
	for (; (int)r.n_sockets < n_ports; r.n_sockets++)
		r.sockets[r.n_sockets] = (struct pollfd){
			.fd = listen_on(first_port + (int)r.n_sockets), .events = POLLIN};
	sigemptyset(&term);
	sigaddset(&term, SIGTERM);
	/* Let through only while it waits, so that none is missed before. */
	sigprocmask(SIG_BLOCK, &term, &before);
	sigaction(SIGTERM, &act, NULL);
	puts("ready");
	fflush(stdout);
	while (!is_over) {
		if (ppoll(r.sockets, r.n_sockets, NULL, &before) < 0 && errno != EINTR)
			err(ENDING_REFUSED, "wait");
		for (size_t i = 0; i < r.n_sockets; i++)
			take(&r, i);
	}
	print_all(&r);
	free(r.arrivals);
	return 0;
}

/* -------------------------------------------------------------------------------------------- */

static void __attribute__((noreturn)) usage(void)
{
	errx(ENDING_USAGE, "usage: udp-probe send [--interval=US] [--size=BYTES] [--no-checksum] "
			   "[--ecn] COUNT HOST:PORT\n"
			   "       udp-probe receive FIRST-PORT PORTS");
}

static struct stream parse_stream(int argc, char **argv)
{
	static const struct option longs[] = {
		{"interval", required_argument, NULL, 'i'},
		{"size", required_argument, NULL, 's'},
		{"no-checksum", no_argument, NULL, 'n'},
		{"ecn", no_argument, NULL, 'e'},
		{0},
	};
	struct stream s = {.size = SIZE_MIN};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'i')
			s.interval_us = whole_number("--interval", optarg, 0, INTERVAL_MAX);
		else if (c == 's')
			s.size = whole_number("--size", optarg, SIZE_MIN, SIZE_MAX_UDP);
		else if (c == 'n')
			s.no_checksum = true;
		else if (c == 'e')
			s.takes_ecn = true;
		else
			usage();
	}
	if (argc - optind != 2)
		usage();
	s.count = whole_number("COUNT", argv[optind], 1, COUNT_MAX);
	s.service = argv[optind + 1];
	return s;
}

int main(int argc, char **argv)
{
	if (argc < 2)
		usage();
	if (strcmp(argv[1], "send") == 0) {
		struct stream s = parse_stream(argc - 1, argv + 1);

		return send_all(&s);
	}
	if (strcmp(argv[1], "receive") != 0 || argc != 4)
		usage();
	int first = (int)whole_number("FIRST-PORT", argv[2], 1, PORT_MAX);

	return receive_all(first, (int)whole_number("PORTS", argv[3], 1, PORTS_MAX));
}
