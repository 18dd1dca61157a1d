/* SPDX-License-Identifier: MIT */
#include "harness/run/gather.h"

#include <errno.h>
#include <unistd.h>

int gather_init(struct gather *g, int outer_fd, uint64_t data, nsec_t window, struct err *err)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = data};

	*g = (struct gather){.fd = epoll_create1(EPOLL_CLOEXEC),
			     .outer_fd = outer_fd,
			     .data = data,
			     .window = window,
			     .until = NSEC_NEVER};
	if (g->fd < 0 || epoll_ctl(outer_fd, EPOLL_CTL_ADD, g->fd, &e) < 0)
		return err_errno(err, "open descriptors");
	return 0;
}

int gather_add(struct gather *g, int fd, uint64_t data)
{
	struct epoll_event e = {.events = EPOLLIN, .data.u64 = data};

	return epoll_ctl(g->fd, EPOLL_CTL_ADD, fd, &e);
}

static void listen_for(struct gather *g, uint32_t events)
{
	struct epoll_event e = {.events = events, .data.u64 = g->data};

	(void)epoll_ctl(g->outer_fd, EPOLL_CTL_MOD, g->fd, &e);
}

void gather_begin(struct gather *g, nsec_t now, nsec_t limit)
{
	g->until = now + g->window < limit ? now + g->window : now;
	listen_for(g, 0);
}

int gather_take(struct gather *g, struct epoll_event *events, int max)
{
	int n = (int)TEMP_FAILURE_RETRY(epoll_wait(g->fd, events, max, 0));

	return n > 0 ? n : 0;
}

void gather_end(struct gather *g)
{
	g->until = NSEC_NEVER;
	listen_for(g, EPOLLIN);
}
