/* SPDX-License-Identifier: MIT */
#ifndef REF_LISTENER_H
#define REF_LISTENER_H

#include <stdbool.h>

#include "reference-app/address.h"
#include "reference-app/why.h"

/*
 * Opens a non-blocking listening socket, with SO_REUSEADDR if `reuse_addr` (reuse-addr.c). Without a
 * host it takes both families: [::] with IPV6_V6ONLY off, or 0.0.0.0 where the kernel has no IPv6. Of
 * a host's addresses the first that can be bound is taken, but a port that is taken or forbidden on
 * one ends it: to listen on another would hide that. Returns the descriptor and its address, or -1.
 */
int listener_open(const struct host_port *name, int backlog, bool reuse_addr,
		  struct address *ret_address, struct why *why);

#endif
