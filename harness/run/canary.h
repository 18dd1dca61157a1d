/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_CANARY_H
#define WIRECUT_RUN_CANARY_H

#include "harness/base/err.h"
#include "harness/base/nsec.h"

/*
 * The canary: an ordinary process of the sandbox that does nothing but sleep for 10 ms and see how
 * late it wakes. Init and the link engine may have real-time priority and notice nothing of a busy
 * machine; the programs under test have not, and are late by as much as the canary is.
 */
struct canary;

/* It ends with its PID namespace. */
int canary_start(struct canary **ret, struct err *err);

/* By how much it woke too late at worst since the last call, or is late now. */
nsec_t canary_worst(struct canary *c);

#endif
