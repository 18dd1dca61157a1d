/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_APP_H
#define WIRECUT_RUN_APP_H

#include <regex.h>
#include <sys/resource.h>

#include "harness/data/observation.h"
#include "harness/run/host.h"
#include "harness/run/procs.h"

/* As much of an app's last output as an error message shows. */
#define APP_TAIL_BYTES 2048
/* A longer line of output is logged whole, but not looked at. */
#define APP_LINE_BYTES 65536

/* What is to happen when the process has ended. */
enum app_intent { APP_RUN, APP_STOP, APP_RESTART };

/* One instance of an app, or one program of an exec step, while the plan runs. */
struct app {
	const char *name;             /* client.2; exec.3 for the program of step 3 */
	const struct plan_app *plan;  /* NULL for an exec step */
	const struct plan_step *step; /* an exec step; else NULL */
	int index;                    /* in the plan; -1 for an exec step */
	int host;
	pid_t pid;        /* 0: not running */
	bool ended;       /* it does not run any more, but is not reaped yet */
	int out_fd;       /* what it prints; -1: it was never started */
	int out_write_fd; /* the other end: one pipe for all its processes, and what they leave behind */
	int log_fd;
	nsec_t waited;  /* for a processor, as far as it is recorded; of its processes */
	nsec_t started; /* CLOCK_MONOTONIC */
	bool was_started;
	bool ready;
	bool log_matched;
	bool has_log_regex;
	regex_t log_regex;
	bool exited_as_asked; /* ready: exited */
	bool paused;          /* by a step */
	enum app_intent intent;
	nsec_t kill_at; /* a stop's grace ends; NSEC_NEVER */
	char *line; /* APP_LINE_BYTES, the unfinished line, or as much of it; made when it starts */
	size_t line_len;
	char tail[APP_TAIL_BYTES];
	size_t tail_len;
};

/* What starting takes beside the app itself. */
struct spawn {
	const struct host *host;
	const struct strings *argv;
	const struct string_pair *env;
	size_t n_env;
	const char *cwd;       /* NULL: /tmp */
	const char *start_dir; /* a relative path of the program counts from here */
	const char *path;      /* PATH of every app: the suite's programs first */
	struct rlimit nofile;
	int pipe_bytes; /* how much it may print in one go without waiting to be read */
};

/* The largest that may be asked for without privilege (fs.pipe-max-size's default). */
#define APP_PIPE_BYTES_MAX (1 << 20)

/*
 * Starts the program; a missing or unusable one is an error that says where it was looked for. What an
 * earlier process of it printed was read; of a line that it did not end nothing more comes.
 */
int app_spawn(struct app *a, const struct spawn *spawn, int logs_fd, struct err *err);

typedef void (*app_line_fn)(struct app *a, const char *line, size_t len, void *arg);

/*
 * Reads what the app has printed, appends it to its log, and calls fn for each whole line (without
 * its newline, NUL-terminated; of a longer one its first APP_LINE_BYTES; blanks for NULs, a ? for each
 * byte that is not UTF-8). No more than its pipe can hold, so all that was printed before the call: a
 * program may print faster than this reads. Only a failure to write the log is an error.
 */
int app_read_output(struct app *a, app_line_fn fn, void *arg, struct err *err);

/* What it has printed of a line that it does not end counts as one: calls fn, if there is any. */
void app_end_line(struct app *a, app_line_fn fn, void *arg);

/* The last lines of its output for a message, indented, at most `lines`; "" if it printed none. */
const char *app_last_lines(const struct app *a, int lines, struct arena *arena);

/* It has been started, and its end was not seen yet. */
static inline bool app_runs(const struct app *a)
{
	return a->pid && !a->ended;
}

void app_close(struct app *a);

#endif
