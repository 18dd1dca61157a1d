/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_CORRUPTION_H
#define WIRECUT_NETEM_CORRUPTION_H

#include "faults/wire/packet.h"

/*
 * netem turns a bit of a frame over wherever it lies, from the Ethernet header on; what becomes of the
 * frame then depends on where. True: its receiver throws it away, because a checksum or an address
 * is wrong. False: nobody notices (the source link address; of IPv6, which has no checksum of its
 * own, the traffic class, the flow label and the hop limit; what lies behind the IP packet).
 *
 * `p` is the frame as it was before; `offset`: of the byte with that bit. Pure.
 */
bool corruption_is_noticed(const struct packet *p, size_t offset);

#endif
