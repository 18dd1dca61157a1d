/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_TESTS_TESTFRAME_H
#define WIRECUT_FAULTS_TESTS_TESTFRAME_H

#include "faults/wire/packet.h"

/* Frames between the hosts of testplan.h, written by hand. Checksums are left out. */
struct testframe {
	uint8_t bytes[512];
	size_t len;
};

struct testsegment {
	int from, to; /* hosts */
	bool ip6;
	uint8_t flags;         /* TCP_FLAG_*; 0 with a protocol of 0: ACK */
	uint16_t sport, dport; /* 0: 40000 and 8000, as seen from host 0 */
	uint32_t seq, ack;
	uint16_t window; /* 0: 65535 */
	bool closed_window;
	uint32_t payload;
	int window_scale; /* of a SYN; 0: no option */
};

struct testframe testframe_tcp(struct testsegment s);

/* A datagram of 4 bytes that hold `id`. */
struct testframe testframe_udp(int from, int to, uint32_t id);
uint32_t testframe_id(const uint8_t *bytes);

#endif
