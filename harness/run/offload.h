/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_OFFLOAD_H
#define WIRECUT_RUN_OFFLOAD_H

#include "harness/base/err.h"

/*
 * Turns off checksum and segmentation offloads of an interface of the caller's network namespace,
 * so that a packet on the cable is a packet: complete, summed, no larger than the MTU. (With tx
 * checksums left to a device that is not there, connections through a userspace forwarder only
 * time out.)
 */
int offload_disable(const char *ifname, struct err *err);

#endif
