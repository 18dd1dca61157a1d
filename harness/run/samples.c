/* SPDX-License-Identifier: MIT */
/*
 * What is read at moments, and not when something happens: the counters of hosts, what processes
 * use, and, at the moments that expectations name, every host's sockets.
 *
 * The moments are those at which a number may be asked for: t = 0, the edges of the timeline, the
 * times that expectations name and the ends of their spans, each second (cadence.h: less often in a
 * long plan on the virtual clock), and the end. A record bears the time of its moment and not that of
 * its reading, which comes a little later, so that a number asked for at 5 s is found at 5 s; how much
 * later is what the records of lag say. Only what has changed is recorded, so between two records the
 * earlier one holds.
 *
 * A plan in which no expectation asks for any of this is not sampled at all.
 */
#include <stdlib.h>

#include "harness/judge/expect.h"
#include "harness/run/counters.h"
#include "harness/run/state.h"
#include "harness/run/usage.h"

/* Since t = 0. */
struct moment {
	nsec_t at;
	bool reads_sockets;
};

/* The last sample of an instance. */
struct app_sample {
	bool wanted;
	pid_t pid; /* of its first process; 0: that has ended, and others go on, or none was taken yet */
	int64_t fds;
};

struct samples {
	struct counters *counters; /* NULL: none are asked for */
	struct app_sample *apps;   /* of each instance */
	bool any_app;
	VEC(struct moment) moments; /* by time */
	size_t next;
	nsec_t next_period;
};

static unsigned observed(const struct plan *plan)
{
	unsigned all = 0;

	vec_foreach (e, &plan->expects)
		all |= e->spec.ops->observes;
	return all;
}

static void add_moment(struct state *s, nsec_t at, bool reads_sockets)
{
	if (at != NSEC_UNSET && at != NSEC_NEVER && at < s->plan->duration)
		*vec_push(&s->arena, &s->samples->moments) = (struct moment){at, reads_sockets};
}

static int by_time(const void *a, const void *b)
{
	const struct moment *x = a, *y = b;

	return x->at < y->at ? -1 : x->at > y->at;
}

/* The times that an expectation names, and the ends of its spans. */
static void add_moments_of(struct state *s, const struct plan_expect *e)
{
	const struct expect_spec *spec = &e->spec;

	add_moment(s, spec->at_time, true);
	add_moment(s, spec->by_time, true);
	add_moment(s, spec->during_from, true);
	add_moment(s, spec->during_to, true);
	if (!(spec->ops->observes & (OBSERVES_COUNTERS | OBSERVES_LISTENERS)) ||
	    spec->within == NSEC_UNSET)
		return;
	if (e->step < 0)
		add_moment(s, spec->within, true);
	else
		vec_foreach (edge, &s->plan->steps.v[e->step].edges)
			if (edge->off != NSEC_NEVER)
				add_moment(s, edge->off + spec->within, true);
}

/* Who polls sees at a fault's edge what changes there; who does not must look. */
static void add_edges(struct state *s, const struct plan_step *step)
{
	bool reads_sockets = s->cadence.traced && step->step == STEP_FAULT;

	vec_foreach (edge, &step->edges) {
		add_moment(s, edge->on, reads_sockets);
		add_moment(s, edge->off, reads_sockets);
	}
}

static void add_moments(struct state *s)
{
	struct samples *samples = s->samples;

	vec_foreach (e, &s->plan->expects)
		add_moments_of(s, e);
	if (samples->counters || samples->any_app || s->cadence.traced) {
		add_moment(s, 0, s->cadence.traced);
		vec_foreach (step, &s->plan->steps)
			add_edges(s, step);
	}
	if (samples->moments.n)
		qsort(samples->moments.v, samples->moments.n, sizeof(*samples->moments.v), by_time);
}

int samples_create(struct state *s, struct err *err)
{
	struct samples *samples = arena_new(&s->arena, struct samples);
	unsigned asked = observed(s->plan);

	s->samples = samples;
	samples->next_period = s->cadence.sample_period;
	samples->apps = arena_new_array(&s->arena, struct app_sample, s->plan->apps.n);
	samples->any_app = (asked & OBSERVES_FDS) != 0;
	vec_foreach (e, &s->plan->expects)
		for (size_t i = 0; e->spec.ops->observes & OBSERVES_FDS && i < e->apps.n; i++)
			samples->apps[e->apps.v[i]].wanted = true;
	if (asked & OBSERVES_COUNTERS &&
	    counters_new(s->plan, s->hosts, &s->obs, &samples->counters, err) < 0)
		return -1;
	add_moments(s);
	return 0;
}

nsec_t samples_next(const struct state *s)
{
	const struct samples *samples = s->samples;
	nsec_t next = NSEC_NEVER;

	if (s->phase != PHASE_RUN)
		return NSEC_NEVER;
	if (samples->next < samples->moments.n)
		next = samples->moments.v[samples->next].at;
	if ((samples->counters || samples->any_app) && samples->next_period < next)
		next = samples->next_period;
	return next == NSEC_NEVER ? NSEC_NEVER : s->t0 + next;
}

static void sample_apps(struct state *s)
{
	procs_refresh(s->procs);
	for (size_t i = 0; i < s->plan->apps.n; i++) {
		struct app_sample *last = &s->samples->apps[i];
		const struct app *app = &s->apps[i];
		pid_t pid = app_runs(app) ? app->pid : 0;
		struct usage usage;

		if (!last->wanted || !usage_read(s->procs, (int)i, &usage) ||
		    (last->pid == pid && last->fds == usage.fds))
			continue;
		last->pid = pid;
		last->fds = usage.fds;
		struct observation *o = state_record(s, OBS_PROCESS, EV_SAMPLE,
						     (int)s->plan->apps.v[i].host, (int)i);
		o->process = (struct obs_process){.fds = usage.fds, .rss = usage.rss};
	}
}

void samples_take(struct state *s)
{
	struct err err = {0};

	if (s->samples->counters &&
	    counters_sample(s->samples->counters, nsec_monotonic(), &err) < 0)
		state_fail(s, &err);
	if (s->samples->any_app)
		sample_apps(s);
}

void samples_run_due(struct state *s, nsec_t now)
{
	struct samples *samples = s->samples;

	for (nsec_t due; (due = samples_next(s)) <= now && !s->failure.msg[0];) {
		size_t before = s->obs.list.n;
		bool reads_sockets = false;

		for (; samples->next < samples->moments.n &&
		       s->t0 + samples->moments.v[samples->next].at <= due;
		     samples->next++)
			reads_sockets |= samples->moments.v[samples->next].reads_sockets;
		while (s->t0 + samples->next_period <= due)
			samples->next_period += s->cadence.sample_period;
		samples_take(s);
		if (reads_sockets)
			state_poll_sockets(s, true);
		state_date_records(s, before, due, due + LOOK_LATE_MAX);
	}
}

static bool is_on_host(const struct plan *plan, const struct plan_expect *e, int host)
{
	for (size_t i = 0; i < e->hosts.n; i++)
		if (e->hosts.v[i] == host)
			return true;
	for (size_t i = 0; i < e->apps.n; i++)
		if (plan->apps.v[e->apps.v[i]].host == host)
			return true;
	return false;
}

/* Some span of the expectation goes on. */
static bool is_in_span(const struct plan *plan, const struct plan_expect *e, nsec_t t)
{
	if (e->step < 0)
		return t >= 0 && t <= e->spec.within;
	vec_foreach (edge, &plan->steps.v[e->step].edges)
		if (edge->off != NSEC_NEVER && t >= edge->off && t <= edge->off + e->spec.within)
			return true;
	return false;
}

bool samples_watch_sockets(const struct state *s, int host, nsec_t now)
{
	if (s->phase != PHASE_RUN)
		return false;
	vec_foreach (e, &s->plan->expects)
		if (e->spec.ops->observes & OBSERVES_LISTENERS && is_on_host(s->plan, e, host) &&
		    is_in_span(s->plan, e, now - s->t0))
			return true;
	return false;
}
