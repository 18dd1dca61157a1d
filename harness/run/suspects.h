/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_RUN_SUSPECTS_H
#define WIRECUT_RUN_SUSPECTS_H

#include "harness/data/observation.h"

/*
 * Which sockets of one host may have changed since they were last looked at. Where a thousand are
 * open and one changes, it alone is asked for, and the others are not dumped with it. What cannot be
 * named, or is too much to be, makes all of them suspect.
 */

/* More at once than this, and a dump is the lesser work anyhow. */
#define SUSPECTS_MAX 64
/* What was heard of is looked at soon; and once more, for a program that was told takes its time. */
#define SUSPECTS_TWICE 2
#define SUSPECTS_ONCE  1

struct suspect {
	/*
	 * The kernel's name for it while it lives (struct statetrace_change). 0: the kernel told of
	 * something else, which may have changed this socket too.
	 */
	uint64_t sk;
	struct endpoint local, peer;
	bool lives; /* the kernel's last word: it is in a state other than CLOSED, so it is there */
	uint8_t looks; /* that are still to be taken at it */
};

struct suspects {
	uint8_t all; /* looks that are still to be taken at every socket of the host */
	size_t n;
	struct suspect list[SUSPECTS_MAX];
};

/*
 * A socket that begins to connect has no port yet when the kernel tells of it (tcp_v4_connect() of
 * net/ipv4/tcp_ipv4.c). It cannot be asked for, until the next word about the same `sk` names it.
 */
bool suspect_is_nameless(const struct suspect *one);

/* Merges it with what is known of the same socket; of the kernel's words the last one holds. */
void suspects_add(struct suspects *s, const struct suspect *one);
void suspects_add_all(struct suspects *s, uint8_t looks);

/* All of them, or one that can only be found among all. */
bool suspects_want_dump(const struct suspects *s);

/* Adds to `s` what of `looked` is to be looked at again; false: nothing of it is. */
bool suspects_keep(struct suspects *s, const struct suspects *looked);

#endif
