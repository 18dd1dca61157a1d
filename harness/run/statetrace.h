/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_STATETRACE_H
#define WIRECUT_RUN_STATETRACE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "harness/base/err.h"
#include "harness/data/observation.h"

/*
 * Changes of state of TCP sockets as the kernel makes them: its tracepoint sock:inet_sock_set_state
 * (include/trace/events/sock.h, since Linux 4.16), heard through perf_event_open(2). Unlike a dump it
 * costs nothing while nothing changes. It tells of every network namespace of the machine, so who
 * reads it sorts by address.
 *
 * What it does not tell, because no socket's state changes: a half-open connection (a request
 * socket: SYN_RECEIVED), the life of a TIME_WAIT and of a FIN_WAIT_2 without a process, an accept,
 * timers. And it tells of a change just before it is made: to see the change, look a little later.
 *
 * Opening it takes a right that is lost in a sandbox (CAP_PERFMON outside every user namespace), so
 * that is done first, and the rest in the sandbox.
 */

/* Where a field lies in the tracepoint's record; bytes. */
struct statetrace_field {
	unsigned offset, size;
};

enum statetrace_member {
	STATETRACE_SKADDR,
	STATETRACE_OLDSTATE,
	STATETRACE_NEWSTATE,
	STATETRACE_SPORT,
	STATETRACE_DPORT,
	STATETRACE_FAMILY,
	STATETRACE_PROTOCOL,
	STATETRACE_SADDR,
	STATETRACE_DADDR,
	STATETRACE_SADDR_V6,
	STATETRACE_DADDR_V6,
	STATETRACE_N_MEMBERS,
};

/* The record's layout, as the kernel itself says it. */
struct statetrace_format {
	struct statetrace_field at[STATETRACE_N_MEMBERS];
};

/* The tracepoint on one processor, open and still silent. A fork may carry it. */
struct statetrace_event {
	int fd;
	struct statetrace_format format;
};

/* One change. `from` is never the same as `to`. */
struct statetrace_change {
	nsec_t t; /* CLOCK_MONOTONIC */
	/* Where the kernel has it: of no two sockets at a time. Differs from run to run. */
	uint64_t sk;
	enum tcp_state from, to;
	struct endpoint local, peer; /* zero where the socket has none; a mapped IPv4 is IPv4 */
};

/*
 * Opens the tracepoint on one processor (0 to sysconf(_SC_NPROCESSORS_ONLN) - 1); a change is told
 * on the processor that makes it, so all of them are needed. `tracefs` is where that file system is
 * mounted, such as "/sys/kernel/tracing". The caller closes ret->fd. Errors say what is missing:
 * the mount, the tracepoint, the right.
 */
int statetrace_open(const char *tracefs, int cpu, struct statetrace_event *ret, struct err *err);

/*
 * Reads the text of the tracepoint's file `format`. A field that is missing, or of a size that it
 * cannot have, is an error that names it.
 */
int statetrace_parse_format(const char *text, struct statetrace_format *ret, struct err *err);

/*
 * Reads one record of `len` bytes; .t is left alone. False if it is none that matters: not of TCP, no
 * change, or shorter than its format.
 */
bool statetrace_decode(const struct statetrace_format *f, const uint8_t *record, size_t len,
		       struct statetrace_change *ret);

/* The changes of all processors, being heard. */
struct statetrace;

/*
 * Makes the rings and starts to listen. The descriptors of `events` stay the caller's and must stay
 * open. A ring is 64 KiB and a page: within perf_event_mlock_kb (516 by default, of each user and
 * processor) it does not count against RLIMIT_MEMLOCK.
 */
int statetrace_start(const struct statetrace_event *events, size_t n, struct statetrace **ret,
		     struct err *err);
void statetrace_free(struct statetrace *st);

typedef void (*statetrace_fn)(const struct statetrace_change *c, void *arg);

/*
 * Calls fn for each change that waits in the rings, one processor after the other: not in the order
 * of time. Returns how many changes were lost because a ring was full; of the latest it may know no
 * more yet than that there are some.
 *
 * A descriptor of `events` is readable (poll(2), epoll(7)) once after each change: read everything
 * then.
 */
uint64_t statetrace_read(struct statetrace *st, statetrace_fn fn, void *arg);

#endif
