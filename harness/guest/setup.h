/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_GUEST_SETUP_H
#define WIRECUT_GUEST_SETUP_H

#include <stdint.h>

#include "harness/base/err.h"

/* Making a guest what a scenario expects of a machine. All of it is done by process 1. */

#define GUEST_TRACEFS "/sys/kernel/tracing"

/* The kernel's file systems, and the folders that every program expects. */
int setup_mounts(struct err *err);

/* Loads the modules whose paths the file has, a line each. */
int setup_modules(const char *order, struct err *err);

/* Silences what the kernel does by itself from time to time: each wake costs wall time. */
int setup_quiet(struct err *err);

/*
 * Gives the kernel's random generator a state that depends on nothing but `seed`, and makes it
 * forget what it had drawn ahead (random(4): RNDADDENTROPY, RNDRESEEDCRNG).
 */
int setup_seed(uint64_t seed, struct err *err);

#endif
