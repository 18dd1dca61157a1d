/* SPDX-License-Identifier: MIT */
#include "reference-app/loop.h"

#include <errno.h>
#include <unistd.h>

int loop_init(struct loop *loop, struct why *why)
{
	*loop = (struct loop){.epoll_fd = epoll_create1(EPOLL_CLOEXEC)};
	if (loop->epoll_fd < 0)
		return why_errno(why, "epoll_create1");
	return 0;
}

void loop_free(struct loop *loop)
{
	if (loop->epoll_fd >= 0)
		close(loop->epoll_fd);
	loop->epoll_fd = -1;
	timers_free(&loop->timers);
}

int loop_watch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	watch->events = events;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_ADD, watch->fd, &event);
}

int loop_rewatch(struct loop *loop, struct watch *watch, uint32_t events)
{
	struct epoll_event event = {.events = events, .data.ptr = watch};

	if (watch->events == events)
		return 0;
	watch->events = events;
	return epoll_ctl(loop->epoll_fd, EPOLL_CTL_MOD, watch->fd, &event);
}

void loop_unwatch(struct loop *loop, struct watch *watch)
{
	epoll_ctl(loop->epoll_fd, EPOLL_CTL_DEL, watch->fd, NULL);
	for (int i = loop->batch_at; i < loop->batch_len; i++)
		if (loop->batch[i].data.ptr == watch)
			loop->batch[i].data.ptr = NULL;
}

/* Waits for events, until the next timer at the latest. Returns how many, -1 on error. */
static int wait_for_events(struct loop *loop)
{
	nsec_t due = timers_next(&loop->timers);
	struct timespec timeout;
	nsec_t left;

	if (due == NSEC_NEVER)
		return epoll_pwait2(loop->epoll_fd, loop->batch, LOOP_BATCH, NULL, NULL);
	left = due - clock_now();
	if (left < 0)
		left = 0;
	timeout.tv_sec = left / NSEC_PER_SEC;
	timeout.tv_nsec = left % NSEC_PER_SEC;
	return epoll_pwait2(loop->epoll_fd, loop->batch, LOOP_BATCH, &timeout, NULL);
}

static void run_batch(struct loop *loop, int len)
{
	nsec_t now = clock_now();

	loop->batch_len = len;
	for (loop->batch_at = 0; loop->batch_at < len; loop->batch_at++) {
		const struct epoll_event *event = &loop->batch[loop->batch_at];
		struct watch *watch = event->data.ptr;

		if (watch)
			watch->ready(watch, event->events, now);
	}
	loop->batch_len = 0;
}

int loop_run(struct loop *loop, struct why *why)
{
	while (!loop->stopping) {
		int len = wait_for_events(loop);

		if (len < 0) {
			if (errno == EINTR)
				continue;
			return why_errno(why, "epoll_pwait2 (it needs Linux 5.11 or later)");
		}
		run_batch(loop, len);
		timers_run(&loop->timers, clock_now());
	}
	return 0;
}

void loop_stop(struct loop *loop)
{
	loop->stopping = true;
}
