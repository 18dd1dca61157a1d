/* SPDX-License-Identifier: MIT */
#ifndef REF_PORT_POLICY_H
#define REF_PORT_POLICY_H

#include <stddef.h>
#include <stdint.h>

#include "reference-app/why.h"

/* Theory and sources: port-policy.c. */

/* The ports of this service, in one table: all of them below PORT_OWN_END. */
enum service_port {
	PORT_SERVICE = 8000,
};
#define PORT_OWN_END 9000

struct port_range {
	uint16_t first;
	uint16_t last; /* inclusive */
};

enum port_verdict {
	PORT_GOOD,
	PORT_NODEPORT,  /* good on a machine of its own, and somebody else's on a Kubernetes node */
	PORT_RESERVED,  /* ephemeral, but the kernel was told to leave it alone */
	PORT_EPHEMERAL, /* any outgoing connection may have it */
};

/* What a listening port is, where `local` is net.ipv4.ip_local_port_range and `reserved` the text of
 * net.ipv4.ip_local_reserved_ports: "8080,9000-9010", or empty. */
enum port_verdict port_judge(uint16_t port, struct port_range local, const char *reserved);

/* port_judge() by the sysctls of this network namespace, with what there is to say about it in *why.
 * A kernel that does not show them decides nothing: PORT_GOOD, and *why says so. */
enum port_verdict port_policy_check(uint16_t port, struct why *why);

#endif
