/* SPDX-License-Identifier: MIT */
/*
 * Starting, up to t = 0.
 *
 * The apps start in the order of the file, one app (with all its instances) after the other, each
 * when the one before is ready; so a client never meets a server that does not listen yet. Apps
 * with `start: manual` are passed over. When the last one is ready, t = 0.
 */
#include "harness/run/state.h"

#include <errno.h>
#include <unistd.h>

#define READY_LINES 10

/* What it has printed without ending the line may be a prompt; more of the line may follow. */
static bool prompt_matches(const struct app *a)
{
	if (!a->has_log_regex || !a->line_len)
		return false;
	a->line[a->line_len] = '\0';
	return !regexec(&a->log_regex, a->line, 0, NULL, REG_NOTEOL);
}

static bool is_ready(const struct state *s, const struct app *a)
{
	const struct plan_ready *r = &a->plan->ready;

	if (r->listening != COUNT_UNSET)
		return sockets_is_listening(s->sockets, a->index, (int)r->listening);
	if (r->connected_port != COUNT_UNSET)
		return sockets_is_connected(s->sockets, a->index, (int)r->connected_host,
					    (int)r->connected_port);
	if (r->log)
		return a->log_matched || prompt_matches(a);
	if (r->exited != COUNT_UNSET)
		return a->exited_as_asked;
	return true;
}

static const char *missing_text(const struct state *s, const struct app *a, struct arena *arena)
{
	const struct plan_ready *r = &a->plan->ready;

	if (r->listening != COUNT_UNSET)
		return arena_printf(arena, "it has no socket that listens on port %lld",
				    (long long)r->listening);
	if (r->connected_port != COUNT_UNSET)
		return arena_printf(arena, "it has no connection to %s:%lld",
				    s->plan->hosts.v[r->connected_host].name,
				    (long long)r->connected_port);
	if (r->log)
		return arena_printf(arena, "no line of its output matches '%s'", r->log);
	return "it has not ended";
}

static void never_ready(struct state *s, const struct app *a)
{
	struct err err;

	err_set(&err, "app %s was not ready within %g s: %s%s", a->name,
		(double)a->plan->ready_within / 1e9, missing_text(s, a, &s->arena),
		app_last_lines(a, READY_LINES, &s->arena));
	state_fail(s, &err);
}

/* All of a group are started before any of it is looked at. */
static nsec_t ready_deadline(const struct state *s, const struct app *a)
{
	nsec_t from = a->started > s->group_started ? a->started : s->group_started;

	return from + a->plan->ready_within;
}

static bool group_is_ready(struct state *s, nsec_t now)
{
	bool all = true;

	for (size_t i = s->group_first; i < s->next_app; i++) {
		struct app *a = &s->apps[i];

		if (a->plan->manual || a->ready)
			continue;
		a->ready = is_ready(s, a);
		if (a->ready)
			continue;
		all = false;
		if (now < ready_deadline(s, a))
			continue;
		/* A look as late as that: what it needs may have come since the last one. */
		apps_read_output(s, a);
		state_poll_host(s, a->host, true);
		a->ready = is_ready(s, a);
		if (!a->ready) {
			never_ready(s, a);
			break;
		}
	}
	return all;
}

static void start_next_group(struct state *s)
{
	const struct plan *plan = s->plan;

	s->group_first = s->next_app;
	while (s->next_app < plan->apps.n && !s->failure.msg[0] &&
	       !strcmp(plan->apps.v[s->next_app].group, plan->apps.v[s->group_first].group)) {
		struct app *a = &s->apps[s->next_app++];

		if (!a->plan->manual)
			apps_start(s, a);
	}
	s->group_started = nsec_monotonic();
}

static void begin(struct state *s)
{
	struct run_msg msg = {.stage = RUN_READY};
	struct err err = {0};

	s->t0 = nsec_monotonic();
	s->phase = PHASE_RUN;
	state_record(s, OBS_RUN, EV_READY, -1, -1)->t = s->t0;
	if (link_begin(s->link, s->t0, &err) < 0)
		state_fail(s, &err);
	(void)TEMP_FAILURE_RETRY(write(s->control_fd, &msg, sizeof(msg)));
}

void ready_advance(struct state *s)
{
	nsec_t now = nsec_monotonic();

	while (s->phase == PHASE_START && !s->failure.msg[0] && group_is_ready(s, now)) {
		if (s->next_app == s->plan->apps.n)
			begin(s);
		else
			start_next_group(s);
	}
}

nsec_t ready_next_deadline(const struct state *s)
{
	nsec_t next = NSEC_NEVER;

	for (size_t i = s->group_first; s->phase == PHASE_START && i < s->next_app; i++) {
		const struct app *a = &s->apps[i];

		if (!a->plan->manual && !a->ready && ready_deadline(s, a) < next)
			next = ready_deadline(s, a);
	}
	return next;
}

bool ready_waits_for_sockets(const struct state *s, int host)
{
	for (size_t i = s->group_first; s->phase == PHASE_START && i < s->next_app; i++) {
		const struct plan_app *p = s->apps[i].plan;

		if (p->host == host && !s->apps[i].ready && !p->manual &&
		    (p->ready.listening != COUNT_UNSET || p->ready.connected_port != COUNT_UNSET))
			return true;
	}
	return false;
}
