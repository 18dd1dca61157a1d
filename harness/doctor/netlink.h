/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DOCTOR_NETLINK_H
#define WIRECUT_DOCTOR_NETLINK_H

#include "harness/base/nlbatch.h"
#include "harness/base/rtnl.h"

/* As nlbatch_commit(), through a socket of its own. -1 with the kernel's errno. */
int netlink_commit(struct nlbatch *batch, struct err *err);

#endif
