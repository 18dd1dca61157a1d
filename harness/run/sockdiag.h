/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_SOCKDIAG_H
#define WIRECUT_RUN_SOCKDIAG_H

#include "harness/base/err.h"
#include "harness/data/observation.h"

/*
 * The kernel's view of TCP sockets, by NETLINK_SOCK_DIAG with inet_diag_req_v2 (sock_diag(7)). A
 * socket of this family shows the network namespace in which it was opened, for as long as it
 * lives.
 */

/* For dumps and for SOCK_DESTROY; the caller closes it. */
int sockdiag_open(struct err *err);

/* For destroy notifications of TCP over IPv4 and IPv6; non-blocking. Needs CAP_NET_ADMIN there. */
int sockdiag_open_notifications(struct err *err);

typedef void (*sockdiag_fn)(const struct obs_socket *s, void *arg);

/* Calls fn for every TCP socket, in any state, of both families. */
int sockdiag_dump(int fd, sockdiag_fn fn, void *arg, struct err *err);

/*
 * Reads one datagram of a dump's answer and calls fn for each socket in it. 1: it holds the end of
 * the dump; 0: there is more to come; -1: an error. Trusts no length in it.
 */
int sockdiag_parse(const void *data, size_t len, sockdiag_fn fn, void *arg, struct err *err);

/*
 * Looks for the one socket with these two ends, which must both have a port. `ifindex` is the interface
 * by which its packets come: one that is bound to another is not found. 1: it is in *ret; 0: there is
 * none, for a listener does not count; -1: an error.
 */
int sockdiag_find(int fd, const struct endpoint *local, const struct endpoint *peer, int ifindex,
		  struct obs_socket *ret, struct err *err);

enum sockdiag_note {
	SOCKDIAG_NOTE_NONE,      /* no more to read */
	SOCKDIAG_NOTE_DESTROYED, /* *ret is the socket; only its cookie is sure to be there */
	SOCKDIAG_NOTE_LOST,      /* the kernel had to drop notifications (ENOBUFS) */
};

/* Reads one destroy notification. */
enum sockdiag_note sockdiag_read_note(int fd, struct obs_socket *ret);

/*
 * Destroys every TCP socket (SOCK_DESTROY), so that none outlives its processes and holds its
 * namespace: an orphan in FIN_WAIT would do so for minutes. Failures are not reported: a socket
 * that went by itself in between is as good.
 */
void sockdiag_destroy_all(int fd);

/*
 * The same, but it counts what it destroyed, looks again until there is none left, and fails if there
 * still is one, or if the kernel does not do it. Whoever could make new ones must be gone.
 */
int sockdiag_destroy_every(int fd, uint64_t *ret_n, struct err *err);

#endif
