/* SPDX-License-Identifier: MIT */
#ifndef REF_BACKOFF_H
#define REF_BACKOFF_H

#include "reference-app/clock.h"

/* Theory, figures and sources: backoff.c. Pure: it owns no clock and no generator. */

struct backoff_policy {
	nsec_t base;    /* of the first wait */
	double factor;  /* at least 1: each wait's base is the one before times this */
	nsec_t cap;     /* no base grows beyond it */
	double jitter;  /* the share of the base that is added at random, 1.0 is 100 % */
	nsec_t healthy; /* a connection that lived this long starts the waits afresh */
};

/* 1s/2/64s/100%. */
extern const struct backoff_policy backoff_default;

/* What a program without the practice does: tries again after a short fixed wait, for ever. */
extern const struct backoff_policy backoff_naive;

struct backoff {
	struct backoff_policy policy;
	unsigned step;
};

void backoff_init(struct backoff *backoff, const struct backoff_policy *policy);

/* The wait before attempt number `step` (from 0): b + unit_random * jitter * b with
 * b = min(base * factor^step, cap). unit_random lies in [0, 1) and must come from a stream that no
 * other client shares. */
nsec_t backoff_wait(const struct backoff_policy *policy, unsigned step, double unit_random);

/* The wait before the next attempt, after a failed attempt or a lost connection; moves on one step. */
nsec_t backoff_next(struct backoff *backoff, double unit_random);

/* A connection that had lived for `lifetime` was lost. Call it before backoff_next. */
void backoff_lost(struct backoff *backoff, nsec_t lifetime);

/* The healthy time that suits a cap: 10 s, or the cap where that is shorter. */
nsec_t backoff_healthy_for(nsec_t cap);

#endif
