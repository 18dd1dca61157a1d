/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_LINK_H
#define WIRECUT_RUN_LINK_H

#include "harness/data/observation.h"
#include "harness/run/host.h"

/* The run's side of the link engine: starts its process, tells it t = 0 and the end. */
struct link;

/*
 * Starts the engine in the calling process's network namespace, the cable namespace, and waits until
 * it moves packets. `results_fd` is the scenario's results folder, where packets.pcapng goes.
 */
int link_start(const struct plan *plan, const struct host *hosts, int results_fd, struct link **ret,
	       struct err *err);

/* Frees it; the process, if it still runs, sees end of file and exits. */
void link_free(struct link *l);

/* Becomes readable when the engine has failed: then link_failure() has the reason. */
int link_fd(const struct link *l);
void link_failure(struct link *l, struct err *err);

pid_t link_pid(const struct link *l);

/* t = 0 is at `t0` of CLOCK_MONOTONIC; the plan's fault edges count from there. */
int link_begin(struct link *l, nsec_t t0, struct err *err);

/*
 * Lifts every fault, waits until everything is written, and adds the engine's records to `obs`, with
 * their times in CLOCK_MONOTONIC.
 */
int link_end(struct link *l, struct observations *obs, struct err *err);

/* CLOCK_MONOTONIC of the last packet on a host's cable, either way; 0: none yet. */
nsec_t link_last_packet(const struct link *l, int host);

/*
 * Alarms, for who does not poll: the next packet on a host's cable, either way, makes the descriptor
 * readable, once for each time that the alarm is set.
 */
int link_alarm_fd(const struct link *l);
void link_set_alarm(struct link *l, int host);
/* The descriptor was readable: makes it quiet again. Then ask of each host. */
void link_quiet_alarms(struct link *l);
bool link_alarm_rang(const struct link *l, int host);

#endif
