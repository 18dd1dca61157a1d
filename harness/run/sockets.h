/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_SOCKETS_H
#define WIRECUT_RUN_SOCKETS_H

#include "harness/data/observation.h"
#include "harness/run/host.h"
#include "harness/run/procs.h"
#include "harness/run/suspects.h"

/*
 * The socket observer: turns dumps and destroy notifications of every host into records of what
 * changed, with the app that owns each socket. A socket is known by its cookie, which the kernel
 * never reuses; its owner is remembered from the first dump that shows an inode.
 */
struct sockets;

/* Records are added to `obs`, with t in CLOCK_MONOTONIC. */
struct sockets *sockets_new(const struct plan *plan, struct host *hosts, struct procs *procs,
			    struct observations *obs);
void sockets_free(struct sockets *s);

/* Dumps the sockets of one host and records the changes since the last dump. */
int sockets_poll(struct sockets *s, int host, struct err *err);

/*
 * The same where only these may have changed, and those that have no owner yet: each is asked for by
 * itself, if that is the lesser work and tells all. Of those that are gone the .looks become 0.
 */
int sockets_look(struct sockets *s, int host, struct suspects *suspects, struct err *err);

/*
 * Until t (CLOCK_MONOTONIC) no socket of the host changed its state since it was last looked at: the
 * kernel would have told. Makes the records of the next look the more exact (obs_socket.since).
 */
void sockets_same_until(struct sockets *s, int host, nsec_t t);

/*
 * Sockets that change without a change of state that the kernel would tell: a half-open connection,
 * TIME_WAIT, and FIN_WAIT_2 once its process has let go of it.
 */
struct sockets_silent {
	nsec_t end; /* CLOCK_MONOTONIC: the first of them is to end; NSEC_NEVER: there is none */
	bool awaits_fin; /* one is in FIN_WAIT_2: a packet makes it TIME_WAIT */
};

/* As of the last dump. */
struct sockets_silent sockets_silent(const struct sockets *s, int host);

/* Records that the host's sockets are known completely at this moment. */
void sockets_mark_polled(struct sockets *s, int host);

/* Reads the destroy notifications that are waiting for one host. */
void sockets_read_notes(struct sockets *s, int host);

/*
 * Calls fn for each socket that was known and whose destroy notification is read, as it was last seen.
 * What the kernel keeps of it, such as TIME_WAIT, is then not known any more.
 */
typedef void (*sockets_destroyed_fn)(int host, const struct obs_socket *last, void *arg);
void sockets_hear_destroyed(struct sockets *s, sockets_destroyed_fn fn, void *arg);

/* As of the last dump: does the instance listen on this port of its host? */
bool sockets_is_listening(const struct sockets *s, int app, int port);

/* As of the last dump: has the instance an ESTABLISHED connection to this host and port? */
bool sockets_is_connected(const struct sockets *s, int app, int peer_host, int port);

#endif
