/* SPDX-License-Identifier: MIT */
/*
 * A stream of probes over UDP, and what became of each, seen by the host that they are sent to.
 *
 *	udp-probe send [--interval=US] [--size=BYTES] [--no-checksum] COUNT HOST:PORT
 *	udp-probe receive FIRST-PORT PORTS
 *
 * send: COUNT probes, numbered from 0, one each US microseconds by an absolute clock (0, the default:
 * all at once), each of BYTES bytes of UDP payload.
 *
 * receive: says "ready" when it listens on that many ports from the first one on. Until SIGTERM it only
 * keeps what comes; then it prints a line for each probe that arrived, in the order of each port's
 * arrivals:
 *
 *	probe PORT NUMBER SENT RECEIVED BITS
 *
 * SENT is when the sender was about to send it, RECEIVED the kernel's stamp of its arrival, both in
 * nanoseconds of CLOCK_REALTIME, and BITS in how many bits it was not what had been sent. A last line,
 * "overflow N", tells how many arrived when a socket was full; they are not among the lines above.
 *
 * A probe is one header again and again, so a receiver finds out what was sent whichever bit of it
 * has turned over. Without a checksum (RFC 768: 0) the kernel hands such a one on.
 *
 * Status 0, 2 for a wrong argument, 3 when the kernel refused something.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <netdb.h>
#include <netinet/in.h>
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

enum ending { ENDING_USAGE = 2, ENDING_REFUSED = 3 };

#define NSEC_PER_SEC  1000000000L
#define NSEC_PER_USEC 1000L
#define PORT_MAX      65535
#define PORTS_MAX     256
#define COUNT_MAX     10000000
#define INTERVAL_MAX  10000000 /* us */
/* Of the header; a majority of them is right when one bit is wrong. */
#define COPIES       3
#define SIZE_MIN     ((long)(COPIES * sizeof(struct header)))
#define SIZE_MAX_UDP 1472 /* an Ethernet frame's, without the headers of IP and UDP */
/* As much as net.core.rmem_max lets it have. */
#define BUFFER_BYTES (8 << 20)

struct header {
	uint32_t number;
	uint32_t size; /* of the payload */
	int64_t sent;
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

static int udp_socket(void)
{
	int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(ENDING_REFUSED, "socket");
	return fd;
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
	bool no_checksum;
	const char *service;
};

static int connect_to(const char *service)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = SOCK_DGRAM};
	char host[NI_MAXHOST];
	const char *colon = strrchr(service, ':');
	struct addrinfo *found;
	int fd = udp_socket();

	if (!colon || colon == service || (size_t)(colon - service) >= sizeof(host))
		errx(ENDING_USAGE, "'%s' is not host:port", service);
	memcpy(host, service, (size_t)(colon - service));
	host[colon - service] = '\0';
	int rc = getaddrinfo(host, colon + 1, &hints, &found);
	if (rc != 0)
		errx(ENDING_REFUSED, "%s: %s", service, gai_strerror(rc));
	if (connect(fd, found->ai_addr, found->ai_addrlen) < 0)
		err(ENDING_REFUSED, "connect to %s", service);
	freeaddrinfo(found);
	return fd;
}

static struct timespec later(const struct timespec *start, int64_t ns)
{
	int64_t t = to_ns(start) + ns;

	return (struct timespec){.tv_sec = t / NSEC_PER_SEC, .tv_nsec = t % NSEC_PER_SEC};
}

static int send_all(const struct stream *s)
{
	uint8_t bytes[SIZE_MAX_UDP];
	struct timespec start;
	int fd = connect_to(s->service);

	set_option(fd, SO_NO_CHECK, s->no_checksum);
	clock_gettime(CLOCK_MONOTONIC, &start);
	for (long i = 0; i < s->count; i++) {
		struct header h = {.number = (uint32_t)i, .size = (uint32_t)s->size};
		struct timespec due = later(&start, i * s->interval_us * NSEC_PER_USEC);

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &due, NULL) == EINTR)
			continue;
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
	int port;
	int bits; /* that are not as they were sent */
};

struct receiver {
	struct pollfd sockets[PORTS_MAX];
	nfds_t n_sockets;
	int first_port;
	struct arrival *arrivals;
	size_t n, room;
	uint32_t overflow[PORTS_MAX]; /* of each socket, since it was opened */
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
	int fd = udp_socket();

	set_option(fd, SO_TIMESTAMPNS, 1);
	set_option(fd, SO_RXQ_OVFL, 1);
	set_option(fd, SO_RCVBUF, BUFFER_BYTES);
	if (bind(fd, (const struct sockaddr *)&any, sizeof(any)) < 0)
		err(ENDING_REFUSED, "bind to port %d", port);
	return fd;
}

/* Each bit as most of the copies have it. */
static struct header most_likely(const uint8_t *bytes)
{
	uint8_t voted[sizeof(struct header)];
	struct header h;

	for (size_t i = 0; i < sizeof(h); i++) {
		uint8_t a = bytes[i], b = bytes[i + sizeof(h)], c = bytes[i + 2 * sizeof(h)];

		voted[i] = (uint8_t)((a & b) | (a & c) | (b & c));
	}
	memcpy(&h, voted, sizeof(h));
	return h;
}

/* One of another size is wrong in all its bits, at least. */
static int bits_wrong(const struct header *h, const uint8_t *bytes, size_t len)
{
	uint8_t sent[SIZE_MAX_UDP];
	int bits = 0;

	if (h->size != len)
		return (int)len * 8;
	fill(sent, h);
	for (size_t i = 0; i < len; i++)
		bits += __builtin_popcount((unsigned)(sent[i] ^ bytes[i]));
	return bits;
}

static void read_controls(struct receiver *r, size_t socket, struct msghdr *msg, struct arrival *a)
{
	struct timespec stamp;

	for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
		if (c->cmsg_level != SOL_SOCKET)
			continue;
		if (c->cmsg_type == SCM_TIMESTAMPNS) {
			memcpy(&stamp, CMSG_DATA(c), sizeof(stamp));
			a->received = to_ns(&stamp);
		} else if (c->cmsg_type == SO_RXQ_OVFL) {
			memcpy(&r->overflow[socket], CMSG_DATA(c), sizeof(r->overflow[socket]));
		}
	}
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
		char controls[CMSG_SPACE(sizeof(struct timespec)) + CMSG_SPACE(sizeof(uint32_t))];
		struct iovec iov = {.iov_base = bytes, .iov_len = sizeof(bytes)};
		struct msghdr msg = {.msg_iov = &iov,
				     .msg_iovlen = 1,
				     .msg_control = controls,
				     .msg_controllen = sizeof(controls)};
		struct arrival a = {.port = r->first_port + (int)socket};
		ssize_t len = recvmsg(r->sockets[socket].fd, &msg, MSG_DONTWAIT);

		if (len < 0 && errno == EINTR)
			continue;
		if (len < 0 && errno == EAGAIN)
			return;
		if (len < 0)
			err(ENDING_REFUSED, "receive at port %d", a.port);
		read_controls(r, socket, &msg, &a);
		if (len < SIZE_MIN)
			continue; /* no probe of ours */
		a.header = most_likely(bytes);
		a.bits = bits_wrong(&a.header, bytes, (size_t)len);
		keep(r, &a);
	}
}

static void print_all(const struct receiver *r)
{
	uint64_t overflow = 0;

	for (size_t i = 0; i < r->n; i++) {
		const struct arrival *a = &r->arrivals[i];

		printf("probe %d %u %lld %lld %d\n", a->port, a->header.number,
		       (long long)a->header.sent, (long long)a->received, a->bits);
	}
	for (size_t i = 0; i < r->n_sockets; i++)
		overflow += r->overflow[i];
	printf("overflow %llu\n", (unsigned long long)overflow);
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
			   "COUNT HOST:PORT\n"
			   "       udp-probe receive FIRST-PORT PORTS");
}

static struct stream parse_stream(int argc, char **argv)
{
	static const struct option longs[] = {
		{"interval", required_argument, NULL, 'i'},
		{"size", required_argument, NULL, 's'},
		{"no-checksum", no_argument, NULL, 'n'},
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
