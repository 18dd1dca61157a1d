/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_ATTACH_GUARDIAN_H
#define WIRECUT_ATTACH_GUARDIAN_H

#include <sys/types.h>

#include "harness/attach/attachment.h"
#include "harness/base/nsec.h"

/*
 * A process of its own session that takes an attachment away when its parent does not: because that
 * was killed, by SIGKILL too, or was stopped when the time was up. It learns of the first by the end of
 * a socket pair that the kernel closes for the parent, and cannot be wrong about it; it takes away
 * only what is still ours, so it does no harm where the parent has done it.
 *
 * Only SIGKILL ends it early: then the parent sees its pidfd and does not go on without it. Who kills
 * both, or the machine, leaves the qdisc behind.
 */
struct guardian {
	pid_t pid;
	int pidfd;    /* readable: it has ended */
	int alive_fd; /* our end */
};

/* Starts it, before anything is set. guardian_end() ends it. */
int guardian_start(const struct attachment *at, struct guardian *ret, struct err *err);

/* It is set, and may stay for so long from now. -1: there is no guardian any more. */
int guardian_tell(const struct guardian *g, nsec_t length);

enum guardian_fate {
	GUARDIAN_IDLE,    /* it found nothing to take away */
	GUARDIAN_TOOK_IT, /* it came first */
	GUARDIAN_LOST,    /* it was killed, or could not take it away and has said so */
};
/* Lets it end, after it has looked for the last time, and waits for that. Once. */
enum guardian_fate guardian_end(struct guardian *g);

/* The same where nothing was set: what it would find, by a handle that is the same, is somebody else's. */
void guardian_dismiss(struct guardian *g);

#endif
