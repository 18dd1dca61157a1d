/* SPDX-License-Identifier: MIT */
#ifndef REF_PROCESS_H
#define REF_PROCESS_H

#include "reference-app/why.h"

/* What a program does once at its start, before it makes a thread. */

/* Raises the soft limit of open files to the hard one. It is a wish: nothing fails without it. */
void process_raise_nofile(void);

/* Blocks SIGTERM and SIGINT, ignores SIGPIPE, and returns a signalfd that reads the two. */
int process_termination_fd(struct why *why);

/* Takes the signal that made the signalfd readable, and gives the two their default action back: the
 * next one ends the process where it stands. */
void process_termination_taken(int fd);

#endif
