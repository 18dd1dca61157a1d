/* SPDX-License-Identifier: MIT */
#include "harness/run/cadence.h"

#include "harness/data/observation.h"
#include "harness/judge/expect.h"

/*
 * From the kernel's word to the change itself there are some instructions; this is time for a
 * program that was interrupted between them, too.
 */
#define SETTLE (500 * NSEC_PER_USEC)
/* So when what had come is read, the looks that it asks for are due: one wake for both. */
#define GATHER SETTLE
/* Looks that may come a little sooner are taken at multiples of this: one wake for all hosts. */
#define COMMON (5 * NSEC_PER_MSEC)
/*
 * A host is looked at no sooner than 50 times what the last look took after it: 2 % of the time. But
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
		.gather = virtual ? GATHER : 0,
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

/* --- the looks at one host --- */

static nsec_t in_common(nsec_t t)
{
	return t - t % COMMON;
}

void host_cadence_init(struct host_cadence *h)
{
	*h = (struct host_cadence){.changed = NSEC_NEVER, .due = NSEC_NEVER};
}

static void suspect(struct host_cadence *h, const struct suspect *one, uint8_t looks)
{
	if (!one) {
		suspects_add_all(&h->suspects, looks);
		return;
	}
	struct suspect told = *one;

	told.looks = looks;
	suspects_add(&h->suspects, &told);
}

void host_cadence_changed(struct host_cadence *h, const struct suspect *one, nsec_t t)
{
	h->changed = nsec_earlier(h->changed, t);
	host_cadence_stirred(h, one, t);
}

void host_cadence_stirred(struct host_cadence *h, const struct suspect *one, nsec_t t)
{
	nsec_t spacing = nsec_earlier(h->cost * COSTS_BETWEEN, POLL_BUSY);

	h->due = nsec_earlier(h->due, nsec_later(t + SETTLE, h->looked + spacing));
	suspect(h, one, SUSPECTS_TWICE);
}

void host_cadence_hint(struct host_cadence *h, const struct suspect *one, nsec_t now)
{
	h->due = nsec_earlier(h->due, nsec_later(now + SETTLE, in_common(h->looked + POLL_BUSY)));
	suspect(h, one, SUSPECTS_ONCE);
}

void host_cadence_ends(struct host_cadence *h, nsec_t t)
{
	/* The kernel's timers are late by up to seconds (kernel/time/timer.c): not at every tick. */
	h->due = nsec_earlier(h->due, nsec_later(t, h->looked + POLL_IDLE));
	suspect(h, NULL, SUSPECTS_ONCE);
}

void host_cadence_begin(struct host_cadence *h, nsec_t now, struct suspects *ret)
{
	*ret = h->suspects;
	h->suspects = (struct suspects){0};
	h->changed = NSEC_NEVER;
	h->due = NSEC_NEVER;
	h->looked = now;
}

void host_cadence_end(struct host_cadence *h, const struct suspects *looked, nsec_t now)
{
	h->cost = now - h->looked;
	if (suspects_keep(&h->suspects, looked))
		h->due = nsec_earlier(h->due, in_common(now + POLL_BUSY));
}
