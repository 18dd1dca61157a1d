/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_PLANRUN_H
#define WIRECUT_TESTS_PLANRUN_H

#include "harness/data/verdict.h"
#include "harness/run/run.h"

/*
 * One plan carried out without the wirecut program, so that a test says what the run stage is given:
 * the plan's clock, which is a policy of its own on any kernel, and the tracepoint. Programs are
 * those of $BUILD/bin. A failed step fails the test.
 */
struct planrun {
	struct arena arena;
	struct plan *plan;
	char *text, *dir;
	int results_fd;
	struct run run;
	struct run_msg end; /* of RUN_DONE */
	struct observations obs;
	struct scenario_result result;
};

/* Reads and builds the scenario; its clock is CLOCK_REAL or CLOCK_VIRTUAL, whatever the text says. */
void planrun_init(struct planrun *r, const char *text, enum clock_kind clock);
void planrun_free(struct planrun *r);

/* Starts it and returns when t = 0 has come; false: it ended before, and .end says why. */
bool planrun_start(struct planrun *r, const struct statetrace_event *trace, size_t n_trace);
/* Waits for the end and judges. */
void planrun_finish(struct planrun *r);
/* Ends it at once, without results. */
void planrun_abort(struct planrun *r);

/* The verdict of the expectation with this label. */
enum verdict planrun_verdict(const struct planrun *r, const char *label);

#endif
