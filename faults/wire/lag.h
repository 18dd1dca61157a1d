/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_LAG_H
#define WIRECUT_WIRE_LAG_H

#include "harness/data/observation.h"

/*
 * How late the forwarder is: kept small by telling only the worst of each window that has one worth
 * telling, and in the end the worst of all.
 */
struct lag_meter {
	nsec_t window_end; /* of the open window */
	nsec_t worst, at;  /* of the open window; worst 0: no lag yet */
	nsec_t worst_ever, ever_at;
};

#define LAG_WINDOW   (100 * NSEC_PER_MSEC)
#define LAG_TOLD_MIN NSEC_PER_MSEC

/* At time t something was done `lag` late. True: *ret is the stall of the window before. */
bool lag_note(struct lag_meter *m, nsec_t t, nsec_t lag, struct observation *ret);

/* Closes the open window. True: *ret is its stall. */
bool lag_close_window(struct lag_meter *m, struct observation *ret);

/* The worst of all, told or not; at `now` with a lag of 0 if there never was one. */
struct observation lag_worst(const struct lag_meter *m, nsec_t now);

/* A record of the forwarder's own trouble. */
struct observation lag_observation(enum obs_event event, nsec_t t, nsec_t lag, uint64_t count);

#endif
