/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_INIT_H
#define WIRECUT_RUN_INIT_H

#include "harness/run/run.h"

/*
 * The life of the sandbox's init, process 1 of its PID namespace: builds the hosts, runs the plan,
 * writes the results, and takes everything down. Called in the fresh process; `control_fd` is its
 * end of the pair whose other end is struct run's. Never returns.
 */
void init_main(const struct run_config *config, int control_fd) __attribute__((noreturn));

#endif
