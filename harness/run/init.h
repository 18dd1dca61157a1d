/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_INIT_H
#define WIRECUT_RUN_INIT_H

#include <sys/resource.h>

#include "harness/run/run.h"

/* The link engine's; init steps one below. Lower than anything else real-time on a machine. */
#define FORWARDER_PRIORITY 2

/*
 * The life of the sandbox's init, process 1 of its PID namespace: builds the hosts, runs the plan,
 * writes the results, and takes everything down. Called in the fresh process; `control_fd` is its
 * end of the pair whose other end is struct run's; `rtprio` is RLIMIT_RTPRIO as the apps get it (init's
 * own may be higher). Never returns.
 */
void init_main(const struct run_config *config, const struct rlimit *rtprio, int control_fd)
	__attribute__((noreturn));

#endif
