/* SPDX-License-Identifier: MIT */
#include "harness/judge/stall.h"

#include "harness/judge/bound.h"
#include "harness/judge/expect.h"
#include "harness/judge/model.h"
#include "harness/judge/tolerance.h"

/* A stall is recorded at the end of the 100 ms in which it was the worst, or of the next. */
#define RECORDED_WITHIN (200 * NSEC_PER_MSEC)

/* What is to come by the end of the run, and is later by no more, could have come in time. */
#define END_TOLERANCE NSEC_PER_SEC

/* Of an expectation without a bound in time. */
#define SPAN_NORMAL (5 * NSEC_PER_SEC)
/* Waits are recorded each half second: what was waited for before the span is in the first record. */
#define WAITS_OVERLAP NSEC_PER_SEC

nsec_t stall_span(const struct plan_expect *e)
{
	return e->spec.within == NSEC_UNSET ? SPAN_NORMAL : e->spec.within;
}

static bool is_stall(const struct observation *o)
{
	return o->source == OBS_LAG && o->event == EV_STALL;
}

/* The two apps that waited longest for a processor within [from, to], together. */
static nsec_t starved_between(const struct plan *plan, const struct observations *obs, nsec_t from,
			      nsec_t to)
{
	_cleanup_arena_ struct arena scratch = {0};
	nsec_t *waited = arena_new_array(&scratch, nsec_t, plan->apps.n + 1);
	nsec_t most = 0, second = 0;

	vec_foreach (o, &obs->list)
		if (is_stall(o) && o->lag.stage == LAG_STARVED && o->app >= 0 &&
		    (size_t)o->app < plan->apps.n && o->t >= from && o->t <= to)
			waited[o->app] = nsec_earlier(waited[o->app] + o->lag.lag, LAG_MAX);
	for (size_t i = 0; i < plan->apps.n; i++) {
		if (waited[i] > most) {
			second = most;
			most = waited[i];
		} else if (waited[i] > second) {
			second = waited[i];
		}
	}
	return most + second;
}

struct stall stall_until(const struct plan *plan, const struct observations *obs, nsec_t t,
			 nsec_t span)
{
	static const int times[LAG_N_STAGES] = {
		[LAG_FORWARDER] = 1, [LAG_INIT] = 1, [LAG_CANARY] = 2};
	nsec_t worst[LAG_N_STAGES] = {0};
	struct stall stall = {
		.early = 0,
		.late = starved_between(plan, obs, t - span - WAITS_OVERLAP, t + RECORDED_WITHIN),
	};

	vec_foreach (o, &obs->list) {
		if (!is_stall(o) || o->lag.stage >= LAG_N_STAGES)
			continue;
		/* One that has begun by then counts, however long it lasted: what it hid is late. */
		if (o->t >= 0 && o->t - o->lag.lag <= t + RECORDED_WITHIN &&
		    o->lag.lag > worst[o->lag.stage])
			worst[o->lag.stage] = o->lag.lag;
	}
	for (int i = 0; i < LAG_N_STAGES; i++)
		stall.late += worst[i] * times[i];
	stall.early = worst[LAG_FORWARDER] + worst[LAG_INIT];
	stall.held = worst[LAG_FORWARDER] + worst[LAG_CANARY];
	return stall;
}

static void later(nsec_t *bound, nsec_t by)
{
	if (*bound != NSEC_UNSET && *bound != NSEC_NEVER)
		*bound += by;
}

struct plan_expect stall_relax(const struct plan_expect *e, const struct stall *stall)
{
	struct plan_expect relaxed = *e;

	later(&relaxed.spec.within, stall->late);
	later(&relaxed.spec.at_time, stall->late);
	later(&relaxed.spec.by_time, stall->late);
	later(&relaxed.spec.during_from, stall->late);
	later(&relaxed.spec.not_before, -stall->early);
	return relaxed;
}

struct plan_expect stall_extend(const struct plan_expect *e, const struct stall *stall)
{
	struct plan_expect extended = stall_relax(e, stall);

	extended.spec.during_from = e->spec.during_from;
	later(&extended.spec.during_to, stall->late);
	return extended;
}

bool stall_outlasts(const struct plan *plan, const struct plan_expect *relaxed,
		    const struct stall *stall)
{
	const struct expect_ops *ops = relaxed->spec.ops;
	nsec_t deadline = ops->deadline ? ops->deadline(plan, relaxed) : NSEC_UNSET;

	if (deadline == NSEC_UNSET)
		return stall->late > END_TOLERANCE;
	return deadline > plan->duration;
}

/*
 * For how long init stood still over the moment t, by more than its polls come apart; 0: it did not. What
 * it noted within *ret may have come before t or after it, as it may be stamped too late, and a sample
 * may have been taken too late.
 */
static nsec_t stall_over(const struct observations *obs, nsec_t t, struct window *ret)
{
	nsec_t worst = 0;

	*ret = (struct window){t, t};
	vec_foreach (o, &obs->list) {
		if (!is_stall(o) || o->lag.stage != LAG_INIT || o->lag.lag <= TOLERANCE_POLLED)
			continue;
		/* It may have begun before anything was due, and is followed by what it held up. */
		struct window w = {o->t - o->lag.lag - POLL_PERIOD, o->t + POLL_PERIOD};

		if (t < w.from || t > w.to)
			continue;
		worst = nsec_later(worst, o->lag.lag);
		ret->from = nsec_earlier(ret->from, w.from);
		ret->to = nsec_later(ret->to, w.to);
	}
	return worst;
}

bool stall_read(const struct plan *plan, const struct observations *obs,
		const struct plan_expect *e, size_t i, struct stall_reading *ret)
{
	ret->expect = *e;
	struct expect_spec *spec = &ret->expect.spec;
	nsec_t *moments[] = {&spec->at_time, &spec->by_time, &spec->during_from, &spec->during_to};
	size_t n_moments = sizeof(moments) / sizeof(moments[0]);
	struct window hidden;

	for (size_t k = 0; k < n_moments; k++) {
		/* What the end of the run hides is stall_over_end()'s. */
		if (*moments[k] == NSEC_UNSET || *moments[k] >= plan->duration)
			continue;
		ret->stall = stall_over(obs, *moments[k], &hidden);
		if (!ret->stall)
			continue;
		if (i >= 2) {
			i -= 2;
			continue;
		}
		*moments[k] = i == 0 ? nsec_later(hidden.from, 0)
				     : nsec_earlier(hidden.to, plan->duration);
		/* It is a stretch still, if only of a moment. */
		if (moments[k] == &spec->during_from)
			*moments[k] = nsec_earlier(*moments[k], e->spec.during_to);
		if (moments[k] == &spec->during_to)
			*moments[k] = nsec_later(*moments[k], e->spec.during_from);
		return true;
	}
	return false;
}

nsec_t stall_over_end(const struct plan *plan, const struct observations *obs)
{
	nsec_t worst = 0;

	vec_foreach (o, &obs->list)
		if (is_stall(o) && o->lag.stage == LAG_INIT && o->t >= plan->duration &&
		    o->t - o->lag.lag < plan->duration)
			worst = nsec_later(worst, o->lag.lag);
	return worst > RECORDED_WITHIN ? worst : 0;
}
