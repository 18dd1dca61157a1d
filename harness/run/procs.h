/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_PROCS_H
#define WIRECUT_RUN_PROCS_H

#include <sys/types.h>

#include "harness/data/plan.h"

/*
 * Which process belongs to which app. An app is its first process and everything that came from it:
 * a child is known by its session, by its parent, and, when it has left both (a daemon), by the
 * variable WIRECUT_APP that it inherited. Read from the sandbox's own /proc.
 */
struct procs;

struct procs *procs_new(const struct plan *plan);
void procs_free(struct procs *p);

/* An instance's first process has been started. */
void procs_add(struct procs *p, pid_t pid, int app);

/* Reads /proc anew: learns new processes, forgets ended ones. */
void procs_refresh(struct procs *p);

typedef void (*procs_fn)(pid_t pid, void *arg);

/* Calls fn for every process of the instance, as of the last procs_refresh(). */
void procs_each(const struct procs *p, int app, procs_fn fn, void *arg);

/* The same for every process of any instance. */
typedef void (*procs_all_fn)(pid_t pid, int app, void *arg);
void procs_all(const struct procs *p, procs_all_fn fn, void *arg);

/*
 * Sends the signal to every process of the instance; those that fork meanwhile are found too. How
 * many there were.
 */
size_t procs_signal(struct procs *p, int app, int signo);

/* The instance that has a socket of this inode open, or -1. Reads /proc/PID/fd if it must. */
int procs_socket_owner(struct procs *p, uint32_t inode);

/* Forgets what procs_socket_owner() has read, so that the next call reads it anew. */
void procs_forget_sockets(struct procs *p);

#endif
