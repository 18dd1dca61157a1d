/* SPDX-License-Identifier: MIT */
/*
 * Listens, and does with its connections as little as it is told.
 *
 *	tcp-listen [--backlog=N] [--accept=none|hold|close] PORT
 *
 * none (the default): it never accepts. hold: it accepts each, reads nothing and never closes. close:
 * it accepts one at a time, waits until the peer has closed, and closes it.
 *
 * It goes on until it is killed; the status of what kept it from listening is in service.h.
 */
#include <err.h>
#include <errno.h>
#include <getopt.h>
#include <limits.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include "scenarios/kernel/programs/service.h"

/* Not more than net.core.somaxconn allows, which is 4096. */
#define BACKLOG_DEFAULT 4096

#define PORT_MAX 65535

enum accept_mode { ACCEPT_NONE, ACCEPT_HOLD, ACCEPT_CLOSE, N_ACCEPT_MODES };
static const char *const accept_modes[N_ACCEPT_MODES] = {"none", "hold", "close"};

static enum accept_mode take_mode(const char *text)
{
	for (int i = 0; i < N_ACCEPT_MODES; i++)
		if (strcmp(accept_modes[i], text) == 0)
			return (enum accept_mode)i;
	errx(ENDING_USAGE, "--accept: '%s' is none of none, hold, close", text);
}

/* On every address: of both families, where the kernel has IPv6. */
static int listen_on(in_port_t port, int backlog)
{
	const struct sockaddr_in6 any = {
		.sin6_family = AF_INET6, .sin6_port = htons(port), .sin6_addr = in6addr_any};
	const struct sockaddr_in any4 = {.sin_family = AF_INET, .sin_port = htons(port)};
	int fd = socket(AF_INET6, SOCK_STREAM | SOCK_CLOEXEC, 0);
	bool ipv6 = fd >= 0;

	if (ipv6)
		set_option(fd, IPPROTO_IPV6, IPV6_V6ONLY, 0);
	else
		fd = tcp_socket(AF_INET);
	set_option(fd, SOL_SOCKET, SO_REUSEADDR, 1);
	if (bind(fd, ipv6 ? (const struct sockaddr *)&any : (const struct sockaddr *)&any4,
		 ipv6 ? sizeof(any) : sizeof(any4)) < 0)
		not_tried("bind");
	if (listen(fd, backlog) < 0)
		not_tried("listen");
	return fd;
}

static int accept_one(int listener)
{
	int fd = accept4(listener, NULL, NULL, SOCK_CLOEXEC);

	/* A peer that is gone already is no failure of ours (accept(2)). */
	if (fd < 0 && errno != ECONNABORTED)
		not_tried("accept");
	return fd;
}

static void wait_for_eof(int fd)
{
	char bytes[BUFSIZ];

	while (recv(fd, bytes, sizeof(bytes), 0) > 0)
		continue;
}

int main(int argc, char **argv)
{
	static const struct option longs[] = {
		{"backlog", required_argument, NULL, 'b'},
		{"accept", required_argument, NULL, 'a'},
		{0},
	};
	enum accept_mode mode = ACCEPT_NONE;
	int backlog = BACKLOG_DEFAULT;
	int c;

	while ((c = getopt_long(argc, argv, "", longs, NULL)) != -1) {
		if (c == 'b')
			backlog = (int)whole_number("--backlog", optarg, 0, INT_MAX);
		else if (c == 'a')
			mode = take_mode(optarg);
		else
			return ENDING_USAGE; /* getopt has said what is wrong */
	}
	if (argc - optind != 1)
		errx(ENDING_USAGE,
		     "usage: tcp-listen [--backlog=N] [--accept=none|hold|close] PORT");
	int listener =
		listen_on((in_port_t)whole_number("PORT", argv[optind], 1, PORT_MAX), backlog);
	for (;;) {
		if (mode == ACCEPT_NONE) {
			pause();
			continue;
		}
		int fd = accept_one(listener);

		if (fd < 0 || mode == ACCEPT_HOLD)
			continue;
		wait_for_eof(fd);
		close(fd);
	}
}
