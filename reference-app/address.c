/* SPDX-License-Identifier: MIT */
#include "reference-app/address.h"

#include <arpa/inet.h>
#include <netdb.h>
#include <netinet/in.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include "reference-app/units.h"

int host_port_parse(const char *text, struct host_port *ret)
{
	const char *colon = strrchr(text, ':');
	const char *host = text;
	struct host_port parsed;
	size_t host_len;
	uint64_t port;

	if (!colon || parse_count(colon + 1, strlen(colon + 1), 1, UINT16_MAX, &port) < 0)
		return -1;
	host_len = (size_t)(colon - text);
	if (host_len >= 2 && text[0] == '[' && colon[-1] == ']') {
		host++;
		host_len -= 2;
	} else if (memchr(text, ':', host_len)) {
		return -1; /* an IPv6 address without its brackets is ambiguous */
	}
	if (host_len >= sizeof(parsed.host))
		return -1;
	memcpy(parsed.host, host, host_len);
	parsed.host[host_len] = '\0';
	snprintf(parsed.port, sizeof(parsed.port), "%u", (unsigned)port);
	*ret = parsed;
	return 0;
}

int addresses_resolve(const struct host_port *name, bool passive, struct addresses *ret,
		      struct why *why)
{
	const struct addrinfo hints = {
		.ai_socktype = SOCK_STREAM,
		.ai_flags = AI_NUMERICSERV | (passive ? AI_PASSIVE : 0),
	};
	const char *host = name->host[0] ? name->host : NULL;
	struct addrinfo *found;
	int error;

	error = getaddrinfo(host, name->port, &hints, &found);
	if (error == EAI_SYSTEM)
		return why_errno(why, "resolve %s", name->host);
	if (error)
		return why_set(why, "resolve %s: %s", name->host, gai_strerror(error));
	ret->len = 0;
	for (struct addrinfo *ai = found; ai && ret->len < ADDRESSES_MAX; ai = ai->ai_next) {
		struct address *address = &ret->list[ret->len++];

		memcpy(&address->storage, ai->ai_addr, ai->ai_addrlen);
		address->len = ai->ai_addrlen;
	}
	freeaddrinfo(found);
	return 0;
}

const char *address_text(char buffer[ADDRESS_TEXT_MAX], const struct address *address)
{
	const struct sockaddr_in *in = (const struct sockaddr_in *)&address->storage;
	const struct sockaddr_in6 *in6 = (const struct sockaddr_in6 *)&address->storage;
	char host[INET6_ADDRSTRLEN] = "?";

	if (address->storage.ss_family == AF_INET6) {
		inet_ntop(AF_INET6, &in6->sin6_addr, host, sizeof(host));
		snprintf(buffer, ADDRESS_TEXT_MAX, "[%s]:%u", host, ntohs(in6->sin6_port));
	} else {
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof(host));
		snprintf(buffer, ADDRESS_TEXT_MAX, "%s:%u", host, ntohs(in->sin_port));
	}
	return buffer;
}

const char *address_peer_text(char buffer[ADDRESS_TEXT_MAX], int fd)
{
	struct address peer = {.len = sizeof(peer.storage)};

	if (getpeername(fd, (struct sockaddr *)&peer.storage, &peer.len) < 0)
		snprintf(buffer, ADDRESS_TEXT_MAX, "(gone)");
	else
		address_text(buffer, &peer);
	return buffer;
}
