/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_CARRIER_H
#define WIRECUT_WIRE_CARRIER_H

#include <stdbool.h>

#include "harness/base/err.h"

/*
 * Taking the ports of cables down and up, by rtnetlink(7) in the network namespace in which it was
 * opened. The other end of a veth whose one end is down has no carrier.
 */
struct carrier;

/* NULL and *err on failure. carrier_close() frees it. */
struct carrier *carrier_open(struct err *err);
void carrier_close(struct carrier *c);

/* Returns when the port is as it is to be: a few ms, for the kernel waits for its own readers. */
int carrier_set(struct carrier *c, int ifindex, bool up, struct err *err);

#endif
