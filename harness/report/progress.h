/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_PROGRESS_H
#define WIRECUT_REPORT_PROGRESS_H

#include <stdio.h>

#include "harness/base/arena.h"
#include "harness/data/verdict.h"

/*
 * What runs now: one live line on a terminal ("3 running, 12 of 40 done, 1 not passed, 18 s"), and
 * on demand a list. It is given the time (of CLOCK_MONOTONIC, as `now`) and asks for none.
 *
 * The line is drawn without a newline; progress_erase() must come before anything else is written to
 * the same terminal, and the next progress_draw() brings it back.
 */
struct progress_item {
	const struct plan *plan;
	nsec_t since;
	nsec_t at; /* of the scenario's own time, on the virtual clock; else NSEC_UNSET */
};

struct progress {
	FILE *line; /* the terminal; NULL: no line */
	struct arena *arena;
	VEC(struct progress_item) running; /* in the order in which they started */
	size_t total, done, bad;           /* total SIZE_MAX: without end */
	nsec_t started, drawn;             /* drawn: when the line was last drawn */
	bool shown, stale;                 /* stale: it no longer shows what is */
};

void progress_begin(struct progress *p, FILE *line, size_t total, nsec_t now, struct arena *a);

/* `plan` is kept until it has ended. A result of what was never started (a skip) counts too. */
void progress_started(struct progress *p, const struct plan *plan, nsec_t now);
void progress_at(struct progress *p, const struct plan *plan, nsec_t t);
void progress_stopped(struct progress *p, const struct plan *plan); /* it will run again */
void progress_ended(struct progress *p, const struct scenario_result *r);

/* Takes the line away, if it is there. */
void progress_erase(struct progress *p);

/* Draws the line, if it is time: at most five times a second. */
void progress_draw(struct progress *p, nsec_t now);

/* When progress_draw() has something to do next; NSEC_NEVER: there is no line. */
nsec_t progress_next(const struct progress *p);

/* A line for each that runs, and since when, to `out`. */
void progress_list(struct progress *p, FILE *out, nsec_t now);

#endif
