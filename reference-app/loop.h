/* SPDX-License-Identifier: MIT */
#ifndef REF_LOOP_H
#define REF_LOOP_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/epoll.h>

#include "reference-app/timers.h"
#include "reference-app/why.h"

/* One epoll set and its timers, for one thread. Needs epoll_pwait2 (Linux 5.11): epoll_wait's
 * milliseconds would make each timer up to 1 ms late. */

#define LOOP_BATCH 64

/* Takes the object of type `type` whose member `member` is *ptr. */
#define CONTAINER_OF(ptr, type, member) ((type *)((char *)(ptr)-offsetof(type, member)))

/* What every entry of the epoll set points to; it lives inside the object it belongs to. */
struct watch {
	int fd;
	uint32_t events; /* EPOLL… now asked for */
	void (*ready)(struct watch *watch, uint32_t events, nsec_t now);
};

struct loop {
	int epoll_fd;
	bool stopping;
	struct timers timers;
	struct epoll_event batch[LOOP_BATCH];
	int batch_len;
	int batch_at;
};

int loop_init(struct loop *loop, struct why *why);
void loop_free(struct loop *loop);

/* Adds watch->fd to the set. -1 with errno set on failure. */
int loop_watch(struct loop *loop, struct watch *watch, uint32_t events);

/* Changes what is asked for; free of cost when nothing changes. */
int loop_rewatch(struct loop *loop, struct watch *watch, uint32_t events);

/* Takes it out of the set, and out of the events already fetched: the object may be freed and the
 * descriptor closed right after. */
void loop_unwatch(struct loop *loop, struct watch *watch);

/* Runs until loop_stop. Sockets come before timers, LOOP_BATCH of them at a time. */
int loop_run(struct loop *loop, struct why *why);

void loop_stop(struct loop *loop);

#endif
