/* SPDX-License-Identifier: MIT */
/*
 * One TCP connection as fast as it goes, and what it cost, seen by the host that receives it.
 *
 *	tcp-bulk send BYTES HOST:PORT
 *	tcp-bulk receive PORT
 *
 * receive: says "ready" when it listens, takes one connection to its end, and prints
 *
 *	bulk BYTES NANOSECONDS FRAMES BUSY
 *
 * From the first byte until the last: what came, how long that took, how many frames the host's eth0 received
 * and sent meanwhile (acknowledgments are some), and how long the machine's processors together were
 * not idle, in nanoseconds, to the 10 ms that /proc/stat counts in.
 *
 * Status 0, 2 for a wrong argument, 3 when the kernel refused something.
 */
#include <err.h>
#include <errno.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "harness/tests/guest-programs/connect.h"

#define NSEC_PER_SEC 1000000000LL
#define PORT_MAX     65535
#define BYTES_MAX    1000000000000LL
#define BLOCK_BYTES  (64 << 10)

static char block[BLOCK_BYTES];

static long long whole_number(const char *name, const char *text, long long min, long long max)
{
	char *end;

	errno = 0;
	long long n = strtoll(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < min || n > max)
		errx(ENDING_USAGE, "%s: '%s' is not a whole number from %lld to %lld", name, text,
		     min, max);
	return n;
}

/* -- send ------------------------------------------------------------------------------------ */

static int send_all(long long bytes, const char *service)
{
	int fd = connect_to(service, SOCK_STREAM);

	while (bytes > 0) {
		size_t len = bytes < BLOCK_BYTES ? (size_t)bytes : BLOCK_BYTES;
		ssize_t n = send(fd, block, len, MSG_NOSIGNAL);

		if (n < 0 && errno != EINTR)
			err(ENDING_REFUSED, "send");
		bytes -= n > 0 ? n : 0;
	}
	if (close(fd) < 0)
		err(ENDING_REFUSED, "close");
	return 0;
}

/* -- receive --------------------------------------------------------------------------------- */

struct sample {
	long long t, idle; /* ns; idle: of all processors together */
	unsigned long long frames;
};

static long long monotonic(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return t.tv_sec * NSEC_PER_SEC + t.tv_nsec;
}

static FILE *must_open(const char *path)
{
	FILE *f = fopen(path, "re");

	if (!f)
		err(ENDING_REFUSED, "%s", path);
	return f;
}

/* proc(5): the first line is of all processors, and waiting for a disk is idleness too. */
static long long idle_time(void)
{
	long long idle, waiting;
	FILE *f = must_open("/proc/stat");

	if (fscanf(f, "cpu %*u %*u %*u %lld %lld", &idle, &waiting) != 2)
		errx(ENDING_REFUSED, "/proc/stat has no idle time");
	fclose(f);
	return (idle + waiting) * (NSEC_PER_SEC / sysconf(_SC_CLK_TCK));
}

static unsigned long long frames_of_eth0(void)
{
	unsigned long long received, sent;
	char line[BUFSIZ];
	FILE *f = must_open("/proc/net/dev");

	while (fgets(line, sizeof(line), f)) {
		if (sscanf(line, " eth0: %*u %llu %*u %*u %*u %*u %*u %*u %*u %llu", &received,
			   &sent) != 2)
			continue;
		fclose(f);
		return received + sent;
	}
	errx(ENDING_REFUSED, "/proc/net/dev has no eth0");
}

static struct sample take_sample(void)
{
	return (struct sample){.t = monotonic(), .idle = idle_time(), .frames = frames_of_eth0()};
}

static int accept_one(int port)
{
	const struct sockaddr_in any = {.sin_family = AF_INET, .sin_port = htons((in_port_t)port)};
	int listener = ip4_socket(SOCK_STREAM);

	if (bind(listener, (const struct sockaddr *)&any, sizeof(any)) < 0 ||
	    listen(listener, 1) < 0)
		err(ENDING_REFUSED, "listen on port %d", port);
	puts("ready");
	fflush(stdout);
	int fd = accept(listener, NULL, NULL);
	if (fd < 0)
		err(ENDING_REFUSED, "accept");
	return fd;
}

static int receive_all(int port)
{
	int fd = accept_one(port);
	struct sample before, after;
	long long bytes = 0;
	ssize_t n;

	n = recv(fd, block, sizeof(block), 0);
	before = take_sample();
	while (n > 0 || (n < 0 && errno == EINTR)) {
		n = recv(fd, block, sizeof(block), 0);
		bytes += n > 0 ? n : 0;
	}
	if (n < 0)
		err(ENDING_REFUSED, "receive");
	after = take_sample();
	long long elapsed = after.t - before.t;
	printf("bulk %lld %lld %llu %lld\n", bytes, elapsed, after.frames - before.frames,
	       elapsed * sysconf(_SC_NPROCESSORS_ONLN) - (after.idle - before.idle));
	return 0;
}

/* -------------------------------------------------------------------------------------------- */

int main(int argc, char **argv)
{
	if (argc == 4 && strcmp(argv[1], "send") == 0)
		return send_all(whole_number("BYTES", argv[2], 1, BYTES_MAX), argv[3]);
	if (argc == 3 && strcmp(argv[1], "receive") == 0)
		return receive_all((int)whole_number("PORT", argv[2], 1, PORT_MAX));
	errx(ENDING_USAGE, "usage: tcp-bulk send BYTES HOST:PORT\n"
			   "       tcp-bulk receive PORT");
}
