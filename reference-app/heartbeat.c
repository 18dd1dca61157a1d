/* SPDX-License-Identifier: MIT */
#include "reference-app/heartbeat.h"

/*
 * Practice: heartbeat.
 *
 * What: a PING on the business connection itself whenever nothing was received for an interval I. A
 * miss is a tick with nothing received since the previous PING; at the K-th consecutive miss the peer
 * is dead and the connection is given up.
 *
 * Why: a peer that crashes, loses its cable or is cut off by a firewall sends no FIN and no RST, and
 * a TCP connection on which nothing is sent stays ESTABLISHED for ever. The kernel's own means are too
 * slow or see too little:
 *   - keepalive (tcp(7)): 7200 s + 9 * 75 s by default, and off unless asked for. It is silent while
 *     data is unacknowledged: then tcp_retries2 decides, 924.6 s with the default 15
 *     (kernel Documentation/networking/ip-sysctl.rst);
 *   - TCP_USER_TIMEOUT (RFC 5482, tcp(7)) bounds unacknowledged data, not an idle connection;
 *   - neither notices a process that is stopped or deadlocked: its kernel goes on acknowledging.
 * A heartbeat on a connection of its own would watch the wrong cable.
 *
 * Figures: I = 5 s (5 to 20 s is advised), K = 3 (2 to 5). The last byte came at r: PING at r + I,
 * misses at r + 2I ... r + (K + 1)I. On an idle connection the bytes are the answers to PINGs, I + RTT
 * apart, so a peer that dies between two of them is noticed [K * I - RTT, (K + 1) * I] later. K = 1 or
 * an interval below the network's jitter gives false alarms: one late answer is then a death.
 *
 * The side that answers sees a byte at least each I + RTT from a peer that lives, so a silence of
 * (K + 1) * I gives it the same bounds without PINGs of its own. But for one case: a peer that is busy
 * receiving a long answer over a narrow line has no reason to ask. Its taking of that answer counts as
 * life there (tcp(7), TCP_INFO: tcpi_bytes_acked), for the side that answers sends nothing else. The
 * side that asks must not count it: a stopped process's kernel acknowledges PINGs.
 *
 * The timer is lazy: a received byte moves `due` and a tick that comes too early is answered with
 * HEARTBEAT_EARLY, so traffic costs no timer operations.
 */

const struct heartbeat_policy heartbeat_default = {
	.interval = 5 * NSEC_PER_SEC,
	.max_misses = 3,
};

void heartbeat_start(struct heartbeat *hb, const struct heartbeat_policy *policy, nsec_t now)
{
	hb->policy = *policy;
	heartbeat_received(hb, now);
}

void heartbeat_received(struct heartbeat *hb, nsec_t now)
{
	hb->due = now + hb->policy.interval;
	hb->misses = 0;
	hb->asked = false;
}

enum heartbeat_verdict heartbeat_tick(struct heartbeat *hb, nsec_t now)
{
	if (now < hb->due)
		return HEARTBEAT_EARLY;
	/* From now, not from `due`: after a stall one PING is owed, not a burst of instant misses. */
	hb->due = now + hb->policy.interval;
	if (!hb->asked) {
		hb->asked = true;
		return HEARTBEAT_PING;
	}
	hb->misses++;
	return hb->misses < hb->policy.max_misses ? HEARTBEAT_MISS : HEARTBEAT_DEAD;
}

nsec_t heartbeat_silence_deadline(const struct heartbeat_policy *policy, nsec_t last_received)
{
	return last_received + policy->interval * ((nsec_t)policy->max_misses + 1);
}
