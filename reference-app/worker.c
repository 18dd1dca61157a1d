/* SPDX-License-Identifier: MIT */
#include "reference-app/worker.h"

#include <errno.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "reference-app/json-line.h"
#include "reference-app/session.h"

/* Accepted in one go; then the sessions have their turn. */
#define ACCEPT_BUDGET 16

/* Without a free descriptor the connection stays in the accept queue and epoll would report it for
 * ever: the listener is left alone for so long. */
#define ACCEPT_RETRY (100 * NSEC_PER_MSEC)

/* accept_retry and drain_end. */
#define TIMERS_EACH 2

static void listener_watch(struct worker *worker)
{
	/* EPOLLEXCLUSIVE: a new connection wakes one worker, not all of them. */
	worker->accepting =
		loop_watch(&worker->loop, &worker->listener, EPOLLIN | EPOLLEXCLUSIVE) == 0;
}

static void listener_unwatch(struct worker *worker)
{
	if (worker->accepting)
		loop_unwatch(&worker->loop, &worker->listener);
	worker->accepting = false;
}

static void accept_later(struct worker *worker, nsec_t now)
{
	struct json_line line;

	if (!worker->short_of_fds) {
		json_begin(&line, "accept_paused", now);
		json_text(&line, "why", strerrordesc_np(errno));
		json_write(&line);
	}
	worker->short_of_fds = true;
	listener_unwatch(worker);
	timer_arm(&worker->loop.timers, &worker->accept_retry, now + ACCEPT_RETRY);
}

static void accept_failed(struct worker *worker, nsec_t now)
{
	switch (errno) {
	case EMFILE:
	case ENFILE:
	case ENOBUFS:
	case ENOMEM:
		accept_later(worker, now);
		break;
	case EINVAL: /* the listener was shut down: the server is ending */
	case EBADF:
		listener_unwatch(worker);
		break;
	default: /* EAGAIN, or an error of the one connection (accept(2)): level-triggered epoll asks again */
		break;
	}
}

/* What an accept costs beside the system call: a TLS handshake, a login. The worker sleeps and does not
 * compute, so that a simulated cost takes no processor from the peers that share the machine. */
static void pay(nsec_t cost)
{
	struct timespec left = {.tv_sec = cost / NSEC_PER_SEC, .tv_nsec = cost % NSEC_PER_SEC};

	while (nanosleep(&left, &left) < 0 && errno == EINTR)
		;
}

static void listener_ready(struct watch *watch, uint32_t events, nsec_t now)
{
	struct worker *worker = CONTAINER_OF(watch, struct worker, listener);
	nsec_t cost = worker->config->accept_cost;

	(void)events;
	/* One that costs is all that the sessions can be made to wait for. */
	for (int i = 0; i < (cost ? 1 : ACCEPT_BUDGET); i++) {
		int fd = accept4(watch->fd, NULL, NULL, SOCK_NONBLOCK | SOCK_CLOEXEC);

		if (fd < 0) {
			accept_failed(worker, now);
			return;
		}
		worker->short_of_fds = false;
		atomic_fetch_add(&worker->counters->accepted, 1);
		if (cost)
			pay(cost);
		session_open(worker, fd);
	}
}

static void accept_retry_expired(struct timer *timer, nsec_t now)
{
	struct worker *worker = CONTAINER_OF(timer, struct worker, accept_retry);

	if (worker->draining)
		return;
	listener_watch(worker);
	if (!worker->accepting) /* it was short of memory for that, too */
		timer_arm(&worker->loop.timers, timer, now + ACCEPT_RETRY);
}

static void drain_ready(struct watch *watch, uint32_t events, nsec_t now)
{
	struct worker *worker = CONTAINER_OF(watch, struct worker, drain);

	(void)events;
	loop_unwatch(&worker->loop, watch);
	listener_unwatch(worker);
	worker->draining = true;
	timer_arm(&worker->loop.timers, &worker->drain_end, now + DRAIN_TIME);
	sessions_goaway(worker);
	if (!worker->sessions)
		loop_stop(&worker->loop);
}

static void drain_end_expired(struct timer *timer, nsec_t now)
{
	(void)now;
	loop_stop(&CONTAINER_OF(timer, struct worker, drain_end)->loop);
}

static void *run(void *arg)
{
	struct worker *worker = arg;

	loop_run(&worker->loop, &worker->why);
	sessions_close(worker);
	return NULL;
}

static int set_up(struct worker *worker, int listen_fd, struct why *why)
{
	if (loop_init(&worker->loop, why) < 0)
		return -1;
	if (timers_reserve(&worker->loop.timers, TIMERS_EACH) < 0)
		return why_set(why, "no memory for a worker");
	worker->drain.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
	if (worker->drain.fd < 0)
		return why_errno(why, "eventfd");
	worker->drain.ready = drain_ready;
	worker->listener.fd = listen_fd;
	worker->listener.ready = listener_ready;
	worker->accept_retry.expired = accept_retry_expired;
	worker->drain_end.expired = drain_end_expired;
	listener_watch(worker);
	if (!worker->accepting || loop_watch(&worker->loop, &worker->drain, EPOLLIN) < 0)
		return why_errno(why, "epoll_ctl");
	return 0;
}

static void tear_down(struct worker *worker)
{
	if (worker->drain.fd >= 0)
		close(worker->drain.fd);
	loop_free(&worker->loop);
}

int worker_start(struct worker *worker, const struct server_config *config,
		 struct server_counters *counters, int listen_fd, struct why *why)
{
	int error;

	*worker = (struct worker){.config = config, .counters = counters, .drain.fd = -1};
	if (set_up(worker, listen_fd, why) < 0) {
		tear_down(worker);
		return -1;
	}
	error = pthread_create(&worker->thread, NULL, run, worker);
	if (error) {
		tear_down(worker);
		errno = error;
		return why_errno(why, "start a worker thread");
	}
	return 0;
}

void worker_drain(struct worker *worker)
{
	eventfd_write(worker->drain.fd, 1);
}

int worker_join(struct worker *worker)
{
	pthread_join(worker->thread, NULL);
	tear_down(worker);
	return worker->why.text[0] ? -1 : 0;
}
