/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DOCTOR_SANDBOX_H
#define WIRECUT_DOCTOR_SANDBOX_H

#include <stdbool.h>

#include "harness/base/err.h"

/*
 * Calls fn in a child process inside new namespaces like those of a run: user, PID, mount (private),
 * network, UTS and IPC, as root there; where user namespaces are refused, root goes on without one,
 * and *ret_with_user is false. Waits until it has ended. -1 with errno if the namespaces could not
 * be made. The child dies with the caller.
 */
int sandbox_call(void (*fn)(void *), void *arg, bool *ret_with_user, struct err *err);

/* Inside: mounts a /proc of its own, as a run does. -1 with errno. */
int sandbox_mount_proc(void);

#endif
