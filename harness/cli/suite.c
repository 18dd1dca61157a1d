/* SPDX-License-Identifier: MIT */
/*
 * The suite: many runs in one epoll loop.
 *
 * An item waits, runs, and ends. Running items are watched by two descriptors each: the control
 * socket (messages) and the pidfd (the sandbox ended). When one ends its folder is judged by the
 * files in it alone, the same way `wirecut judge` does it later, so the two cannot differ.
 *
 * SIGINT and SIGTERM stop everything: closing the control sockets makes every sandbox take itself
 * down; what had ended by then is in run.json and in the reports. SIGUSR1 lists what runs.
 */
#include "harness/cli/suite.h"

#include <errno.h>
#include <limits.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/signalfd.h>
#include <sys/utsname.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/base/io.h"
#include "harness/cli/commands.h"
#include "harness/cli/guests.h"
#include "harness/cli/netem.h"
#include "harness/cli/programs.h"
#include "harness/cli/queue.h"
#include "harness/cli/reports.h"
#include "harness/report/alike.h"
#include "harness/run/run.h"
#include "harness/virtual/supervisor.h"

/* What epoll tells: the signalfd; or a job's index, and which of its two descriptors. */
#define SIGNAL_EVENT UINT64_MAX
#define PIDFD_EVENT  1ULL

/*
 * A guest that takes longer hangs: the longest scenarios take seconds. The supervisor says what its
 * guest was at; only if it hangs itself does the suite's own deadline come.
 */
#define GUEST_WALL_TIME  (300 * NSEC_PER_SEC)
#define SUPERVISOR_GRACE (300 * NSEC_PER_SEC)

struct job {
	struct queue_entry entry;
	size_t index; /* in suite.jobs */
	struct run run;
	int folder_fd;
	bool running;
	bool done; /* RUN_DONE was read */
	bool aborted;
	struct err err; /* why there are no results */
	nsec_t deadline;
	int cpu;    /* that its guest is bound to; -1: there is no guest */
	bool exact; /* struct run_msg */
};

struct suite {
	struct options *opt;
	const struct loaded *loaded;
	struct terminal terminal;
	struct suite_summary summary;
	struct suite_info info;
	struct reporters reporters;
	struct progress progress;
	struct alike alike; /* what several seeds have in common */
	int run_fd;
	char *folder; /* results/20261124T113455Z-3f9a */
	char cwd[PATH_MAX];
	struct programs programs;
	struct rlimit nofile;
	json_t *verdicts;
	struct guests guests;
	const char *no_guests; /* why there can be none; NULL: there can */
	struct queue queue;
	VEC(struct job *) jobs;          /* all that were started */
	VEC(struct queue_entry) waiting; /* to be run before the queue goes on */
	size_t next_waiting;
	size_t running, running_guests;
	int64_t places, places_taken;
	bool stopping; /* --fail-fast, --until-fail: start no more */
	int epoll_fd, signal_fd;
	int interrupted_by;
};

/* --- what all runs share --- */

static int prepare_signals(struct suite *s, struct err *err)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = SIGNAL_EVENT};
	sigset_t set;

	sigemptyset(&set);
	sigaddset(&set, SIGINT);
	sigaddset(&set, SIGTERM);
	sigaddset(&set, SIGUSR1);
	sigprocmask(SIG_BLOCK, &set, NULL);
	signal(SIGPIPE, SIG_IGN);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->signal_fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
	if (s->epoll_fd < 0 || s->signal_fd < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, s->signal_fd, &e) < 0)
		return err_errno(err, "prepare to be interrupted");
	return 0;
}

static int prepare_info(struct suite *s, struct err *err)
{
	struct arena *a = s->opt->arena;
	struct utsname u;
	char started[32];
	time_t now = time(NULL);
	struct tm tm;
	char *name;

	uname(&u);
	gmtime_r(&now, &tm);
	strftime(started, sizeof(started), "%Y-%m-%dT%H:%M:%SZ", &tm);
	s->run_fd = results_create(s->opt->results, &name, a, err);
	if (s->run_fd < 0)
		return -1;
	s->folder = arena_printf(a, "%s/%s", s->opt->results, name);
	s->info = (struct suite_info){
		.run_id = name,
		.started = arena_strdup(a, started),
		.kernel = arena_strdup(a, u.release),
		.clock = queue_clock(&s->queue),
		.seed = s->opt->seed,
		.strict = s->opt->strict,
	};
	return 0;
}

/* How many run at the same time at the most. */
static int64_t at_once(const struct suite *s)
{
	int64_t total = (int64_t)queue_total(&s->queue);

	return total > 0 && total < s->places ? total : s->places;
}

static int prepare(struct suite *s, struct err *err)
{
	s->places = s->opt->jobs ? s->opt->jobs : suite_default_jobs();
	if (guests_prepare(s->opt, s->loaded, &s->guests, &s->no_guests, err) < 0)
		return -1;
	queue_init(&s->queue, s->opt, s->loaded, &s->guests.releases);
	s->verdicts = json_array();
	progress_begin(&s->progress, reports_progress_line(s->opt), queue_total(&s->queue),
		       nsec_monotonic(), s->opt->arena);
	if (reporters_begin(&s->reporters, &s->opt->reports, &s->info, err) < 0)
		return -1;
	if (!getcwd(s->cwd, sizeof(s->cwd)))
		return err_errno(err, "find the working folder");
	if (programs_find(s->opt->arena, &s->programs, err) < 0 ||
	    suite_raise_limit(at_once(s), &s->nofile, err) < 0 || prepare_signals(s, err) < 0)
		return -1;
	return prepare_info(s, err);
}

/* --- one job --- */

/* A verdict for a run that left nothing to judge. */
static void without_observations(const struct job *j, enum verdict verdict, const char *reason,
				 struct arena *a, struct scenario_result *ret)
{
	*ret = (struct scenario_result){
		.plan = j->entry.plan, .verdict = verdict, .reason = arena_strdup(a, reason)};
}

/* Whoever read the lines for people has had enough: as of any other program, that is the end. */
static void heed_reader(struct suite *s)
{
	if (!io_reader_is_gone(fileno(s->terminal.out)))
		return;
	s->interrupted_by = SIGPIPE;
	s->info.interrupted = s->stopping = true;
}

static void report(struct suite *s, struct job *j, const struct scenario_result *r,
		   const struct observations *obs)
{
	struct err err = {0};
	_cleanup_json_ json_t *verdict = results_verdict(r, &s->info);

	if (j->folder_fd >= 0 &&
	    results_write_json(j->folder_fd, "verdict.json", verdict, &err) < 0) {
		fprintf(stderr, "wirecut: %s: %s\n", r->plan->slug, err.msg);
		s->summary.errors++;
	}
	json_array_append(s->verdicts, verdict);
	summary_add(&s->summary, r);
	if ((s->opt->fail_fast || s->opt->until_fail) && r->verdict != VERDICT_PASS &&
	    r->verdict != VERDICT_SKIP)
		s->stopping = true;
	progress_ended(&s->progress, r);
	progress_erase(&s->progress);
	alike_show(&s->alike, &s->terminal, r, obs, s->folder);
	heed_reader(s);
	reporters_result(&s->reporters, r, obs, s->folder);
}

/* Of a scenario that ran in a guest: which kernel, and how. */
static void add_guest(const struct suite *s, const struct job *j, struct scenario_result *r)
{
	if (j->cpu < 0)
		return;
	const struct guest_kernel *kernel = &s->guests.images.v[j->entry.kernel].kernel;

	r->kernel = kernel->release;
	r->kernel_image = s->opt->kernels.n ? kernel->image : NULL;
	r->kernel_modules = s->opt->modules;
	r->determinism = j->exact ? "exact" : "best-effort";
}

static void judge_job(struct suite *s, struct job *j)
{
	_cleanup_arena_ struct arena a = {0};
	struct scenario_result result = {0};
	struct observations obs = {.arena = &a};
	struct plan *plan;
	struct err err = j->err;

	if (err.msg[0] || results_judge(j->folder_fd, &a, &result, &plan, &obs, &err) < 0) {
		obs = (struct observations){.arena = &a};
		without_observations(j, VERDICT_ERROR, err.msg, &a, &result);
	}
	result.attempts = j->entry.attempt;
	add_guest(s, j, &result);
	if (result.verdict == VERDICT_INCONCLUSIVE && j->entry.attempt <= s->opt->retries) {
		*vec_push(s->opt->arena, &s->waiting) = queue_again(&s->queue, &j->entry);
		progress_stopped(&s->progress, j->entry.plan);
		progress_erase(&s->progress);
		terminal_again(&s->terminal, &result);
		return;
	}
	report(s, j, &result, &obs);
}

static void end_job(struct suite *s, struct job *j)
{
	if (j->running) {
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, j->run.control_fd, NULL);
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, j->run.pidfd, NULL);
		run_finish(&j->run);
		j->running = false;
		s->running--;
		s->places_taken -= j->entry.weight;
		if (j->cpu >= 0) {
			s->running_guests--;
			guests_leave(&s->guests, j->cpu);
		}
	}
	judge_job(s, j);
	if (j->folder_fd >= 0)
		close(TAKE_FD(j->folder_fd));
}

static nsec_t timeout_of(const struct suite *s, const struct plan *plan)
{
	if (plan->clock == CLOCK_VIRTUAL)
		return s->opt->timeout == NSEC_UNSET ? GUEST_WALL_TIME : s->opt->timeout;
	if (s->opt->timeout == NSEC_UNSET)
		return plan->timeout;
	return s->opt->timeout > plan->duration ? s->opt->timeout : plan->duration;
}

/* In the sandbox, or in a guest. */
static int start_run(struct suite *s, struct job *j, const struct run_config *config,
		     struct err *err)
{
	const struct plan *plan = j->entry.plan;

	j->deadline = nsec_monotonic() + timeout_of(s, plan);
	if (plan->clock != CLOCK_VIRTUAL)
		return run_start(config, &j->run, err);
	const struct virtual_config v = {
		.image = &s->guests.images.v[j->entry.kernel],
		.seed = plan->seed,
		.cpu = guests_enter(&s->guests),
		.wall_time = timeout_of(s, plan),
	};
	j->deadline += SUPERVISOR_GRACE;
	if (virtual_start(config, &v, &j->run, err) < 0) {
		guests_leave(&s->guests, v.cpu);
		return -1;
	}
	j->cpu = v.cpu;
	s->running_guests++;
	return 0;
}

static int launch(struct suite *s, struct job *j, struct err *err)
{
	const struct plan *plan = j->entry.plan;
	const char *keep[] = {s->programs.own, s->cwd, load_folder_of(plan->file, s->opt->arena),
			      s->programs.unpacked, NULL};
	struct run_config config = {
		.plan = plan,
		.start_dir = s->cwd,
		.path = s->programs.path,
		.keep_dirs = keep,
		.nofile = s->nofile,
	};
	uint64_t index = (uint64_t)j->index << 1;
	struct epoll_event control = {.events = EPOLLIN, .data.u64 = index};
	struct epoll_event ended = {.events = EPOLLIN, .data.u64 = index | PIDFD_EVENT};

	j->folder_fd = results_create_scenario(s->run_fd, plan->slug, err);
	if (j->folder_fd < 0 ||
	    results_write_plan(j->folder_fd, plan, j->entry.item->scenario, err) < 0)
		return -1;
	config.results_fd = j->folder_fd;
	if (start_run(s, j, &config, err) < 0)
		return -1;
	j->running = true;
	s->running++;
	s->places_taken += j->entry.weight;
	progress_started(&s->progress, plan, nsec_monotonic());
	if (epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, j->run.control_fd, &control) < 0 ||
	    epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, j->run.pidfd, &ended) < 0)
		return err_errno(err, "watch a sandbox");
	return 0;
}

/* What this machine and this build lack for the scenario; NULL: nothing. */
static const char *lacks(const struct suite *s, const struct job *j)
{
	const struct scenario *scenario = j->entry.item->scenario;
	bool in_guest = j->entry.plan->clock == CLOCK_VIRTUAL;

	if (scenario->clock == CLOCK_VIRTUAL && s->opt->clock == CLOCK_REAL)
		return "clock: virtual: it cannot run on the real clock; without --clock real it "
		       "runs on its own";
	if (scenario->clock == CLOCK_REAL && s->opt->clock == CLOCK_VIRTUAL)
		return "clock: real: it cannot run on the virtual clock; without --clock virtual "
		       "it runs on its own";
	if (in_guest && s->no_guests)
		return s->no_guests;
	if (j->entry.plan->link == LINK_NETEM && !netem_is_there(s->opt, j->entry.plan->clock))
		return netem_lack(s->opt, j->entry.plan->clock);
	return kernel_lack(s->opt, j->entry.plan, j->entry.kernel,
			   in_guest ? s->guests.releases.v[j->entry.kernel] : s->info.kernel);
}

static struct job *add_job(struct suite *s, const struct queue_entry *e)
{
	struct job *j = arena_new(s->opt->arena, struct job);

	*j = (struct job){.entry = *e, .index = s->jobs.n, .folder_fd = -1, .cpu = -1};
	*vec_push(s->opt->arena, &s->jobs) = j;
	return j;
}

static void start_job(struct suite *s, struct job *j)
{
	struct scenario_result skipped;
	const char *reason = lacks(s, j);

	if (reason) {
		without_observations(j, VERDICT_SKIP, reason, s->opt->arena, &skipped);
		report(s, j, &skipped, NULL);
	} else if (launch(s, j, &j->err) < 0) {
		end_job(s, j);
	}
}

/* It takes seconds, in which nothing else is seen to happen. */
static void say_boot(struct suite *s, const struct job *j)
{
	if (s->opt->verbosity == REPORT_QUIET)
		return;
	progress_erase(&s->progress);
	fprintf(stderr, "wirecut: booting Linux %s, once for this kernel and this wirecut\n",
		s->guests.releases.v[j->entry.kernel]);
}

static void on_job_event(struct suite *s, struct job *j, bool has_ended)
{
	struct run_msg msg;

	if (!j->running)
		return;
	while (run_read(&j->run, &msg)) {
		if (msg.stage == RUN_BOOTING)
			say_boot(s, j);
		if (msg.stage == RUN_PROGRESS)
			progress_at(&s->progress, j->entry.plan, msg.t);
		if (msg.stage != RUN_DONE)
			continue;
		j->done = true;
		j->exact = msg.exact;
		if (!j->err.msg[0])
			j->err = msg.err;
	}
	if (!has_ended)
		return;
	if (!j->done && !j->err.msg[0])
		err_set(&j->err, "the sandbox ended unexpectedly (out of memory?)");
	end_job(s, j);
}

/* --- the loop --- */

static int wait_ms(const struct suite *s)
{
	nsec_t next = progress_next(&s->progress), now = nsec_monotonic();

	vec_foreach (j, &s->jobs)
		if ((*j)->running && (*j)->deadline < next)
			next = (*j)->deadline;
	if (next == NSEC_NEVER)
		return -1;
	return next <= now ? 0 : (int)((next - now) / NSEC_PER_MSEC + 1);
}

static void check_deadlines(struct suite *s)
{
	nsec_t now = nsec_monotonic();

	vec_foreach (item, &s->jobs) {
		struct job *j = *item;

		if (!j->running || j->deadline > now)
			continue;
		if (j->aborted) {
			j->deadline = NSEC_NEVER;
			run_kill(&j->run);
			continue;
		}
		if (!j->done) /* else it has its result, and only leaves late */
			err_set(&j->err,
				"timeout: it did not end within %g s of wall time (`timeout:` in "
				"the scenario, or --timeout, allows more)",
				(double)timeout_of(s, j->entry.plan) / 1e9);
		j->aborted = true;
		j->deadline = now + RUN_TAKE_DOWN_TIME;
		/* It is readable from now on, and says nothing more. */
		epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, j->run.control_fd, NULL);
		run_abort(&j->run);
	}
}

/* All at once, then each in turn: they take themselves down side by side. */
static void abort_all(struct suite *s)
{
	vec_foreach (j, &s->jobs)
		if ((*j)->running)
			run_abort(&(*j)->run);
	vec_foreach (j, &s->jobs) {
		if ((*j)->running)
			run_finish(&(*j)->run);
		(*j)->running = false;
	}
}

/* What runs, and what of this round has not begun. */
static void count_unfinished(struct suite *s)
{
	s->info.unfinished =
		s->running + (s->waiting.n - s->next_waiting) + (s->queue.items.n - s->queue.next);
}

static void on_signal(struct suite *s)
{
	struct signalfd_siginfo info;

	if (read(s->signal_fd, &info, sizeof(info)) != sizeof(info))
		return;
	if (info.ssi_signo == SIGUSR1) {
		progress_list(&s->progress, stderr, nsec_monotonic());
		return;
	}
	s->interrupted_by = (int)info.ssi_signo;
	s->info.interrupted = true;
}

static void turn(struct suite *s)
{
	struct epoll_event events[64];
	int n = epoll_wait(s->epoll_fd, events, ARRAY_SIZE(events), wait_ms(s));

	for (int i = 0; i < n; i++) {
		uint64_t data = events[i].data.u64;

		if (data != SIGNAL_EVENT)
			on_job_event(s, s->jobs.v[data >> 1], data & PIDFD_EVENT);
		else
			on_signal(s);
		if (s->interrupted_by)
			return;
	}
	check_deadlines(s);
	progress_draw(&s->progress, nsec_monotonic());
}

/* The next entry, without taking it; false: there is none. */
static bool peek(struct suite *s, struct queue_entry *ret)
{
	if (s->next_waiting == s->waiting.n && !s->stopping) {
		struct queue_entry e;

		if (queue_take(&s->queue, &e))
			*vec_push(s->opt->arena, &s->waiting) = e;
	}
	if (s->next_waiting == s->waiting.n || s->stopping)
		return false;
	*ret = s->waiting.v[s->next_waiting];
	return true;
}

/*
 * One that is larger than all places together runs alone. A guest has a processor for itself, and
 * nothing runs on the real clock beside it.
 */
static bool has_place(const struct suite *s, const struct queue_entry *e)
{
	if (e->plan->clock == CLOCK_VIRTUAL && !s->no_guests)
		return s->running == s->running_guests && s->running_guests < s->guests.cpus.n &&
		       (int64_t)s->running_guests < s->places;
	if (s->running_guests)
		return false;
	return !s->running || s->places_taken + e->weight <= s->places;
}

static void run_all(struct suite *s)
{
	struct queue_entry e;

	while (!s->interrupted_by) {
		while (peek(s, &e) && has_place(s, &e)) {
			s->next_waiting++;
			start_job(s, add_job(s, &e));
		}
		if (!s->running || s->stopping)
			break;
		turn(s);
	}
	if (s->interrupted_by)
		count_unfinished(s);
	abort_all(s);
}

/* All that can be written is, whatever could not. */
static int write_results(struct suite *s, struct err *err)
{
	_cleanup_json_ json_t *run = results_run(&s->info, &s->summary, s->verdicts);
	struct report_end end = {.summary = &s->summary, .run = run, .run_fd = s->run_fd};
	struct err reports = {0};
	int rc = results_write_json(s->run_fd, "run.json", run, err);

	if (rc == 0)
		rc = results_link_latest(s->opt->results, s->info.run_id, err);
	if (reporters_end(&s->reporters, &end, &reports) < 0)
		rc = rc < 0 ? err_wrap(err, "%s", reports.msg) : err_set(err, "%s", reports.msg);
	return rc;
}

int suite_run(struct options *opt, const struct loaded *l)
{
	struct suite s = {.opt = opt,
			  .loaded = l,
			  .summary = {.arena = opt->arena},
			  .alike = {.arena = opt->arena, .seeds = opt->seeds},
			  .terminal = {opt->reports.terminal, opt->color, opt->verbosity},
			  .run_fd = -1,
			  .epoll_fd = -1,
			  .signal_fd = -1};
	struct err err = {0};
	nsec_t started = nsec_monotonic();
	int code = EXIT_ERROR;

	if (prepare(&s, &err) < 0) {
		code = s.guests.is_misused ? EXIT_USAGE : EXIT_ERROR;
		goto out;
	}
	run_all(&s);
	s.info.wall = nsec_monotonic() - started;
	progress_erase(&s.progress);
	if (write_results(&s, &err) < 0)
		s.summary.errors++;
	alike_print(&s.alike, s.terminal.out);
	terminal_summary(&s.terminal, &s.summary, &s.info, s.folder);
	code = s.interrupted_by ? 128 + s.interrupted_by
				: summary_exit_code(&s.summary, opt->strict);
out:
	if (err.msg[0])
		fprintf(stderr, "wirecut: %s\n", err.msg);
	json_decref(s.verdicts);
	reporters_free(&s.reporters);
	guests_release(&s.guests);
	cleanup_close(&s.run_fd);
	cleanup_close(&s.epoll_fd);
	cleanup_close(&s.signal_fd);
	return code;
}
