/* SPDX-License-Identifier: MIT */
#include "reference-app/backoff.h"

#include <limits.h>

/*
 * Practice: backoff.
 *
 * What: before attempt i a client waits b + rand(0,1) * jitter * b, b = min(base * factor^i, cap).
 * The first attempt after a lost connection waits too (i = 0), because all clients of a server that
 * died lost their connections in the same moment. The steps start afresh when a connection has lived
 * for a healthy time: a server that accepts and at once drops its clients must not be tried each
 * second for ever.
 *
 * Why: clients that try again at once, or all after the same wait, come back as a herd. The herd
 * overflows the accept queue (listen(2): a SYN to a full queue is dropped silently), everybody times
 * out and everybody comes back together again. Growth takes the load off; jitter spreads what is left;
 * the cap keeps a client from staying away long after the outage is over.
 *
 * Figures: 1, 2, 4 ... 64 s, jitter 100 %, so a wait lies in [b, 2b] and its mean is 1.5 b. The idea
 * is that of Ethernet's and of RFC 6298's retransmission timer (section 5.5); gRPC's "connection
 * backoff protocol" document gives the same formula for reconnecting. Without jitter the growth alone
 * keeps the herd together.
 *
 * The healthy time is 10 s, or the cap where that is shorter: long enough for a fresh server to prove
 * itself, short enough that the next outage is not punished for the last one.
 */

#define HEALTHY (10 * NSEC_PER_SEC)

const struct backoff_policy backoff_default = {
	.base = 1 * NSEC_PER_SEC,
	.factor = 2,
	.cap = 64 * NSEC_PER_SEC,
	.jitter = 1.0,
	.healthy = HEALTHY,
};

const struct backoff_policy backoff_naive = {
	.base = 100 * NSEC_PER_MSEC,
	.factor = 1,
	.cap = 100 * NSEC_PER_MSEC,
	.jitter = 0,
	.healthy = 0,
};

void backoff_init(struct backoff *backoff, const struct backoff_policy *policy)
{
	backoff->policy = *policy;
	backoff->step = 0;
}

nsec_t backoff_wait(const struct backoff_policy *policy, unsigned step, double unit_random)
{
	double cap = (double)policy->cap;
	double b = (double)policy->base;

	/* Step by step, and only up to the cap: factor^step alone would overflow. */
	if (policy->factor > 1)
		for (unsigned i = 0; i < step && b < cap; i++)
			b *= policy->factor;
	if (b > cap)
		b = cap;
	return (nsec_t)(b + unit_random * policy->jitter * b);
}

nsec_t backoff_next(struct backoff *backoff, double unit_random)
{
	nsec_t wait = backoff_wait(&backoff->policy, backoff->step, unit_random);

	if (backoff->step < UINT_MAX)
		backoff->step++;
	return wait;
}

void backoff_lost(struct backoff *backoff, nsec_t lifetime)
{
	if (lifetime >= backoff->policy.healthy)
		backoff->step = 0;
}

nsec_t backoff_healthy_for(nsec_t cap)
{
	return cap < HEALTHY ? cap : HEALTHY;
}
