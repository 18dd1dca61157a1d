/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_ATTACH_ATTACHMENT_H
#define WIRECUT_ATTACH_ATTACHMENT_H

#include <net/if.h>
#include <netlink/netlink.h>
#include <stdbool.h>
#include <stdint.h>

#include "harness/attach/words.h"
#include "harness/base/arena.h"
#include "harness/base/err.h"

/*
 * A netem of ours as the root qdisc of one interface: put there only where nobody has put one, and
 * taken away only as long as it is this one. Both are decided by the kernel, in one step with the deed
 * (NLM_F_EXCL; the handle in RTM_DELQDISC), so nobody comes between.
 */
struct attachment {
	struct nl_sock *sk; /* of the namespace that the interface is in */
	int ifindex;
	char dev[IF_NAMESIZE];
	uint32_t handle; /* 7xxx:, drawn anew each time: by that we know our own */
	const char *tc;  /* how a shell calls tc(8) there, for messages */
};

/*
 * Finds the interface in the network namespace that the process is in; changes nothing.
 * attachment_close() closes it, and leaves what is set.
 */
int attachment_open(const char *dev, const char *tc, struct arena *a, struct attachment *ret,
		    struct err *err);
void attachment_close(struct attachment *at);

/*
 * That the interface has no qdisc of anybody's; the kernel's default (handle 0) is nobody's. It is for
 * those who only look: attachment_set() leaves it to the kernel, and fails with the same error.
 */
int attachment_check_free(const struct attachment *at, struct err *err);

/*
 * Whether the kernel would take it, and for which reason of attachment_set() it would not. For that the
 * process leaves for a network namespace of its own, and does not come back.
 */
int attachment_try(const struct attachment *at, const struct netem_params *params, uint64_t seed,
		   struct arena *a, struct err *err);

/* Sets the qdisc. `seed`: of its generator. */
int attachment_set(const struct attachment *at, const struct netem_params *params, uint64_t seed,
		   struct arena *a, struct err *err);

/* What it has done so far. False: it is not there any more. */
struct attachment_receipt {
	uint64_t passed, dropped; /* packets */
	uint64_t held;            /* that are held back */
};
bool attachment_receipt(const struct attachment *at, struct attachment_receipt *ret);

enum attachment_end {
	ATTACHMENT_TAKEN,     /* it was there, and is no more */
	ATTACHMENT_REPLACED,  /* somebody has taken it away before, or put another there */
	ATTACHMENT_NO_DEVICE, /* the interface is gone */
	ATTACHMENT_FAILED,    /* *err says why, and how to mend it */
};
enum attachment_end attachment_take_away(const struct attachment *at, struct err *err);

#endif
