/* SPDX-License-Identifier: MIT */
#include "harness/run/state.h"

#include <signal.h>
#include <stdlib.h>

#include "faults/fault.h"

/* At one time what ends comes first, so that what begins finds it ended; then what is over at once. */
static int phase(const struct state *s, const struct due_step *d)
{
	const struct plan_edge *edge = &s->plan->steps.v[d->step].edges.v[d->edge];

	if (!d->off)
		return 1;
	return edge->off > edge->on ? 0 : 2;
}

static int by_time(const void *a, const void *b, void *state)
{
	const struct due_step *x = a, *y = b;

	if (x->at != y->at)
		return x->at < y->at ? -1 : 1;
	if (phase(state, x) != phase(state, y))
		return phase(state, x) - phase(state, y);
	if (x->step != y->step)
		return x->step < y->step ? -1 : 1;
	return x->edge - y->edge;
}

void steps_create(struct state *s)
{
	for (size_t i = 0; i < s->plan->steps.n; i++) {
		const struct plan_step *step = &s->plan->steps.v[i];
		bool is_fault = step->step == STEP_FAULT;

		if (is_fault && !step->fault.ops->act)
			continue;
		for (size_t e = 0; e < step->edges.n; e++) {
			const struct plan_edge *edge = &step->edges.v[e];

			*vec_push(&s->arena, &s->due) =
				(struct due_step){edge->on, (int)i, (int)e, false};
			if (is_fault && edge->off != NSEC_NEVER)
				*vec_push(&s->arena, &s->due) =
					(struct due_step){edge->off, (int)i, (int)e, true};
		}
	}
	if (s->due.n)
		qsort_r(s->due.v, s->due.n, sizeof(*s->due.v), by_time, s);
	hostfaults_create(s);
}

nsec_t steps_next(const struct state *s)
{
	if (s->phase != PHASE_RUN || s->next_due >= s->due.n)
		return NSEC_NEVER;
	return s->t0 + s->due.v[s->next_due].at;
}

void steps_fail(struct state *s, const struct plan_step *step, const char *what, struct err *err)
{
	err_wrap(err, "%s:%d: %s %s", step->pos.file, step->pos.line, step->kind, what);
	state_fail(s, err);
}

static void step_error(struct state *s, const struct plan_step *step, const char *app,
		       const char *what)
{
	struct err err;

	err_set(&err, "%s", what);
	steps_fail(s, step, app, &err);
}

#define DARK "its host has no power: start it once that is back"

static void stop_app(struct state *s, struct app *a, enum app_intent intent)
{
	a->intent = intent;
	a->kill_at = nsec_monotonic() + a->plan->stop_grace;
	procs_refresh(s->procs);
	kill(a->pid, (int)a->plan->stop_signo);
	kill(a->pid, SIGCONT);
	a->paused = false;
}

/*
 * kill, pause, resume: of a program that left its first process behind, its children. How many
 * processes.
 */
static size_t signal_app(struct state *s, int step, struct app *a)
{
	switch (step) {
	case STEP_KILL:
		a->intent = APP_STOP;
		return procs_signal(s->procs, a->index, SIGKILL);
	case STEP_PAUSE:
		return procs_signal(s->procs, a->index, SIGSTOP);
	case STEP_RESUME:
		return procs_signal(s->procs, a->index, SIGCONT);
	default:
		return 0;
	}
}

/* One step on one instance of an app. How many processes it acted on. */
static size_t act(struct state *s, const struct plan_step *step, struct app *a)
{
	size_t n = 0;

	if (step->step == STEP_START || (step->step == STEP_RESTART && !app_runs(a))) {
		/* It has been told to go: that a busy machine is slow to let it is no error. */
		if (s->hosts[a->host].dark)
			step_error(s, step, a->name, DARK);
		else if (a->pid && (a->intent != APP_RUN || a->ended))
			a->intent = APP_RESTART;
		else if (a->pid)
			step_error(s, step, a->name, "it runs already");
		else
			apps_start(s, a);
		return 0;
	}
	if ((step->step == STEP_STOP || step->step == STEP_RESTART) && app_runs(a)) {
		stop_app(s, a, step->step == STEP_STOP ? APP_STOP : APP_RESTART);
		return 1;
	}
	n = signal_app(s, step->step, a);
	if (!n)
		step_error(s, step, a->name, "it is not running");
	else if (step->step == STEP_PAUSE && a->paused)
		step_error(s, step, a->name, "it is paused already");
	else if (step->step == STEP_RESUME && !a->paused)
		step_error(s, step, a->name, "it is not paused");
	a->paused = step->step == STEP_PAUSE;
	return n;
}

static struct app *exec_app(struct state *s, int step, int edge)
{
	size_t i = s->plan->apps.n;

	for (int k = 0; k < step; k++)
		if (s->plan->steps.v[k].step == STEP_EXEC)
			i += s->plan->steps.v[k].edges.n;
	return &s->apps[i + (size_t)edge];
}

static void exec(struct state *s, const struct plan_step *step, struct app *a)
{
	struct err err = {0};
	struct spawn spawn = {
		.host = &s->hosts[step->exec_host],
		.argv = &step->exec_argv,
		.start_dir = s->config->start_dir,
		.path = s->config->path,
		.nofile = s->config->nofile,
		.pipe_bytes = apps_pipe_bytes(s),
	};

	if (spawn.host->dark) {
		step_error(s, step, spawn.argv->v[0], DARK);
		return;
	}
	if (app_spawn(a, &spawn, s->logs_fd, &err) < 0) {
		err_wrap(&err, "%s:%d: exec", step->pos.file, step->pos.line);
		state_fail(s, &err);
		return;
	}
	apps_record_start(s, a);
	state_watch(s, a->out_fd, EVENT_OUTPUT, (size_t)(a - s->apps));
}

static void run_step(struct state *s, const struct due_step *due)
{
	const struct plan_step *step = &s->plan->steps.v[due->step];

	if (step->step == STEP_FAULT) {
		(due->off ? hostfaults_off : hostfaults_on)(s, due);
		return;
	}
	struct observation *o = state_record(s, OBS_FAULT, EV_ON, -1, -1);

	o->fault = (struct obs_fault){
		.step = (int16_t)due->step, .edge = (int16_t)due->edge, .asked = s->t0 + due->at};
	struct obs_fault receipt = o->fault; /* o moves with the next record */
	if (step->step == STEP_EXEC)
		exec(s, step, exec_app(s, due->step, due->edge));
	for (size_t i = 0; i < step->apps.n; i++)
		receipt.did.matched += act(s, step, &s->apps[step->apps.v[i]]);
	if (!step_has_receipt(step->step))
		return;
	if (step->step == STEP_KILL)
		receipt.did.killed = receipt.did.matched;
	state_record(s, OBS_FAULT, EV_RECEIPT, -1, -1)->fault = receipt;
}

void steps_run_due(struct state *s, nsec_t now)
{
	while (s->phase == PHASE_RUN && !s->failure.msg[0] && steps_next(s) <= now)
		run_step(s, &s->due.v[s->next_due++]);
}
