/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_BASE_NLBATCH_H
#define WIRECUT_BASE_NLBATCH_H

#include <netlink/msg.h>
#include <netlink/socket.h>

#include "harness/base/arena.h"
#include "harness/base/err.h"

struct nlbatch_item {
	struct nlmsghdr *msg;
	const char *what;
};

/*
 * Many rtnetlink requests in few system calls: the kernel takes any number of messages in one send,
 * answers each that fails, and acknowledges the last because only the last asks for it. A mesh of
 * 200 hosts is 80,000 neighbour entries; a round trip for each would dominate the set-up.
 *
 * Zero-initialise all but `arena`, which keeps the messages until nlbatch_commit().
 */
struct nlbatch {
	struct arena *arena;
	VEC(struct nlbatch_item) items;
};

/*
 * Adds a request and frees `msg`; `what` says in an error what it was for, and must outlive the
 * batch. A NULL `msg` (libnl ran out of memory, or refused) becomes an error at the commit.
 */
void nlbatch_add(struct nlbatch *b, struct nl_msg *msg, const char *what);

/* Sends everything and waits for the kernel's answers; the first failure is the error. */
int nlbatch_commit(struct nlbatch *b, struct nl_sock *sk, struct err *err);

#endif
