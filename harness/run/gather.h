/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_GATHER_H
#define WIRECUT_RUN_GATHER_H

#include <sys/epoll.h>

#include "harness/base/err.h"
#include "harness/base/nsec.h"

/*
 * Descriptors that may wait to be read. The first that has something wakes init, which then lets a
 * window pass in which no other does; after it all that has come is read at once. An attempt to connect
 * that is refused is five events within 100 us: so it is two wakes and not five.
 */
struct gather {
	int fd;       /* an epoll set with these descriptors, itself in init's */
	int outer_fd; /* init's set; not owned */
	uint64_t data;
	nsec_t window;
	nsec_t until; /* CLOCK_MONOTONIC: the window's end; NSEC_NEVER: none is open */
};

/* From now on outer_fd tells, with `data`, that there is something. */
int gather_init(struct gather *g, int outer_fd, uint64_t data, nsec_t window, struct err *err);

/* A descriptor that is closed is gone from it. Returns -1 with errno. */
int gather_add(struct gather *g, int fd, uint64_t data);

/*
 * outer_fd has told: the window opens. It ends before `limit`, at which init has something to do that
 * nothing may delay: then it is due at once.
 */
void gather_begin(struct gather *g, nsec_t now, nsec_t limit);

/* When `until` has come: how many of `events` were filled; `max` of them, and there may be more. */
int gather_take(struct gather *g, struct epoll_event *events, int max);

/* All has been taken: outer_fd tells again. */
void gather_end(struct gather *g);

#endif
