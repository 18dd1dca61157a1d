/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_TRAFFIC_H
#define WIRECUT_TESTS_TRAFFIC_H

#include <stdint.h>
#include <sys/types.h>

#include "harness/base/nsec.h"

/*
 * Load between two network namespaces, from processes of its own, over whatever joins them. IPv4.
 * All of it aborts on failure: there is nothing to measure then.
 */

enum traffic_kind {
	TRAFFIC_BULK,   /* one TCP connection as fast as it goes: what has no room queues up */
	TRAFFIC_STREAM, /* the same with at most STREAM_BUFFER_BYTES on their way, so little queues */
	TRAFFIC_PACKETS, /* UDP of TRAFFIC_PACKET_BYTES each, so many on their way at most that no
			    receiver's buffer overflows */
};

#define TRAFFIC_PACKET_BYTES 64
#define STREAM_BUFFER_BYTES  (64 * 1024)

/* Counted by the receiver, at any time. */
struct traffic_count {
	_Atomic uint64_t bytes, packets; /* of payload; packets: of UDP only */
};

struct traffic {
	pid_t sender, receiver;
	struct traffic_count *received;
};

/* Returns when the two are connected and it flows. */
struct traffic traffic_start(enum traffic_kind kind, int from_ns, int to_ns, const char *to_ip);
void traffic_stop(struct traffic *t);

/* The CPU time that its two processes have taken. */
nsec_t traffic_cpu(const struct traffic *t);

/* The CPU time that a process has taken, user and system. */
nsec_t process_cpu(pid_t pid);

/*
 * Sends `n` probes, one each `interval`, and gives how long each was on its way: from the stamp
 * that the sender's kernel gave it as it left to that of the receiver's as it came. Lost ones are
 * left out: returns how many there are in ret[].
 */
int probe_delays(int from_ns, const char *from_ip, int to_ns, const char *to_ip, int n,
		 nsec_t interval, nsec_t *ret);

#endif
