/* SPDX-License-Identifier: MIT */
#include "reference-app/port-policy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/*
 * Practice: port-policy.
 *
 * What: a service listens outside the range that its kernel takes ports of outgoing connections from,
 * and refuses to start inside it.
 *
 * Why: connect() without bind() gets a local port out of net.ipv4.ip_local_port_range, 32768 to 60999
 * unless it was changed (ip-sysctl.rst). A service whose port lies in there finds it taken, once in a
 * while, by a connection of any other program of the machine, a sidecar, an agent, or itself: bind()
 * fails with EADDRINUSE, and SO_REUSEADDR does not help, for that connection's socket has not set it.
 * It hits a restart, when the port was free for a moment, and the machine with the most outgoing
 * connections. Nothing is wrong with the service then, and nobody finds out who it was.
 *
 * The kernel takes ports of the parity of the range's start first (since Linux 4.2; __inet_hash_connect()
 * in net/ipv4/inet_hashtables.c): a port of the other parity is safe for as long as half of the range
 * suffices, which makes the failure rarer and harder to find, not impossible.
 *
 * net.ipv4.ip_local_reserved_ports takes single ports out of the range: such a port is as good as any,
 * as long as every machine has the setting. Hence a warning.
 *
 * Kubernetes gives 30000 to 32767 to services of type NodePort (--service-node-port-range of
 * kube-apiserver): on a node whoever listens there may be passed over by its rules. It is no error
 * elsewhere. Hence a warning too.
 */

#define LOCAL_RANGE    "/proc/sys/net/ipv4/ip_local_port_range"
#define RESERVED       "/proc/sys/net/ipv4/ip_local_reserved_ports"
#define NODEPORT_FIRST 30000
#define NODEPORT_LAST  32767

_Static_assert(PORT_SERVICE < PORT_OWN_END, "the own ports lie together, below every range");

static int within(uint16_t port, struct port_range range)
{
	return port >= range.first && port <= range.last;
}

/* Whether the list, as the sysctl has it ("8080,9000-9010"), names the port. */
static int is_listed(uint16_t port, const char *list)
{
	while (*list) {
		char *end;
		unsigned long first = strtoul(list, &end, 10);
		unsigned long last = *end == '-' ? strtoul(end + 1, &end, 10) : first;

		if (end == list)
			return 0;
		if (port >= first && port <= last)
			return 1;
		list = end + strspn(end, ", \n");
	}
	return 0;
}

enum port_verdict port_judge(uint16_t port, struct port_range local, const char *reserved)
{
	const struct port_range nodeport = {NODEPORT_FIRST, NODEPORT_LAST};

	if (within(port, local))
		return is_listed(port, reserved) ? PORT_RESERVED : PORT_EPHEMERAL;
	return within(port, nodeport) ? PORT_NODEPORT : PORT_GOOD;
}

/* The first line of the file; the caller frees it. NULL: it cannot be read. */
static char *read_line(const char *path)
{
	FILE *file = fopen(path, "re");
	char *line = NULL;
	size_t size = 0;

	if (!file)
		return NULL;
	if (getline(&line, &size, file) < 0) {
		free(line);
		line = NULL;
	}
	fclose(file);
	return line;
}

static int read_range(struct port_range *ret)
{
	char *line = read_line(LOCAL_RANGE);
	int n = line ? sscanf(line, "%hu %hu", &ret->first, &ret->last) : 0;

	free(line);
	return n == 2 ? 0 : -1;
}

static void say(enum port_verdict verdict, uint16_t port, struct port_range local, struct why *why)
{
	switch (verdict) {
	case PORT_GOOD:
		why->text[0] = '\0';
		break;
	case PORT_NODEPORT:
		why_set(why,
			"port %u lies in Kubernetes' NodePort range, %u to %u: on a node it may be "
			"somebody else's",
			port, NODEPORT_FIRST, NODEPORT_LAST);
		break;
	case PORT_RESERVED:
		why_set(why,
			"port %u lies in net.ipv4.ip_local_port_range, %u to %u, and is safe only "
			"while net.ipv4.ip_local_reserved_ports names it",
			port, local.first, local.last);
		break;
	case PORT_EPHEMERAL:
		why_set(why,
			"port %u lies in net.ipv4.ip_local_port_range, %u to %u: any outgoing "
			"connection of this machine may hold it. Listen below %u, or add it to "
			"net.ipv4.ip_local_reserved_ports",
			port, local.first, local.last,
			local.first < PORT_OWN_END ? local.first : PORT_OWN_END);
		break;
	}
}

enum port_verdict port_policy_check(uint16_t port, struct why *why)
{
	struct port_range local;
	enum port_verdict verdict;
	char *reserved;

	if (read_range(&local) < 0) {
		why_set(why, "%s cannot be read: whether port %u is anybody's is not known",
			LOCAL_RANGE, port);
		return PORT_GOOD;
	}
	/* An empty list is an empty line; a missing one reserves nothing. */
	reserved = read_line(RESERVED);
	verdict = port_judge(port, local, reserved ? reserved : "");
	free(reserved);
	say(verdict, port, local, why);
	return verdict;
}
