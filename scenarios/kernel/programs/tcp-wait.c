/* SPDX-License-Identifier: MIT */
/*
 * Connects, and waits until the kernel, or the peer, ends the connection; prints how it ended and how
 * long that took.
 *
 *	tcp-wait [OPTION...] HOST:PORT ENDING
 *
 * ENDING is what is expected, by the name of its error: ETIMEDOUT, ECONNRESET, EHOSTUNREACH; or EOF,
 * the peer's FIN. Status 0: it ended so; the others are in service.h.
 *
 * The program has no timer of its own: it is blocked in connect() or recv() all the time, so what
 * ends it is the kernel's doing, and the kernel's alone.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "scenarios/kernel/programs/service.h"

/* The kernel's own limits (include/net/tcp.h: MAX_TCP_KEEPIDLE, _KEEPINTVL, _KEEPCNT). */
#define KEEPALIVE_SECONDS_MAX 32767
#define KEEPALIVE_PROBES_MAX  127

#define MSEC_PER_SEC 1000

struct wait_options {
	long send_bytes;
	bool shutdown, keepalive;
	int idle_s, interval_s, probes; /* keepalive; 0: as the sysctls say */
	int user_timeout_ms;            /* 0: none */
	in_port_t local_port;           /* 0: the kernel picks it */
};

static void usage(void)
{
	fputs("usage: tcp-wait [OPTION...] HOST:PORT ENDING\n"
	      "  --send[=BYTES]                  send one byte, or so many, once connected\n"
	      "  --shutdown                      and a FIN behind them\n"
	      "  --keepalive                     SO_KEEPALIVE, with the times that sysctls say\n"
	      "  --keepalive=IDLE/INTERVAL/COUNT with these, in seconds\n"
	      "  --user-timeout=SECONDS          TCP_USER_TIMEOUT\n"
	      "  --local-port=PORT               from this port, in place of one that the kernel "
	      "picks\n"
	      "ENDING: ETIMEDOUT, ECONNRESET, ... or EOF\n",
	      stderr);
}

static void take_keepalive(struct wait_options *opt, char *text)
{
	char *interval = text ? strchr(text, '/') : NULL;
	char *probes = interval ? strchr(interval + 1, '/') : NULL;

	opt->keepalive = true;
	if (!text)
		return;
	if (!probes)
		errx(ENDING_USAGE, "--keepalive: '%s' is not IDLE/INTERVAL/COUNT", text);
	*interval++ = *probes++ = '\0';
	opt->idle_s = (int)whole_number("--keepalive", text, 1, KEEPALIVE_SECONDS_MAX);
	opt->interval_s = (int)whole_number("--keepalive", interval, 1, KEEPALIVE_SECONDS_MAX);
	opt->probes = (int)whole_number("--keepalive", probes, 1, KEEPALIVE_PROBES_MAX);
}

static void parse_options(struct wait_options *opt, int argc, char **argv)
{
	static const struct option longs[] = {
		{"send", optional_argument, NULL, 's'},
		{"shutdown", no_argument, NULL, 'f'},
		{"keepalive", optional_argument, NULL, 'k'},
		{"user-timeout", required_argument, NULL, 'u'},
		{"local-port", required_argument, NULL, 'l'},
		{0},
	};
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 's') {
			opt->send_bytes = optarg ? whole_number("--send", optarg, 1, INT_MAX) : 1;
		} else if (c == 'f') {
			opt->shutdown = true;
		} else if (c == 'k') {
			take_keepalive(opt, optarg);
		} else if (c == 'u') {
			opt->user_timeout_ms = (int)whole_number("--user-timeout", optarg, 1,
								 INT_MAX / MSEC_PER_SEC) *
					       MSEC_PER_SEC;
		} else if (c == 'l') {
			opt->local_port =
				(in_port_t)whole_number("--local-port", optarg, 1, UINT16_MAX);
		} else {
			usage();
			errx(ENDING_USAGE, "no such option");
		}
	}
	if (argc - optind != 2) {
		usage();
		errx(ENDING_USAGE, "two arguments are needed");
	}
}

static void apply_options(int fd, const struct wait_options *opt)
{
	if (opt->keepalive)
		set_option(fd, SOL_SOCKET, SO_KEEPALIVE, 1);
	if (opt->idle_s > 0) {
		set_option(fd, IPPROTO_TCP, TCP_KEEPIDLE, opt->idle_s);
		set_option(fd, IPPROTO_TCP, TCP_KEEPINTVL, opt->interval_s);
		set_option(fd, IPPROTO_TCP, TCP_KEEPCNT, opt->probes);
	}
	if (opt->user_timeout_ms > 0)
		set_option(fd, IPPROTO_TCP, TCP_USER_TIMEOUT, opt->user_timeout_ms);
}

/* Without SO_REUSEADDR, as a client does it. */
static void bind_to_port(int fd, int family, in_port_t port)
{
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	const struct sockaddr_in6 any6 = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
	bool ipv6 = family == AF_INET6;

	if (bind(fd, ipv6 ? (const struct sockaddr *)&any6 : (const struct sockaddr *)&any4,
		 ipv6 ? sizeof(any6) : sizeof(any4)) < 0)
		not_tried("bind");
}

/* Blocks until the kernel has taken them all: 0, or the error. */
static int send_all(int fd, long bytes)
{
	static const char zeros[BUFSIZ];

	while (bytes > 0) {
		size_t len = (size_t)bytes < sizeof(zeros) ? (size_t)bytes : sizeof(zeros);
		ssize_t n = send(fd, zeros, len, MSG_NOSIGNAL);

		if (n < 0)
			return errno;
		bytes -= n;
	}
	return 0;
}

/* Blocks until the connection ends: 0 by the peer's FIN, or the error. */
static int wait_for_end(int fd, const struct wait_options *opt)
{
	int error = send_all(fd, opt->send_bytes);
	char byte;
	ssize_t n = 1;

	if (error != 0)
		return error;
	if (opt->shutdown && shutdown(fd, SHUT_WR) < 0)
		return errno;
	while (n > 0)
		n = recv(fd, &byte, sizeof(byte), 0);
	return n < 0 ? errno : 0;
}

int main(int argc, char **argv)
{
	struct wait_options opt = {0};

	parse_options(&opt, argc, argv);
	setvbuf(stdout, NULL, _IOLBF, 0);
	struct service service = service_find(argv[optind]);
	const char *expected = argv[optind + 1];
	int fd = tcp_socket(service.addr.ss_family);
	const char *phase = "connect";
	double start = now_s();
	int error = 0;

	apply_options(fd, &opt);
	if (opt.local_port)
		bind_to_port(fd, service.addr.ss_family, opt.local_port);
	if (connect(fd, (const struct sockaddr *)&service.addr, service.len) < 0) {
		error = errno;
	} else {
		printf("connected after %.3f s\n", now_s() - start);
		phase = "connection";
		start = now_s();
		error = wait_for_end(fd, &opt);
	}
	const char *ending = error != 0 ? strerrorname_np(error) : "EOF";
	printf("%s ended by %s after %.3f s\n", phase, ending ? ending : "an unknown error",
	       now_s() - start);
	return ending && strcmp(ending, expected) == 0 ? ENDING_EXPECTED : ENDING_OTHER;
}
