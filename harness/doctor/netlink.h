/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DOCTOR_NETLINK_H
#define WIRECUT_DOCTOR_NETLINK_H

#include "harness/base/nlbatch.h"

/* lo is the first interface of every network namespace. */
#define LO_IFINDEX 1

/* As nlbatch_commit(), through a socket of its own. -1 with the kernel's errno. */
int netlink_commit(struct nlbatch *batch, struct err *err);

/* Sets an interface up. NULL when memory has run out. */
struct nl_msg *netlink_up_request(int ifindex);

#endif
