/* SPDX-License-Identifier: MIT */
#include "reference-app/listener.h"

#include <errno.h>
#include <netinet/in.h>
#include <unistd.h>

#include "reference-app/reuse-addr.h"

static int bind_and_listen(int fd, const struct address *address, int backlog, bool reuse_addr)
{
	const int off = 0;

	if (reuse_addr_set(fd, reuse_addr) < 0)
		return -1;
	if (address->storage.ss_family == AF_INET6 &&
	    setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof(off)) < 0)
		return -1;
	if (bind(fd, (const struct sockaddr *)&address->storage, address->len) < 0)
		return -1;
	return listen(fd, backlog);
}

/* The descriptor, or -1 with errno set. */
static int open_one(const struct address *address, int backlog, bool reuse_addr)
{
	int fd = socket(address->storage.ss_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
	int saved;

	if (fd < 0 || bind_and_listen(fd, address, backlog, reuse_addr) == 0)
		return fd;
	saved = errno;
	close(fd);
	errno = saved;
	return -1;
}

/* getaddrinfo() gives a passive empty host as 0.0.0.0 first; the dual-stack [::] is wanted first. */
static void prefer_ipv6(struct addresses *addresses)
{
	struct address first = addresses->list[0];

	for (unsigned i = 1; i < addresses->len; i++) {
		if (addresses->list[i].storage.ss_family != AF_INET6)
			continue;
		addresses->list[0] = addresses->list[i];
		addresses->list[i] = first;
		return;
	}
}

int listener_open(const struct host_port *name, int backlog, bool reuse_addr,
		  struct address *ret_address, struct why *why)
{
	struct addresses addresses;

	if (addresses_resolve(name, true, &addresses, why) < 0)
		return -1;
	if (!name->host[0] && addresses.list[0].storage.ss_family != AF_INET6)
		prefer_ipv6(&addresses);
	for (unsigned i = 0; i < addresses.len; i++) {
		int fd = open_one(&addresses.list[i], backlog, reuse_addr);
		char text[ADDRESS_TEXT_MAX];

		if (fd >= 0) {
			*ret_address = addresses.list[i];
			return fd;
		}
		why_errno(why, "listen on %s", address_text(text, &addresses.list[i]));
		/* Half of the addresses would be a server that some clients cannot reach. */
		if (errno == EADDRINUSE || errno == EACCES)
			return -1;
	}
	return -1;
}
