/* SPDX-License-Identifier: MIT */
#ifndef REF_ATTEMPT_H
#define REF_ATTEMPT_H

#include "reference-app/address.h"
#include "reference-app/clock.h"
#include "reference-app/why.h"

/*
 * A service by name. It is resolved at its first use and then kept: all clients of a process share one.
 * A lookup that failed is made again, at the first attempt a second later or after that: it may block for
 * as long as the resolver waits for its servers, and all clients would each wait for it in turn.
 */
struct target {
	struct host_port name;
	struct addresses addresses;
	nsec_t failed_at; /* when the last lookup ended, if it failed; 0: it has not */
	struct why failure;
};

/*
 * One attempt at reaching a target: a non-blocking connect() to one address after the other.
 *
 * An address that refuses leads straight to the next one. An address that stays silent uses up the
 * attempt's deadline; the next attempt then begins with the address after it. So an attempt never
 * lasts longer than its deadline, and a dead first address of two costs one attempt, not every one.
 */
struct attempt {
	struct target *target;
	int fd;         /* of the connect under way; -1 without one */
	unsigned at;    /* the address now tried */
	unsigned tried; /* how many have been, in this attempt */
};

enum attempt_status {
	ATTEMPT_WAITING,   /* wait until attempt->fd is writable, then go on */
	ATTEMPT_CONNECTED, /* attempt->fd is the caller's now */
	ATTEMPT_FAILED,    /* every address failed; why says what the last one did */
};

void attempt_init(struct attempt *attempt, struct target *target);

enum attempt_status attempt_begin(struct attempt *attempt, struct why *why);

/* attempt->fd became writable. It may be closed and another one opened: the caller has taken it out of
 * its epoll set. */
enum attempt_status attempt_go_on(struct attempt *attempt, struct why *why);

/* The deadline came: closes the socket, which ends the kernel's SYN retransmissions. */
void attempt_give_up(struct attempt *attempt, struct why *why);

/* The address now tried, in words. */
const char *attempt_address(const struct attempt *attempt, char buffer[ADDRESS_TEXT_MAX]);

#endif
