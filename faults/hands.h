/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_HANDS_H
#define WIRECUT_FAULTS_HANDS_H

#include "harness/base/err.h"
#include "harness/data/observation.h"

/*
 * What a fault on hosts or on apps may do to them, as an injector is what a fault may do to a cable.
 * The sandbox's init has the hands that reach into the kernel (harness/run/hands.c); a test may have
 * others.
 *
 * Each takes the index of a host or of an app of the plan, and is remembered with the window in which
 * it was done: when that ends, all of it is taken back, the last first. So a fault says only what it
 * does. Each returns -1 with *err if it could not be done; the message has the mend where one is known.
 */
struct hands;

struct hand_ops {
	/* Kills every process on the host, and waits until all are gone. Until it is taken back
	 * nothing can be started there. */
	int (*cut_power)(struct hands *hands, int host, uint64_t *ret_killed, struct err *err);
	/* Destroys every TCP socket of the host, in whatever state; without a word on the cable only
	 * if that is silent. Is not taken back. */
	int (*destroy_sockets)(struct hands *hands, int host, uint64_t *ret_n, struct err *err);
	/* Takes the host's addresses away. */
	int (*remove_addresses)(struct hands *hands, int host, uint64_t *ret_n, struct err *err);
	/* Writes a setting of the host's network namespace. */
	int (*set_sysctl)(struct hands *hands, int host, const char *name, const char *value,
			  struct err *err);
	/* Limits the open descriptors of each running process of the app (the soft limit). */
	int (*limit_files)(struct hands *hands, int app, uint64_t limit, uint64_t *ret_processes,
			   struct err *err);
	/* Leaves no room in the host's private /tmp. */
	int (*fill_tmp)(struct hands *hands, int host, struct err *err);
};

struct hands {
	const struct hand_ops *ops;
};

#endif
