/* SPDX-License-Identifier: MIT */
/*
 * Connects, closes, and ends: what becomes of the socket is the kernel's affair alone.
 *
 *	tcp-close HOST:PORT
 *
 * Status 0: it was connected and is closed; the others are in service.h.
 */
#include <err.h>
#include <stdio.h>
#include <unistd.h>

#include "scenarios/kernel/programs/service.h"

int main(int argc, char **argv)
{
	if (argc != 2)
		errx(ENDING_USAGE, "usage: tcp-close HOST:PORT");
	struct service service = service_find(argv[1]);
	int fd = tcp_socket(service.addr.ss_family);

	if (connect(fd, (const struct sockaddr *)&service.addr, service.len) < 0)
		not_tried("connect");
	if (close(fd) < 0)
		not_tried("close");
	puts("connected and closed");
	return ENDING_EXPECTED;
}
