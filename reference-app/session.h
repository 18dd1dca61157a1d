/* SPDX-License-Identifier: MIT */
#ifndef REF_SESSION_H
#define REF_SESSION_H

#include "reference-app/worker.h"

/* The server's side of one connection. Theory: session.c. All of it runs in the worker's thread. */

/* Takes the connected socket over; closes it when memory is short. */
void session_open(struct worker *worker, int fd);

/* Says GOAWAY to every session of the worker. */
void sessions_goaway(struct worker *worker);

/* Closes every session of the worker. */
void sessions_close(struct worker *worker);

#endif
