/* SPDX-License-Identifier: MIT */
#include "reference-app/connect-timeout.h"

/*
 * Practice: connect-timeout.
 *
 * What: connect() on a non-blocking socket, with a deadline of the program's own. The deadline is that
 * of the whole attempt, over all the addresses of the name. When it comes the socket is closed, which
 * also ends the kernel's SYN retransmissions, and the program goes on: to its backoff, to another
 * server, to an error that somebody can read.
 *
 * Why: nothing answers the SYN to a host that is off, behind a firewall that drops, or behind a cut
 * cable. Nor is there an answer from a server that is alive and has a full accept queue: the kernel
 * drops the SYN silently there (listen(2)), and it does so with net.ipv4.tcp_abort_on_overflow set too,
 * which resets only handshakes that were under way when the queue filled. A connect() left to itself
 * then lasts as long as the kernel retransmits:
 *   - with net.ipv4.tcp_syn_retries = 6, the default, 1 + 2 + 4 + ... + 64 = 127 s; with 3 it is 15 s
 *     (tcp(7), RFC 6298 section 5: the first wait is 1 s, and each is twice the one before);
 *   - from Linux 6.5 on 131 s and 19 s: net.ipv4.tcp_syn_linear_timeouts = 4 retransmissions a second
 *     apart come first (kernel Documentation/networking/ip-sysctl.rst).
 * An address on the own link that nobody has costs three ARP or ND requests, 1 s apart, before
 * connect() fails with EHOSTUNREACH (arp(7): mcast_solicit, retrans_time). Only a refusal (RST) and a
 * missing route fail at once, and need no deadline.
 *
 * A blocking connect() has no deadline to set: SO_SNDTIMEO bounds it, but leaves the attempt running
 * (socket(7), connect(2): EINPROGRESS), and an alarm does not belong to a library.
 *
 * Figures: 3 s. That lets a lost SYN be sent again at 1 s (from Linux 6.5 on also at 2 s) and leaves
 * two round trips of the slowest networks for the answer. Less than 1 s makes every lost SYN a failed
 * attempt.
 */

const nsec_t connect_timeout_default = 3 * NSEC_PER_SEC;

nsec_t connect_deadline(nsec_t timeout, bool practice, nsec_t now)
{
	return practice ? now + timeout : NSEC_NEVER;
}
