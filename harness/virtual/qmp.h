/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_QMP_H
#define WIRECUT_VIRTUAL_QMP_H

#include <jansson.h>

#include "harness/base/err.h"
#include "harness/base/nsec.h"

/*
 * QEMU's machine protocol over a connected socket (QEMU: docs/interop/qmp-spec.txt): one command at
 * a time, each answered before the next. Every call gives up at its deadline, or when the other
 * descriptor of struct qmp says that nobody wants the answer any more.
 */
#define QMP_LINE_MAX 65536

struct qmp {
	int fd;        /* ours to close */
	int cancel_fd; /* readable: give up; -1: none */
	size_t used;
	char buf[QMP_LINE_MAX];
	json_t *events; /* those that came while something else was waited for */
};

/* Takes the socket, reads the greeting and leaves the negotiation. */
int qmp_begin(struct qmp *q, int fd, int cancel_fd, nsec_t deadline, struct err *err);
void qmp_end(struct qmp *q);

/*
 * Runs a command. `arguments` (NULL: none) is stolen. `send_fd` (-1: none) goes with it. *ret (may
 * be NULL) is the answer's "return", the caller's.
 */
int qmp_command(struct qmp *q, const char *name, json_t *arguments, int send_fd, json_t **ret,
		nsec_t deadline, struct err *err);

/* Waits for an event of this name, which may have come before. */
int qmp_wait_event(struct qmp *q, const char *name, nsec_t deadline, struct err *err);

#endif
