/* SPDX-License-Identifier: MIT */
#ifndef REF_WORKER_H
#define REF_WORKER_H

#include <pthread.h>
#include <stdatomic.h>

#include "reference-app/heartbeat.h"
#include "reference-app/loop.h"
#include "reference-app/practices.h"

/* How long a server that was told to end serves on, so that its clients can finish and leave. */
#define DRAIN_TIME (1 * NSEC_PER_SEC)

/* One for the whole server, read by all workers. */
struct server_config {
	struct heartbeat_policy heartbeat;
	practices_off_t off;
	nsec_t accept_cost; /* each accept holds its worker for so long; 0: for nothing but the call */
	nsec_t late_close; /* a socket is closed so long after the peer's FIN; 0: at once */
};

/* One for the whole server, counted up by all workers. */
struct server_counters {
	_Atomic uint64_t accepted;
	_Atomic uint64_t requests;
	_Atomic uint64_t reaped;
	_Atomic uint64_t bad_frames;
	_Atomic uint64_t forgotten; /* descriptors left open after the peer's FIN */
};

struct session;

/* A thread with its own loop and its own sessions. All workers accept from the same listening
 * socket; a connection stays with the worker that accepted it. */
struct worker {
	const struct server_config *config;
	struct server_counters *counters;
	struct loop loop;
	struct watch listener; /* watch.fd is the server's */
	bool accepting;
	bool short_of_fds; /* and it has been said */
	struct timer accept_retry;
	struct watch drain; /* an eventfd of this worker's own */
	bool draining;
	struct timer drain_end;
	struct session *sessions;
	pthread_t thread;
	struct why why; /* of a loop that failed; read it after worker_join */
};

/* Starts the thread. listen_fd stays the caller's and outlives the worker. */
int worker_start(struct worker *worker, const struct server_config *config,
		 struct server_counters *counters, int listen_fd, struct why *why);

/* From another thread: accept no more, say GOAWAY, end when the last session has, or DRAIN_TIME later. */
void worker_drain(struct worker *worker);

/* Waits for its end, and frees it. -1 when its loop had failed. */
int worker_join(struct worker *worker);

#endif
