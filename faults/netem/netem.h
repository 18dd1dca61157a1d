/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_NETEM_H
#define WIRECUT_NETEM_NETEM_H

#include "faults/wire/forwarder.h"

/*
 * The process that is the link engine netem: to the sandbox's init it is what forwarder_run() is, but
 * frames are moved by the kernel's bridges, and faults are carried out by netem qdiscs on the ports
 * and the inner ends of the cables. It tells the qdiscs what to do, and watches.
 */
int netem_run(const struct forwarder_config *config);

#endif
