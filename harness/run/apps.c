/* SPDX-License-Identifier: MIT */
#include "harness/run/state.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/wait.h>
#include <unistd.h>

#include <jansson.h>

#include "harness/base/cleanup.h"
#include "harness/base/field.h"
#include "harness/judge/expect.h"
#include "harness/run/runqueue.h"

/* How many of its last lines an app's failure shows. */
#define FAILURE_LINES 10

static struct app *add_app(struct state *s, const char *name, int64_t host)
{
	struct app *a = &s->apps[s->n_apps++];

	*a = (struct app){.name = name,
			  .index = -1,
			  .host = (int)host,
			  .out_fd = -1,
			  .out_write_fd = -1,
			  .log_fd = -1,
			  .kill_at = NSEC_NEVER};
	return a;
}

static void add_programs(struct state *s, size_t step)
{
	const struct plan_step *exec = &s->plan->steps.v[step];

	for (size_t e = 0; e < exec->edges.n; e++)
		add_app(s, arena_printf(&s->arena, "exec.%zu.%zu", step + 1, e + 1),
			exec->exec_host)
			->step = exec;
}

void apps_create(struct state *s)
{
	const struct plan *plan = s->plan;
	size_t n = plan->apps.n;

	vec_foreach (step, &plan->steps)
		if (step->step == STEP_EXEC)
			n += step->edges.n;
	s->apps = arena_new_array(&s->arena, struct app, n);
	for (size_t i = 0; i < plan->apps.n; i++) {
		struct app *a = add_app(s, plan->apps.v[i].name, plan->apps.v[i].host);

		a->plan = &plan->apps.v[i];
		a->index = (int)i;
	}
	for (size_t i = 0; i < plan->steps.n; i++)
		if (plan->steps.v[i].step == STEP_EXEC)
			add_programs(s, i);
}

static void start_failed(struct state *s, struct app *a, struct err *err)
{
	if (a->plan)
		err_wrap(err, "app %s on host %s", a->name, s->plan->hosts.v[a->plan->host].name);
	state_fail(s, err);
}

void apps_record_start(struct state *s, const struct app *a)
{
	struct observation *o = state_record(s, OBS_PROCESS, EV_START, a->host, a->index);

	o->t = a->started;
	o->process = (struct obs_process){.pid = a->pid};
}

/* Of a run's apps together: above 64 MiB in all, a user's pipes are small (pipe(7), pipe-user-pages-soft). */
#define PIPES_BYTES    (8 << 20)
#define PIPE_BYTES_MIN (64 << 10)

int apps_pipe_bytes(const struct state *s)
{
	int share = PIPES_BYTES / (int)s->n_apps;

	if (share < PIPE_BYTES_MIN)
		return PIPE_BYTES_MIN;
	return share < APP_PIPE_BYTES_MAX ? share : APP_PIPE_BYTES_MAX;
}

void apps_start(struct state *s, struct app *a)
{
	const struct plan_app *p = a->plan;
	const struct host *host = &s->hosts[p->host];
	struct err err = {0};
	struct spawn spawn = {
		.host = host,
		.argv = &p->argv,
		.env = p->env.v,
		.n_env = p->env.n,
		.cwd = p->cwd,
		.start_dir = s->config->start_dir,
		.path = s->config->path,
		.nofile = s->config->nofile,
		.pipe_bytes = apps_pipe_bytes(s),
	};
	bool first = a->out_fd < 0;

	if (!first)
		apps_read_output(s, a);
	if (host->plan->nofile != COUNT_UNSET)
		spawn.nofile.rlim_cur = spawn.nofile.rlim_max = (rlim_t)host->plan->nofile;
	if (app_spawn(a, &spawn, s->logs_fd, &err) < 0) {
		start_failed(s, a, &err);
		return;
	}
	procs_add(s->procs, a->pid, a->index);
	apps_record_start(s, a);
	if (first)
		state_watch(s, a->out_fd, EVENT_OUTPUT, (size_t)(a - s->apps));
}

/* Blanks for the escapes of NUL, as for a NUL itself. */
static char *without_nul(const char *line, size_t len, struct arena *arena)
{
	static const char nul[] = "\\u0000";
	char *text = arena_strndup(arena, line, len);

	for (char *c = text; (c = strchr(c, '\\')) && c[1]; c += 2)
		if (!strncmp(c, nul, sizeof(nul) - 1))
			c[4] = '2';
	return text;
}

/*
 * The line if it is an object of JSON, else NULL. As it was printed; only where it has what most readers
 * refuse as jansson understands it: of a key that is there twice the last one holds, a number beyond 64
 * bits is as near as a double is, and a blank stands for a NUL.
 */
static char *to_json(const char *line, size_t len, struct arena *arena)
{
	_cleanup_json_ json_t *json = json_loadb(line, len, JSON_REJECT_DUPLICATES, NULL);

	if (json)
		return json_is_object(json) ? arena_strndup(arena, line, len) : NULL;
	const char *mended = without_nul(line, len, arena);
	_cleanup_json_ json_t *lenient = json_loadb(mended, len, 0, NULL);
	if (!lenient)
		lenient = json_loadb(mended, len, JSON_DECODE_INT_AS_REAL, NULL);
	_cleanup_free_ char *text =
		json_is_object(lenient) ? json_dumps(lenient, JSON_LINE_FLAGS) : NULL;
	return text ? arena_strdup(arena, text) : NULL;
}

/* A line of JSON becomes an observation; any other is only in the log. */
static void take_line(struct app *a, const char *line, size_t len, void *arg)
{
	struct state *s = arg;

	if (a->has_log_regex && !a->log_matched && !regexec(&a->log_regex, line, 0, NULL, 0))
		a->log_matched = true;
	if (a->plan && s->phase != PHASE_END && logmatch_wants(s->logmatch, a->index, line))
		state_record(s, OBS_APP, EV_LOG, (int)a->plan->host, a->index)->text =
			arena_strndup(s->obs.arena, line, len);
	size_t blanks = strspn(line, " \t");
	if (line[blanks] != '{' || s->phase == PHASE_END || !a->plan)
		return;
	char *json = to_json(line + blanks, len - blanks, s->obs.arena);
	if (json)
		state_record(s, OBS_APP, EV_LINE, (int)a->plan->host, a->index)->text = json;
}

void apps_read_output(struct state *s, struct app *a)
{
	struct err err = {0};

	if (app_read_output(a, take_line, s, &err) < 0)
		state_fail(s, &err);
}

void apps_end_lines(struct state *s)
{
	for (size_t i = 0; i < s->n_apps; i++) {
		if (s->apps[i].out_fd < 0)
			continue;
		apps_read_output(s, &s->apps[i]);
		app_end_line(&s->apps[i], take_line, s);
	}
}

/* Does an `exits` expectation judge how this app ends? Then its end is not the harness's to judge. */
static bool exit_is_judged(const struct plan *plan, int app)
{
	vec_foreach (e, &plan->expects)
		if (!strcmp(e->spec.ops->name, "exits") && index_list_has(&e->apps, app))
			return true;
	return false;
}

static const char *ending_text(int status, char *buf, size_t size)
{
	if (WIFSIGNALED(status))
		snprintf(buf, size, "was ended by SIG%s", sigabbrev_np(WTERMSIG(status)));
	else
		snprintf(buf, size, "ended with status %d", WEXITSTATUS(status));
	return buf;
}

/*
 * The word of its command line that names a file beside the scenario, of which its last lines speak: it
 * was looked for in the working folder. NULL: there is none.
 */
static const char *lost_file(const struct state *s, const struct app *a)
{
	const char *file = s->plan->file, *slash = strrchr(file, '/');
	int folder_len = slash ? (int)(slash - file) + 1 : 0;

	for (size_t i = 1; i < a->plan->argv.n; i++) {
		const char *word = a->plan->argv.v[i];
		char path[PATH_MAX];

		snprintf(path, sizeof(path), "%s/%.*s%s", *file == '/' ? "" : s->config->start_dir,
			 folder_len, file, word);
		if (*word && *word != '/' && *word != '-' && access(path, F_OK) == 0 &&
		    memmem(a->tail, a->tail_len, word, strlen(word)))
			return word;
	}
	return NULL;
}

static const char *lost_file_hint(struct state *s, const struct app *a)
{
	const char *word = lost_file(s, a);

	if (!word)
		return "";
	const char *cwd = a->plan->cwd ? a->plan->cwd : "/tmp";
	return arena_printf(
		&s->arena,
		"\n    = %s is beside the scenario, and the working folder is %s of the "
		"host: say cwd: FOLDER,\n      or files: {%s/%s: {host: %s, from: %s}}; a "
		"program with a slash (./%s) is found there by itself",
		word, cwd, cwd, word, s->plan->hosts.v[a->plan->host].group, word, word);
}

static void unexpected_end(struct state *s, struct app *a, int status, const char *when)
{
	const char *last_lines = app_last_lines(a, FAILURE_LINES, &s->arena);
	struct err err;
	char how[64];

	ending_text(status, how, sizeof(how));
	if (!a->plan) {
		err_set(&err, "it %s%s", how, last_lines);
		steps_fail(s, a->step, a->step->exec_argv.v[0], &err);
		return;
	}
	err_set(&err, "app %s %s%s%s%s", a->name, how, when, lost_file_hint(s, a), last_lines);
	state_fail(s, &err);
}

struct others {
	pid_t but;
	size_t n;
};

static void count_other(pid_t pid, void *arg)
{
	struct others *others = arg;

	others->n += pid != others->but;
}

/* What it would be ready by can come no more: neither it is left, nor what it has started. */
static bool can_not_become_ready(struct state *s, const struct app *a)
{
	const struct plan_ready *r = &a->plan->ready;
	struct others others = {.but = a->pid};

	if (a->ready || a->log_matched || a->plan->manual ||
	    !(r->log || r->listening != COUNT_UNSET || r->connected_port != COUNT_UNSET))
		return false;
	procs_refresh(s->procs);
	procs_each(s->procs, a->index, count_other, &others);
	return !others.n;
}

/* The app ended by itself: is that what the plan allows? */
static void judge_end(struct state *s, struct app *a, int status)
{
	bool exited = WIFEXITED(status);
	int64_t allowed = a->plan && a->plan->exit != COUNT_UNSET ? a->plan->exit : 0;

	if (a->plan && a->plan->ready.exited != COUNT_UNSET && !a->ready) {
		if (exited && WEXITSTATUS(status) == a->plan->ready.exited)
			a->exited_as_asked = true;
		else
			unexpected_end(s, a, status, ", which is not the status it is ready with");
		return;
	}
	if (a->plan && exit_is_judged(s->plan, a->index)) {
		if (can_not_become_ready(s, a))
			unexpected_end(s, a, status, " before it was ready");
		return;
	}
	if (exited && WEXITSTATUS(status) == allowed) {
		/* One that prints that it is ready and ends may be heard of by its end first. */
		if (a->plan && can_not_become_ready(s, a))
			unexpected_end(s, a, status, " before it was ready");
		return;
	}
	if (exited && a->plan && a->plan->ready.exited != COUNT_UNSET &&
	    WEXITSTATUS(status) == a->plan->ready.exited)
		return;
	unexpected_end(s, a, status, "");
}

/* Shorter waits are every program's, and no bound notices them. */
#define WAIT_RECORDED NSEC_PER_MSEC

/* `waited`: what its processes waited in all. */
static void record_wait(struct state *s, struct app *a, nsec_t waited)
{
	if (waited < a->waited) /* it is the sum over the threads that live */
		a->waited = waited;
	if (waited - a->waited < WAIT_RECORDED)
		return;
	state_record(s, OBS_LAG, EV_STALL, (int)a->plan->host, a->index)->lag =
		(struct obs_lag){.stage = LAG_STARVED, .lag = waited - a->waited, .count = 1};
	a->waited = waited;
}

static void add_wait(pid_t pid, void *sum)
{
	*(nsec_t *)sum += runqueue_wait(pid);
}

static void add_wait_of(pid_t pid, int app, void *sums)
{
	add_wait(pid, (nsec_t *)sums + app);
}

/*
 * Of the processes that are known by now: a program that a shell started is, once it has a socket. To
 * look for more would take longer than it tells.
 */
void apps_record_waits(struct state *s)
{
	_cleanup_free_ nsec_t *sums = calloc(s->plan->apps.n + 1, sizeof(*sums));

	if (!sums)
		abort();
	procs_all(s->procs, add_wait_of, sums);
	for (size_t i = 0; i < s->n_apps; i++)
		if (s->apps[i].plan && app_runs(&s->apps[i]))
			record_wait(s, &s->apps[i], sums[s->apps[i].index]);
}

static struct app *app_of_pid(struct state *s, pid_t pid)
{
	for (size_t i = 0; i < s->n_apps; i++)
		if (s->apps[i].pid == pid)
			return &s->apps[i];
	return NULL;
}

/* As waitpid(2) has it. */
static int wait_status(const siginfo_t *ended)
{
	if (ended->si_code == CLD_EXITED)
		return W_EXITCODE(ended->si_status, 0);
	return ended->si_status | (ended->si_code == CLD_DUMPED ? WCOREFLAG : 0);
}

static void hand_to_reaper(struct state *s, pid_t pid)
{
	struct err err = {0};

	if (reaper_hand(s->reaper, pid, &err) < 0)
		state_fail(s, &err);
}

static void see_end(struct state *s, struct app *a, int status)
{
	/* It is not reaped yet: the last figures of its first thread can still be read. */
	nsec_t waited = 0;
	if (s->phase != PHASE_END && a->plan) {
		procs_each(s->procs, a->index, add_wait, &waited);
		record_wait(s, a, waited);
	}
	apps_read_output(s, a);
	app_end_line(a, take_line, s);
	struct observation *o = state_record(s, OBS_PROCESS, EV_EXIT, a->host, a->index);
	o->process = (struct obs_process){
		.pid = a->pid,
		.status = WIFEXITED(status) ? WEXITSTATUS(status) : -1,
		.signal = WIFSIGNALED(status) ? WTERMSIG(status) : 0,
		.by_harness = a->intent != APP_RUN || s->phase == PHASE_END,
	};
	if (a->plan) {
		s->last_poll[a->plan->host] = 0; /* its sockets are closed now: look at once */
		traced_stir(s, (int)a->plan->host);
	}
	a->ended = true;
	a->kill_at = NSEC_NEVER;
	hand_to_reaper(s, a->pid);
	if (s->phase != PHASE_END && a->intent == APP_RUN)
		judge_end(s, a, status);
}

/*
 * Of the ended children that are no app's, such as what a program has left behind, the first; the
 * next when that one is gone. An app's that is not gone yet may hide it as well.
 */
static void see_orphan(struct state *s)
{
	siginfo_t ended = {0};

	if (TEMP_FAILURE_RETRY(waitid(P_ALL, 0, &ended, WEXITED | WNOHANG | WNOWAIT)) < 0 ||
	    !ended.si_pid || ended.si_pid == s->orphan || app_of_pid(s, ended.si_pid))
		return;
	s->orphan = ended.si_pid;
	hand_to_reaper(s, s->orphan);
}

void apps_see_ends(struct state *s)
{
	for (size_t i = 0; i < s->n_apps; i++) {
		struct app *a = &s->apps[i];
		siginfo_t ended = {0};

		if (app_runs(a) &&
		    TEMP_FAILURE_RETRY(waitid(P_PID, (id_t)a->pid, &ended,
					      WEXITED | WNOHANG | WNOWAIT)) == 0 &&
		    ended.si_pid)
			see_end(s, a, wait_status(&ended));
	}
	see_orphan(s);
}

void apps_hear_reaped(struct state *s)
{
	pid_t pid;

	while ((pid = reaper_next(s->reaper))) {
		struct app *a = app_of_pid(s, pid);

		if (pid == s->orphan)
			s->orphan = 0;
		if (!a)
			continue;
		a->pid = 0;
		a->ended = false;
		if (a->plan && a->intent == APP_RESTART && s->phase != PHASE_END)
			apps_start(s, a);
	}
	see_orphan(s);
}

void apps_check_grace(struct state *s, nsec_t now)
{
	for (size_t i = 0; i < s->n_apps; i++) {
		struct app *a = &s->apps[i];

		if (!app_runs(a) || a->kill_at > now)
			continue;
		a->kill_at = NSEC_NEVER;
		if (a->plan)
			procs_signal(s->procs, a->index, SIGKILL);
		kill(a->pid, SIGKILL);
	}
}

void apps_stop_all(struct state *s)
{
	nsec_t now = nsec_monotonic();

	procs_refresh(s->procs);
	for (size_t i = 0; i < s->n_apps; i++) {
		struct app *a = &s->apps[i];

		if (!app_runs(a))
			continue;
		kill(a->pid, a->plan ? (int)a->plan->stop_signo : SIGTERM);
		kill(a->pid, SIGCONT); /* it may be paused */
		a->kill_at = now + (a->plan ? a->plan->stop_grace : 0);
	}
}

bool apps_running(const struct state *s)
{
	for (size_t i = 0; i < s->n_apps; i++)
		if (s->apps[i].pid)
			return true;
	return false;
}

void apps_close_all(struct state *s)
{
	for (size_t i = 0; i < s->n_apps; i++)
		app_close(&s->apps[i]);
}
