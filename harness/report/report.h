/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_REPORT_H
#define WIRECUT_REPORT_REPORT_H

#include <stdio.h>

#include "harness/data/verdict.h"

/* One run of the suite: what its scenarios came to. Built up as they end. */
struct suite_summary {
	/* Of scenarios; the controls that did not do their work are among failed, inconclusive, errors. */
	size_t scenarios, passed, failed, voids, inconclusive, errors, skipped;
	size_t controls, controls_killed;
	/* The controls among failed, inconclusive and errors. */
	size_t controls_survived, controls_inconclusive, controls_in_error;
	/* They did so only when an inconclusive run was run again: of the passed, of the killed. */
	size_t flaky, controls_flaky;
	nsec_t scenario_time; /* the sum of all durations, controls too */
	/* The slugs of what did not pass, and of the controls that were killed, without the attempt. */
	struct strings not_passed, killed;
	struct strings guest_kernels; /* releases of those that ran something, each once */
	bool on_host_kernel;          /* something ran on the real clock */
	struct arena *arena;          /* which has them */
};

/* What run.json says of the run as a whole. */
struct suite_info {
	char *run_id;      /* NULL: judged again, not run */
	char *started;     /* UTC, 2026-11-24T11:34:55Z */
	char *kernel;      /* uname -r */
	const char *clock; /* real, virtual, or mixed: each scenario has its own */
	uint64_t seed;
	nsec_t wall;
	bool interrupted;
	size_t unfinished; /* that it kept from ending, or from starting */
	bool strict;       /* any skip is an exit code of 5 */
};

void summary_add(struct suite_summary *s, const struct scenario_result *r);

/*
 * How many of the controls that were killed stand beside a scenario that did not pass. Such a one fails
 * where it must, but so does, or may, the scenario itself: it does not show what the practice does.
 */
size_t summary_unproven(const struct suite_summary *s);

/* "2 of 3 controls killed, 1 survived": what became of the controls, in `a`; NULL: there are none. */
char *summary_controls(const struct suite_summary *s, struct arena *a);

/*
 * "6.1.0, 6.12.9": the kernels that ran what was not skipped, in `a`: first this machine's, where the real
 * clock was used or nothing ran, then those of guests.
 */
char *summary_kernels(const struct suite_summary *s, const struct suite_info *info,
		      struct arena *a);

/* The exit code that these verdicts mean: 0, 1, 3 or 5. With `strict` any skip is a 5. */
int summary_exit_code(const struct suite_summary *s, bool strict);

/* --- results/: files --- */

/*
 * What a run's folder has before anything else, and whatever becomes of the run: so that the copies of
 * scenarios in it are never taken for scenarios.
 */
#define RESULTS_MARKER ".wirecut-run"

/*
 * Makes DIR/<UTC time>-<id>/ with its marker and returns a descriptor of it; its name goes to
 * *ret_name, in `a`.
 */
int results_create(const char *dir, char **ret_name, struct arena *a, struct err *err);

/* Makes the folder of one scenario in it. */
int results_create_scenario(int run_fd, const char *slug, struct err *err);

/* Points DIR/latest to the run, atomically. */
int results_link_latest(const char *dir, const char *name, struct err *err);

/* scenario.yaml, what it includes, and plan.json, before the run. */
int results_write_plan(int scenario_fd, const struct plan *plan, const struct scenario *scenario,
		       struct err *err);

/* verdict.json, after it. The object is also what run.json holds of it; the caller owns it. */
json_t *results_verdict(const struct scenario_result *r, const struct suite_info *info);
int results_write_json(int dir_fd, const char *name, const json_t *json, struct err *err);

/* The bytes of such a file, to be freed, without a NUL behind them. NULL: out of memory. */
char *results_json_text(const json_t *json, size_t *ret_len);

/*
 * What run.json holds; `scenarios` is an array of what results_verdict() made. The caller owns the
 * result. NULL: out of memory.
 */
json_t *results_run(const struct suite_info *info, const struct suite_summary *s,
		    json_t *scenarios);

/*
 * Judges a scenario's folder by its files alone: plan.json and events.jsonl, and not-packed.txt where
 * there is one. What is made lives in `a`; *ret_plan and *ret_obs are what the verdict was made from.
 */
int results_judge(int scenario_fd, struct arena *a, struct scenario_result *ret,
		  struct plan **ret_plan, struct observations *ret_obs, struct err *err);

/* The command that runs this scenario or control again, in `a`. */
char *results_replay(const struct scenario_result *r, struct arena *a);

/* --- the terminal --- */

enum verbosity { REPORT_QUIET = -1, REPORT_NORMAL, REPORT_VERBOSE };

struct terminal {
	FILE *out;
	bool color;
	enum verbosity verbosity;
};

/* A line for a scenario that has ended and, unless it passed, why: with events around the moment. */
void terminal_result(const struct terminal *t, const struct scenario_result *r,
		     const struct observations *obs, const char *folder);

/* A line for a scenario whose verdict was inconclusive and that is run again. */
void terminal_again(const struct terminal *t, const struct scenario_result *r);

/* Only its line: the same was shown in full of another seed. */
void terminal_same(const struct terminal *t, const struct scenario_result *r, uint64_t seed);

/* The last lines: counts, controls, time, where the results are. */
void terminal_summary(const struct terminal *t, const struct suite_summary *s,
		      const struct suite_info *info, const char *folder);

/* One record as a line for people: "+2.000123 s  client > server:8000  SYN", without a newline. */
void terminal_observation(FILE *out, const struct observation *o, const struct plan *plan);

/* around.c: the records around the time t, each in a line; nothing if it is unset. */
void terminal_around(FILE *out, nsec_t t, const struct plan *plan, const struct observations *obs);

/* Prints which flow it is, by the names of the hosts: "tcp client:38530 > server:8000". */
void terminal_flow(FILE *out, const struct obs_flow *f, const struct plan *plan);

#endif
