/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_RUN_H
#define WIRECUT_RUN_RUN_H

#include <sys/resource.h>
#include <sys/types.h>

#include "harness/data/plan.h"
#include "harness/run/statetrace.h"

/*
 * The run stage: carries out one plan in a sandbox of its own, and leaves its observations in the
 * scenario's results folder: events.jsonl, packets.pcapng, logs/. The only stage that sees the
 * kernel.
 *
 * A run is a process (the sandbox's init) that the caller watches through two descriptors, so any
 * number of runs can go on at once in one event loop.
 */
struct run_config {
	const struct plan *plan;
	int results_fd; /* the scenario's results folder */
	const char
		*start_dir; /* wirecut's working folder: a program's relative path counts from it */
	const char *path;   /* PATH of every app: the suite's programs first */
	const char *const *keep_dirs; /* folders that hosts must see even under /tmp; absolute */
	struct rlimit nofile;         /* of an app whose host says nothing of it */
	nsec_t *now; /* shared memory: the time since t = 0 goes there as it passes; NULL: nowhere */
	/*
	 * Of every processor, from statetrace_open(): what a run on the virtual clock has in place of
	 * polling. Not used on the real clock.
	 */
	const struct statetrace_event *trace;
	size_t n_trace;
};

struct run {
	pid_t pid;
	int pidfd;      /* readable when init has ended */
	int control_fd; /* readable when there is a message; closing it tears everything down */
};

enum run_stage {
	RUN_BOOTING,  /* on the virtual clock: a guest boots first, once for all runs to come */
	RUN_BUILT,    /* the hosts are there; run_read() answers it, and keeps it to itself */
	RUN_READY,    /* t = 0 has come */
	RUN_PROGRESS, /* on the virtual clock: .t */
	RUN_DONE,     /* the results are written; .err is empty, or why they are not */
};

struct run_msg {
	enum run_stage stage;
	bool exact; /* RUN_DONE, virtual clock: nothing of the host could reach the guest's time */
	nsec_t t;   /* of the scenario, so far */
	struct err err;
};

/* Starts it. The caller must be single-threaded. */
int run_start(const struct run_config *config, struct run *ret, struct err *err);

/* Reads one message; 0: there is none (or no longer). */
int run_read(struct run *r, struct run_msg *ret);

/* How long init may take to kill what lives and to destroy the sockets. Who does not listen is killed. */
#define RUN_TAKE_DOWN_TIME (10 * NSEC_PER_SEC)

/* Makes it end at once, without results; its pidfd becomes readable when it has. */
void run_abort(struct run *r);

/* Kills it: all its processes go with it. Sockets that outlive them may keep a namespace for minutes. */
void run_kill(struct run *r);

/*
 * Ends it: closes the descriptors and waits until the sandbox is gone. After RUN_DONE that is at
 * once; before, it takes what killing its processes and sockets takes, or RUN_TAKE_DOWN_TIME.
 */
void run_finish(struct run *r);

/*
 * Whether this kernel has what the link engine netem needs, netem and bridges: tried, in a namespace
 * that is gone when it returns.
 */
bool run_has_netem(void);

#endif
