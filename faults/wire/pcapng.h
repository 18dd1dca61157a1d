/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_PCAPNG_H
#define WIRECUT_WIRE_PCAPNG_H

#include "faults/wire/sinks.h"

/*
 * Writes a capture file in the pcapng format (draft-ietf-opsawg-pcapng): one section, one interface
 * a host, one Enhanced Packet Block a packet with its comment. The same input gives the same bytes.
 */
struct pcapng;

/*
 * Takes over nothing: `fd` stays the caller's and must outlive the writer. `scenario` becomes the
 * section's comment, the plan's hosts become the interfaces. `epoch` is added to every time, so that
 * readers show the time of day. NULL: out of memory.
 */
struct pcapng *pcapng_new(int fd, const struct plan *plan, nsec_t epoch);
void pcapng_free(struct pcapng *p);

/* Adds a packet. Buffered: an error of the file shows up in the two below. */
void pcapng_write(struct pcapng *p, const struct capture *c);

/* -1 and *err if any write since the start failed. */
int pcapng_check(const struct pcapng *p, struct err *err);

/* Writes what is buffered, on to the disk; then as pcapng_check(). */
int pcapng_close(struct pcapng *p, struct err *err);

#endif
