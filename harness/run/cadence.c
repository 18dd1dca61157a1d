/* SPDX-License-Identifier: MIT */
#include "harness/run/cadence.h"

#include "harness/data/observation.h"
#include "harness/judge/expect.h"

/*
 * From the kernel's word to the change itself there are some instructions; this is time for a
 * program that was interrupted between them, too.
 */
#define SETTLE NSEC_PER_MSEC
/*
 * A host is dumped no sooner than 50 times what its last dump took after it: 2 % of the time. But
 * never later than a poll on the real clock would be, for the bounds that are judged allow no more.
 */
#define COSTS_BETWEEN 50
/* On the virtual clock no plan is sampled more often than this, however long it is. */
#define SAMPLES_MAX 600

struct cadence cadence_of(const struct plan *plan)
{
	bool virtual = plan->clock == CLOCK_VIRTUAL;
	nsec_t spread = virtual ? plan->duration / SAMPLES_MAX : 0;

	return (struct cadence){
		.traced = virtual,
		.canary = !virtual,
		.waits = !virtual,
		.sample_period = spread > NSEC_PER_SEC ? spread : NSEC_PER_SEC,
	};
}

nsec_t cadence_tick(const struct cadence *c, enum phase phase)
{
	/* Start-up is short, and a program may become ready without a word from the kernel. */
	return c->traced && phase != PHASE_START ? NSEC_NEVER : POLL_BUSY;
}

struct cadence_wants cadence_wants(const struct plan *plan, int host)
{
	struct cadence_wants wants = {0};

	vec_foreach (e, &plan->expects) {
		if (!index_list_has(&e->hosts, host))
			continue;
		if (e->spec.ops->observes & OBSERVES_TIMERS)
			wants.packets = true;
		switch (e->spec.state ? tcp_state_parse(e->spec.state) : 0) {
		case STATE_SYN_RECEIVED:
			wants.packets = wants.silent_ends = true;
			break;
		case STATE_FIN_WAIT_2:
		case STATE_TIME_WAIT:
			wants.silent_ends = true;
			break;
		default:
			break;
		}
	}
	return wants;
}

/* --- the dumps of one host --- */

static nsec_t earlier(nsec_t a, nsec_t b)
{
	return a < b ? a : b;
}

static nsec_t later(nsec_t a, nsec_t b)
{
	return a > b ? a : b;
}

void host_cadence_init(struct host_cadence *h)
{
	*h = (struct host_cadence){.changed = NSEC_NEVER, .due = NSEC_NEVER};
}

void host_cadence_changed(struct host_cadence *h, nsec_t t, nsec_t now)
{
	h->changed = earlier(h->changed, t);
	host_cadence_stirred(h, now);
}

void host_cadence_stirred(struct host_cadence *h, nsec_t now)
{
	nsec_t spacing = earlier(h->cost * COSTS_BETWEEN, POLL_BUSY);

	h->due = earlier(h->due, later(now + SETTLE, h->dumped + spacing));
	h->look_again = true;
}

void host_cadence_hint(struct host_cadence *h, nsec_t now)
{
	h->due = earlier(h->due, later(now + SETTLE, h->dumped + POLL_BUSY));
}

void host_cadence_ends(struct host_cadence *h, nsec_t t)
{
	/* The kernel's timers are late by up to seconds (kernel/time/timer.c): not at every tick. */
	h->due = earlier(h->due, later(t, h->dumped + POLL_IDLE));
}

void host_cadence_dumped(struct host_cadence *h, nsec_t began, nsec_t ended)
{
	h->changed = NSEC_NEVER;
	h->dumped = began;
	h->cost = ended - began;
	h->due = h->look_again ? ended + POLL_BUSY : NSEC_NEVER;
	h->look_again = false;
}
