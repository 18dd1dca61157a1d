/* SPDX-License-Identifier: MIT */
/*
 * The sandbox's init.
 *
 * One epoll loop (a second thread only waits for ended processes, reaper.h). It moves through three
 * phases (state.h): the apps are started in order; at t = 0 the timeline runs until the plan's
 * duration; then the records are complete, the apps are stopped and everything is written. How often
 * it looks, and whether it wakes for nothing at all, is cadence.h's.
 *
 * It ends early for one of two reasons. A failure (an app that crashed, a step that cannot be done)
 * becomes a record and is written with the rest: the run has a result, and that is "error". End of
 * file on the control socket means that wirecut is gone, by SIGKILL too: then nothing is written,
 * and all that matters is to leave nothing behind. Both ways end in take_down(), which kills what
 * lives, then destroys the sockets that outlived it (an orphan in FIN_WAIT holds its namespace for
 * minutes), and exits; the kernel then takes the namespaces with everything in them.
 */
#include "harness/run/init.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/run/sockdiag.h"
#include "harness/run/state.h"

#define EVENTS_AT_ONCE 64
/* A wake-up later than this is recorded; below it, nothing that is judged could have suffered. */
#define STALL_RECORDED NSEC_PER_MSEC
/* A stall of init that is longer hides moments: its place is recorded, not only its window. */
#define STALL_PLACED (20 * NSEC_PER_MSEC)
#define STALL_WINDOW (100 * NSEC_PER_MSEC)
/* How often the apps' waits for a processor are read. */
#define WAITS_PERIOD (500 * NSEC_PER_MSEC)

struct observation *state_record(struct state *s, enum obs_source source, enum obs_event event,
				 int host, int app)
{
	struct observation *o = vec_push(s->obs.arena, &s->obs.list);

	*o = (struct observation){.t = nsec_monotonic(),
				  .source = (uint8_t)source,
				  .event = (uint8_t)event,
				  .host = (int16_t)host,
				  .app = (int16_t)app};
	return o;
}

void state_fail(struct state *s, const struct err *err)
{
	if (!s->failure.msg[0])
		s->failure = *err;
}

static bool may_wait(const struct state *s, enum event_kind kind)
{
	return s->cadence.gather && (kind == EVENT_NOTE || kind == EVENT_OUTPUT ||
				     kind == EVENT_TRACE || kind == EVENT_ALARM);
}

int state_watch(struct state *s, int fd, enum event_kind kind, size_t index)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = (uint64_t)kind << 32 | index};

	if (may_wait(s, kind) ? gather_add(&s->gather, fd, e.data.u64) == 0
			      : epoll_ctl(s->epoll_fd, EPOLL_CTL_ADD, fd, &e) == 0)
		return 0;
	struct err err;
	err_errno(&err, "watch a descriptor");
	state_fail(s, &err);
	return -1;
}

/* For the work after the end, which is long and which nobody waits for. */
static void leave_real_time(const struct state *s)
{
	struct sched_param p = {0};

	if (s->link)
		(void)sched_setscheduler(link_pid(s->link), SCHED_OTHER, &p);
	/* To take the flag back is a privilege, and would be refused. */
	(void)sched_setscheduler(0, SCHED_OTHER | SCHED_RESET_ON_FORK, &p);
}

static void __attribute__((noreturn)) take_down(struct state *s)
{
	leave_real_time(s); /* what it waits for it may have to wait for long: reaper.h */
	kill(-1, SIGKILL);
	while (waitpid(-1, NULL, 0) > 0 || errno == EINTR)
		;
	for (size_t i = 0; s->hosts && i < s->plan->hosts.n; i++)
		if (s->hosts[i].diag_fd > 0)
			sockdiag_destroy_all(s->hosts[i].diag_fd);
	_exit(0);
}

/* Tells wirecut how it went. */
static void __attribute__((noreturn)) finish(struct state *s, const struct err *err)
{
	struct run_msg msg = {.stage = RUN_DONE, .err = *err};

	(void)TEMP_FAILURE_RETRY(write(s->control_fd, &msg, sizeof(msg)));
	take_down(s);
}

/* --- setting up --- */

static int wait_for_go(int control_fd, struct err *err)
{
	char go;
	ssize_t n;

	do
		n = read(control_fd, &go, 1);
	while (n < 0 && errno == EINTR);
	return n == 1 ? 0 : err_set(err, "wirecut is gone");
}

static int make_private_mounts(struct err *err)
{
	if (mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0)
		return err_errno(err, "make the mounts private (wirecut doctor says what lacks)");
	if (mount("proc", "/proc", "proc", MS_NOSUID | MS_NODEV | MS_NOEXEC, NULL) < 0)
		return err_errno(err, "mount /proc (in a container it must not be masked: "
				      "--security-opt systempaths=unconfined)");
	return 0;
}

static int open_descriptors(struct state *s, struct err *err)
{
	sigset_t all;

	sigfillset(&all);
	sigprocmask(SIG_BLOCK, &all, NULL);
	sigemptyset(&all);
	sigaddset(&all, SIGCHLD);
	if (mkdirat(s->config->results_fd, "logs", 0755) < 0 && errno != EEXIST)
		return err_errno(err, "make the folder logs");
	s->logs_fd = openat(s->config->results_fd, "logs", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
	s->epoll_fd = epoll_create1(EPOLL_CLOEXEC);
	s->signal_fd = signalfd(-1, &all, SFD_CLOEXEC | SFD_NONBLOCK);
	s->timer_fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK);
	if (s->logs_fd < 0 || s->epoll_fd < 0 || s->signal_fd < 0 || s->timer_fd < 0)
		return err_errno(err, "open descriptors");
	return gather_init(&s->gather, s->epoll_fd, (uint64_t)EVENT_GATHER << 32, s->cadence.gather,
			   err);
}

static int watch_all(struct state *s, struct err *err)
{
	state_watch(s, s->control_fd, EVENT_CONTROL, 0);
	state_watch(s, s->signal_fd, EVENT_SIGNAL, 0);
	state_watch(s, s->timer_fd, EVENT_TIMER, 0);
	state_watch(s, link_fd(s->link), EVENT_LINK, 0);
	state_watch(s, reaper_fd(s->reaper), EVENT_REAPED, 0);
	for (size_t i = 0; i < s->plan->hosts.n; i++)
		state_watch(s, s->hosts[i].notify_fd, EVENT_NOTE, i);
	if (traced_create(s, err) < 0)
		return -1;
	*err = s->failure;
	return err->msg[0] ? -1 : 0;
}

/* Wirecut gives init real-time priority where it can; what init forks from then on has it too. */
static int wait_for_real_time(const struct state *s, struct err *err)
{
	struct run_msg built = {.stage = RUN_BUILT};

	if (TEMP_FAILURE_RETRY(write(s->control_fd, &built, sizeof(built))) < 0)
		return err_set(err, "wirecut is gone");
	return wait_for_go(s->control_fd, err);
}

/*
 * The link engine, forked before, keeps its real-time priority. Init steps one below: it stamps what
 * it sees, and a busy machine must not make those times late, but it must never delay a packet. The
 * apps it forks are ordinary processes.
 */
static void step_below_link_engine(void)
{
	struct sched_param p;

	if (sched_getscheduler(0) != SCHED_FIFO || sched_getparam(0, &p) < 0)
		return;
	p.sched_priority--;
	(void)sched_setscheduler(0, SCHED_FIFO | SCHED_RESET_ON_FORK, &p);
}

static int set_up(struct state *s, struct err *err)
{
	const struct plan *plan = s->plan;
	struct hosts_config hosts = {.plan = plan, .keep_dirs = s->config->keep_dirs};

	setsid();
	/* Timers of the loop to the nanosecond, not to the default slack of 50 us. */
	prctl(PR_SET_TIMERSLACK, 1UL, 0UL, 0UL, 0UL);
	if (make_private_mounts(err) < 0 || open_descriptors(s, err) < 0)
		return -1;
	s->hosts = arena_new_array(&s->arena, struct host, plan->hosts.n + 1);
	s->last_poll = arena_new_array(&s->arena, nsec_t, plan->hosts.n + 1);
	if (hosts_create(&hosts, s->hosts, err) < 0)
		return err_wrap(err, "set up the hosts");
	if (wait_for_real_time(s, err) < 0 ||
	    link_start(plan, s->hosts, s->config->results_fd, &s->link, err) < 0)
		return -1;
	step_below_link_engine();
	if (reaper_start(&s->reaper, err) < 0)
		return -1;
	if (s->cadence.canary && canary_start(&s->canary, err) < 0)
		return -1;
	s->procs = procs_new(plan);
	s->sockets = sockets_new(plan, s->hosts, s->procs, &s->obs);
	apps_create(s);
	steps_create(s);
	if (logmatch_new(plan, &s->logmatch, err) < 0 || samples_create(s, err) < 0)
		return -1;
	return watch_all(s, err);
}

/* --- the loop --- */

/*
 * While a fault is on, sockets change without a packet to tell: a program that closes one behind
 * data that nobody acknowledges sends nothing.
 */
static bool fault_is_on(const struct state *s, nsec_t now)
{
	if (s->phase != PHASE_RUN)
		return false;
	vec_foreach (step, &s->plan->steps)
		for (size_t i = 0; step->step == STEP_FAULT && i < step->edges.n; i++)
			if (step->edges.v[i].on <= now - s->t0 &&
			    step->edges.v[i].off > now - s->t0)
				return true;
	return false;
}

static bool should_poll(const struct state *s, int host, nsec_t now)
{
	nsec_t last = s->last_poll[host];

	return link_last_packet(s->link, host) >= last || now - last >= POLL_IDLE ||
	       ready_waits_for_sockets(s, host) || samples_watch_sockets(s, host, now);
}

void state_poll_host(struct state *s, int host, bool all)
{
	struct err err = {0};

	s->last_poll[host] = nsec_monotonic();
	struct suspects *suspects = traced_begin_look(s, host);
	int rc = all || !suspects ? sockets_poll(s->sockets, host, &err)
				  : sockets_look(s->sockets, host, suspects, &err);
	if (rc < 0)
		state_fail(s, &err);
	traced_end_look(s, host);
}

void state_poll_sockets(struct state *s, bool all)
{
	all = all || fault_is_on(s, nsec_monotonic());
	for (size_t i = 0; i < s->plan->hosts.n && !s->failure.msg[0]; i++)
		if (all || should_poll(s, (int)i, nsec_monotonic()))
			state_poll_host(s, (int)i, true);
}

void state_date_records(struct state *s, size_t first, nsec_t t, nsec_t by)
{
	for (size_t i = first; i < s->obs.list.n; i++) {
		struct observation *o = &s->obs.list.v[i];
		bool came_after = o->source == OBS_SOCKET && o->socket.since > t;

		if (!came_after && o->t <= by)
			o->t = t;
	}
}

static void record_stall(struct state *s, enum lag_stage stage, nsec_t t, nsec_t lag)
{
	struct observation *o = state_record(s, OBS_LAG, EV_STALL, -1, -1);

	o->t = t;
	o->lag = (struct obs_lag){.stage = (uint8_t)stage, .lag = lag, .count = 1};
}

/* It ended at `now`. One that the judge asks for the place of is recorded at once. */
static void note_stall(struct state *s, enum lag_stage stage, nsec_t now, nsec_t lag)
{
	struct stall_note *n = &s->stalls[stage];

	if (stage == LAG_INIT && lag > STALL_PLACED)
		record_stall(s, stage, now, lag);
	else if (lag > STALL_RECORDED && lag > n->worst)
		n->worst = lag;
}

/* Records the worst since the last record, at most once in a window. */
static void report_stall(struct state *s, enum lag_stage stage, nsec_t now)
{
	struct stall_note *n = &s->stalls[stage];

	if (!n->worst || now - n->reported < STALL_WINDOW)
		return;
	record_stall(s, stage, now, n->worst);
	n->worst = 0;
	n->reported = now;
}

/* Where nothing ticks the stalls are reported with whatever else was due. */
static void on_tick(struct state *s, nsec_t now)
{
	nsec_t period = cadence_tick(&s->cadence, s->phase);

	if (now >= s->next_tick) {
		s->next_tick = period == NSEC_NEVER ? NSEC_NEVER : now + period;
		if (s->phase != PHASE_END)
			state_poll_sockets(s, false);
	} else if (period != NSEC_NEVER) {
		return;
	}
	report_stall(s, LAG_INIT, nsec_monotonic());
	report_stall(s, LAG_CANARY, nsec_monotonic());
}

static void on_timer(struct state *s, nsec_t due)
{
	nsec_t now = nsec_monotonic();
	uint64_t fired;

	(void)TEMP_FAILURE_RETRY(read(s->timer_fd, &fired, sizeof(fired)));
	note_stall(s, LAG_INIT, now, now - due);
	if (s->canary)
		note_stall(s, LAG_CANARY, now, canary_worst(s->canary));
	steps_run_due(s, now);
	samples_run_due(s, now);
	traced_run_due(s, now);
	apps_check_grace(s, now);
	on_tick(s, now);
	if (s->cadence.waits && s->phase == PHASE_RUN && now >= s->next_waits) {
		s->next_waits = now + WAITS_PERIOD;
		apps_record_waits(s);
	}
}

static void on_signal(struct state *s)
{
	struct signalfd_siginfo info;

	while (TEMP_FAILURE_RETRY(read(s->signal_fd, &info, sizeof(info))) > 0)
		;
	apps_see_ends(s);
}

/* Of the plan: what has come before it is to be known then. Before t = 0 it may be any. */
static nsec_t next_moment(const struct state *s)
{
	return s->phase == PHASE_RUN ? nsec_earlier(steps_next(s), s->t0 + s->plan->duration) : 0;
}

static void on_event(struct state *s, uint64_t data, nsec_t due)
{
	size_t index = (uint32_t)data;
	struct err err = {0};

	switch ((enum event_kind)(data >> 32)) {
	case EVENT_CONTROL:
		take_down(s); /* nothing is ever sent to init but end of file */
	case EVENT_SIGNAL:
		on_signal(s);
		break;
	case EVENT_TIMER:
		on_timer(s, due);
		break;
	case EVENT_LINK:
		link_failure(s->link, &err);
		state_fail(s, &err);
		break;
	case EVENT_NOTE:
		sockets_read_notes(s->sockets, (int)index);
		break;
	case EVENT_OUTPUT:
		apps_read_output(s, &s->apps[index]);
		break;
	case EVENT_TRACE:
		traced_hear_changes(s);
		break;
	case EVENT_ALARM:
		traced_hear_alarms(s);
		break;
	case EVENT_REAPED:
		apps_hear_reaped(s);
		break;
	case EVENT_GATHER:
		gather_begin(&s->gather, nsec_monotonic(), next_moment(s));
		break;
	}
}

static nsec_t next_wake(const struct state *s)
{
	nsec_t next = nsec_earlier(s->next_tick, steps_next(s));

	next = nsec_earlier(next, ready_next_deadline(s));
	next = nsec_earlier(next, samples_next(s));
	next = nsec_earlier(next, traced_next(s));
	next = nsec_earlier(next, s->gather.until);
	if (s->phase == PHASE_RUN)
		next = nsec_earlier(next, s->t0 + s->plan->duration);
	for (size_t i = 0; i < s->n_apps; i++)
		if (s->apps[i].pid)
			next = nsec_earlier(next, s->apps[i].kill_at);
	return next;
}

/* What has gathered, then the looks that it asks for. */
static void hear_gathered(struct state *s)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	int n;

	/* The tracepoint's descriptor tells once, and may have told the set alone. */
	if (s->traced)
		traced_hear_changes(s);
	do {
		n = gather_take(&s->gather, events, EVENTS_AT_ONCE);
		for (int i = 0; i < n; i++)
			on_event(s, events[i].data.u64, NSEC_NEVER);
	} while (n == EVENTS_AT_ONCE);
	gather_end(&s->gather);
	traced_run_due(s, nsec_monotonic());
}

/* Waits for what comes next and handles it. */
static void turn(struct state *s)
{
	struct epoll_event events[EVENTS_AT_ONCE];
	nsec_t due = next_wake(s);
	struct itimerspec timer = {.it_value = nsec_to_timespec(due > 0 ? due : 1)};

	timerfd_settime(s->timer_fd, TFD_TIMER_ABSTIME, &timer, NULL);
	int n = epoll_wait(s->epoll_fd, events, EVENTS_AT_ONCE, -1);

	/* Steps before anything else: nothing that has just arrived may delay an edge. */
	steps_run_due(s, nsec_monotonic());
	if (s->config->now && s->t0 != NSEC_UNSET)
		*s->config->now = nsec_monotonic() - s->t0;
	for (int i = 0; i < n; i++)
		on_event(s, events[i].data.u64, due);
	if (nsec_monotonic() >= s->gather.until)
		hear_gathered(s);
	ready_advance(s);
}

/* Until t = duration, or until something fails. */
static void run_plan(struct state *s)
{
	s->next_tick = nsec_monotonic();
	ready_advance(s);
	while (!s->failure.msg[0]) {
		if (s->phase == PHASE_RUN && nsec_monotonic() >= s->t0 + s->plan->duration)
			return;
		turn(s);
	}
}

/*
 * The end may have come while init stood still between two waits, where no timer was late: what was due
 * by then tells. Its record begins before the end if the stall did, and what is due after it is not late.
 */
static void report_last_stalls(struct state *s)
{
	nsec_t now = nsec_monotonic();

	if (!s->failure.msg[0])
		note_stall(s, LAG_INIT, now, now - next_wake(s) + 1);
	if (s->canary)
		note_stall(s, LAG_CANARY, now, canary_worst(s->canary));
	for (int stage = 0; stage < LAG_N_STAGES; stage++) {
		s->stalls[stage].reported = 0;
		report_stall(s, stage, now);
	}
	s->next_tick = nsec_later(s->next_tick, now);
}

/* The last records: how everything stands at the end, and that it is the end. */
static void complete_records(struct state *s)
{
	struct err err = {0};
	nsec_t end = s->t0 + s->plan->duration;

	report_last_stalls(s);
	size_t before = s->obs.list.n;
	if (s->cadence.waits)
		apps_record_waits(s);
	if (!s->failure.msg[0]) {
		apps_end_lines(s);
		state_poll_sockets(s, true);
		samples_take(s);
	}
	for (size_t i = 0; i < s->plan->hosts.n && !s->failure.msg[0]; i++)
		sockets_mark_polled(s->sockets, (int)i);
	if (!s->failure.msg[0])
		state_date_records(s, before, end, NSEC_NEVER);
	hostfaults_end(s);
	leave_real_time(s);
	if (link_end(s->link, &s->obs, &err) < 0)
		state_fail(s, &err);
	if (s->failure.msg[0]) {
		struct observation *o = state_record(s, OBS_RUN, EV_ERROR, -1, -1);

		o->text = arena_strdup(s->obs.arena, s->failure.msg);
	} else {
		state_record(s, OBS_RUN, EV_END, -1, -1)->t = end;
	}
}

static void stop_apps(struct state *s)
{
	struct err ignored = {0};

	s->phase = PHASE_END;
	s->failure = ignored; /* is recorded; a new one while stopping changes no verdict */
	apps_stop_all(s);
	epoll_ctl(s->epoll_fd, EPOLL_CTL_DEL, link_fd(s->link), NULL);
	while (apps_running(s))
		turn(s);
	apps_close_all(s);
}

void init_main(const struct run_config *config, int control_fd)
{
	struct state s = {.config = config,
			  .plan = config->plan,
			  .control_fd = control_fd,
			  .logs_fd = -1,
			  .cadence = cadence_of(config->plan),
			  .t0 = NSEC_UNSET};
	struct err err = {0};

	s.obs.arena = &s.arena;
	if (wait_for_go(control_fd, &err) < 0)
		_exit(1);
	if (set_up(&s, &err) < 0)
		finish(&s, &err);
	run_plan(&s);
	complete_records(&s);
	stop_apps(&s);
	if (events_write(&s, &err) < 0)
		finish(&s, &err);
	finish(&s, &err);
}
