/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_POWER_H
#define WIRECUT_RUN_POWER_H

#include "harness/run/host.h"

/*
 * Kills (SIGKILL) every process that is on the host, whoever's child it is, and returns when all are
 * gone: their descriptors are closed by then. They are known by the host's network namespace, in the
 * sandbox's own /proc. Nobody else may start one there meanwhile. Does not reap them.
 */
int power_kill_all(const struct host *h, uint64_t *ret_killed, struct err *err);

#endif
