/* SPDX-License-Identifier: MIT */
#include "scenarios/kernel/programs/service.h"

#include <err.h>
#include <errno.h>
#include <netdb.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

struct service service_find(const char *text)
{
	const struct addrinfo hints = {.ai_family = AF_UNSPEC, .ai_socktype = SOCK_STREAM};
	char host[NI_MAXHOST];
	const char *colon = strrchr(text, ':');
	const char *start = text + (*text == '[');
	const char *end = colon && colon > start && colon[-1] == ']' ? colon - 1 : colon;
	struct addrinfo *found;
	struct service s = {0};

	if (!colon || end <= start || (size_t)(end - start) >= sizeof(host) || colon[1] == '\0')
		errx(ENDING_USAGE, "'%s' is not host:port", text);
	memcpy(host, start, (size_t)(end - start));
	host[end - start] = '\0';
	int rc = getaddrinfo(host, colon + 1, &hints, &found);
	if (rc != 0)
		errx(ENDING_NOT_TRIED, "%s: %s", text, gai_strerror(rc));
	memcpy(&s.addr, found->ai_addr, found->ai_addrlen);
	s.len = found->ai_addrlen;
	freeaddrinfo(found);
	return s;
}

int tcp_socket(int family)
{
	int fd = socket(family, SOCK_STREAM | SOCK_CLOEXEC, 0);

	if (fd < 0)
		not_tried("socket");
	return fd;
}

long whole_number(const char *name, const char *text, long min, long max)
{
	char *end;

	errno = 0;
	long n = strtol(text, &end, 10);
	if (errno != 0 || end == text || *end != '\0' || n < min || n > max)
		errx(ENDING_USAGE, "%s: '%s' is not a whole number from %ld to %ld", name, text,
		     min, max);
	return n;
}

void set_option(int fd, int level, int option, int value)
{
	if (setsockopt(fd, level, option, &value, sizeof(value)) < 0)
		not_tried("setsockopt");
}

void not_tried(const char *what)
{
	err(ENDING_NOT_TRIED, "%s", what);
}

double now_s(void)
{
	struct timespec t;

	clock_gettime(CLOCK_MONOTONIC, &t);
	return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}
