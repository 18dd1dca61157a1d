/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_STATE_H
#define WIRECUT_RUN_STATE_H

#include "harness/run/app.h"
#include "harness/run/cadence.h"
#include "harness/run/canary.h"
#include "harness/run/gather.h"
#include "harness/run/host.h"
#include "harness/run/link.h"
#include "harness/run/logmatch.h"
#include "harness/run/procs.h"
#include "harness/run/reaper.h"
#include "harness/run/run.h"
#include "harness/run/sockets.h"

/* An edge of a step that init does itself, by time (faults on cables are the link engine's). */
struct due_step {
	nsec_t at;
	int step, edge;
	bool off; /* of a fault on hosts or apps: its window ends */
};

/* The worst lag of a stage since it was last recorded, and when that was. */
struct stall_note {
	nsec_t worst, reported;
};

/* Everything that init knows of the run. Times are CLOCK_MONOTONIC. */
struct state {
	const struct run_config *config;
	const struct plan *plan;
	int control_fd;
	int logs_fd;
	int epoll_fd, signal_fd, timer_fd;
	struct gather gather; /* what of the loop's descriptors may wait */
	struct arena arena;
	struct host *hosts;
	struct app *apps; /* the plan's, then one for each occurrence of an exec step */
	size_t n_apps;
	struct procs *procs;
	struct reaper *reaper;
	pid_t orphan; /* it reaps this one, which is no app's; 0: none */
	struct sockets *sockets;
	struct link *link;
	struct logmatch *logmatch;
	struct samples *samples;
	struct cadence cadence;
	struct traced *traced; /* NULL: sockets are polled */
	struct observations obs;
	enum phase phase;
	nsec_t t0;       /* NSEC_UNSET before */
	size_t next_app; /* PHASE_START: the first app of the group after the current one */
	size_t group_first;
	nsec_t group_started; /* CLOCK_MONOTONIC: when the last of it was */
	VEC(struct due_step) due;
	size_t next_due;
	struct hostfaults *hostfaults;
	nsec_t next_tick;
	nsec_t next_waits;     /* when the apps' waits for a processor are read again */
	nsec_t *last_poll;     /* per host */
	struct canary *canary; /* NULL: none sings */
	struct stall_note stalls[LAG_N_STAGES]; /* init and canary; the forwarder records its own */
	struct err failure;                     /* the run cannot go on: the reason */
};

/* What the epoll loop waits for; the index is that of a host or an app. */
enum event_kind {
	EVENT_CONTROL,
	EVENT_SIGNAL,
	EVENT_TIMER,
	EVENT_LINK,
	EVENT_NOTE,
	EVENT_OUTPUT,
	EVENT_TRACE,
	EVENT_ALARM,
	EVENT_GATHER,
	EVENT_REAPED,
};

int state_watch(struct state *s, int fd, enum event_kind kind, size_t index);

/* Adds a record that happened now. */
struct observation *state_record(struct state *s, enum obs_source source, enum obs_event event,
				 int host, int app);

/* The first failure counts; what follows from it is not reported. */
void state_fail(struct state *s, const struct err *err);

/* Reads the sockets of every host, or only of those whose time has come. */
void state_poll_sockets(struct state *s, bool all);
/* Reads the sockets of one host, or only those of them that may have changed. */
void state_poll_host(struct state *s, int host, bool all);

/*
 * The records from number `first` on were made just after t and show how things stood at t: they count as
 * made then. What was not made by `by`, or is known to have come after t, keeps its own time.
 */
void state_date_records(struct state *s, size_t first, nsec_t t, nsec_t by);

/* traced.c: looks when the kernel tells of changes; without effect where sockets are polled */
int traced_create(struct state *s, struct err *err);
/* The tracepoint, or an alarm of the link engine, was heard. */
void traced_hear_changes(struct state *s);
void traced_hear_alarms(struct state *s);
/* Something has happened that may have changed sockets of the host. */
void traced_stir(struct state *s, int host);
void traced_run_due(struct state *s, nsec_t now);
nsec_t traced_next(const struct state *s);
/*
 * Around each look at a host: what it is to take in, which may be all. NULL: where sockets are polled
 * everything is.
 */
struct suspects *traced_begin_look(struct state *s, int host);
void traced_end_look(struct state *s, int host);

/* apps.c: the lives of the apps */
void apps_create(struct state *s);
void apps_start(struct state *s, struct app *a);

/* How large the pipe of each app's output is to be. */
int apps_pipe_bytes(const struct state *s);

/* That its process has started; of an `exec` too, whose records have no app. */
void apps_record_start(struct state *s, const struct app *a);
void apps_read_output(struct state *s, struct app *a);
/* Looks which processes have ended, records that, and hands them to the reaper. */
void apps_see_ends(struct state *s);
/* What it has reaped may be started again. */
void apps_hear_reaped(struct state *s);
/* Reads what the apps have printed by now; a line that is not ended counts as it is. */
void apps_end_lines(struct state *s);
/* Records how long each app has waited for a processor since the last time. */
void apps_record_waits(struct state *s);
/* Kills what has outlived its grace. */
void apps_check_grace(struct state *s, nsec_t now);
void apps_stop_all(struct state *s);
bool apps_running(const struct state *s);
void apps_close_all(struct state *s);

/* ready.c: starting in order, up to t = 0 */
void ready_advance(struct state *s);
nsec_t ready_next_deadline(const struct state *s);
bool ready_waits_for_sockets(const struct state *s, int host);

/* steps.c: the timeline's steps that act on processes */
void steps_create(struct state *s);
void steps_run_due(struct state *s, nsec_t now);
nsec_t steps_next(const struct state *s);

/* Something of a step could not be done: "FILE:LINE: KIND WHAT: ..." */
void steps_fail(struct state *s, const struct plan_step *step, const char *what, struct err *err);

/* hostfaults.c: faults on hosts and on apps, and their receipts */
void hostfaults_create(struct state *s);
void hostfaults_on(struct state *s, const struct due_step *due);
void hostfaults_off(struct state *s, const struct due_step *due);
/* The receipts of those that last until the end. What they did is not taken back. */
void hostfaults_end(struct state *s);

/* samples.c: what is read at moments */
int samples_create(struct state *s, struct err *err);
void samples_run_due(struct state *s, nsec_t now);
nsec_t samples_next(const struct state *s);
/* Reads counters and what processes use, and records what has changed. */
void samples_take(struct state *s);
/* An expectation needs the host's sockets to be polled often now. */
bool samples_watch_sockets(const struct state *s, int host, nsec_t now);

/* events.c: the records, written down */
int events_write(struct state *s, struct err *err);

#endif
