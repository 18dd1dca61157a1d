/* SPDX-License-Identifier: MIT */
#ifndef REF_ADDRESS_H
#define REF_ADDRESS_H

#include <stdbool.h>
#include <sys/socket.h>

#include "reference-app/why.h"

/* Addresses, from HOST:PORT to what bind() and connect() take. */

#define HOST_TEXT_MAX    256
#define PORT_TEXT_MAX    8
#define ADDRESSES_MAX    16
#define ADDRESS_TEXT_MAX 64

struct host_port {
	char host[HOST_TEXT_MAX]; /* empty: none was named */
	char port[PORT_TEXT_MAX];
};

struct address {
	struct sockaddr_storage storage;
	socklen_t len;
};

struct addresses {
	struct address list[ADDRESSES_MAX];
	unsigned len;
};

/* "server:8000", "10.0.0.1:8000", "[fd00::1]:8000", ":8000". -1: it is none of these. */
int host_port_parse(const char *text, struct host_port *ret);

/* The stream addresses of the name, the first ADDRESSES_MAX in getaddrinfo's order (RFC 6724); it may block on DNS. An empty
 * host is the loopback, or every address when `passive`. */
int addresses_resolve(const struct host_port *name, bool passive, struct addresses *ret,
		      struct why *why);

/* "10.0.0.1:8000", "[fd00::1]:8000". */
const char *address_text(char buffer[ADDRESS_TEXT_MAX], const struct address *address);

/* The address of the other end of a connected socket, in words. */
const char *address_peer_text(char buffer[ADDRESS_TEXT_MAX], int fd);

#endif
