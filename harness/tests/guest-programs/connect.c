/* SPDX-License-Identifier: MIT */
#include "harness/tests/guest-programs/connect.h"

#include <err.h>
#include <netdb.h>
#include <string.h>
#include <sys/socket.h>

int ip4_socket(int type)
{
	int fd = socket(AF_INET, type | SOCK_CLOEXEC, 0);

	if (fd < 0)
		err(ENDING_REFUSED, "socket");
	return fd;
}

int connect_to(const char *service, int type)
{
	const struct addrinfo hints = {.ai_family = AF_INET, .ai_socktype = type};
	char host[NI_MAXHOST];
	const char *colon = strrchr(service, ':');
	struct addrinfo *found;
	int fd = ip4_socket(type);

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
