/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_JUDGE_TOLERANCE_H
#define WIRECUT_JUDGE_TOLERANCE_H

#include "harness/base/nsec.h"

/*
 * How exact an observed time is, and the time that an app may take beyond what it asked for.
 * An upper bound such as `within` is applied as its author chose it, without any of these; they are
 * granted where a bound would otherwise call an app early or late by less than it can control.
 */

/*
 * A packet's time is the kernel's own stamp. What is granted is the app's: poll(2) and
 * epoll_wait(2) take whole milliseconds, so a deadline may be rounded by one.
 */
#define TOLERANCE_PACKET NSEC_PER_MSEC

/* A socket's state is known by polling, each 20 ms while packets move. */
#define POLL_PERIOD      (20 * NSEC_PER_MSEC)
#define TOLERANCE_POLLED (POLL_PERIOD + TOLERANCE_PACKET)

/*
 * How late the kernel may wake a thread that waits for `length`: select, poll and epoll_wait are
 * given a slack of a thousandth of their timeout, at most 100 ms (fs/select.c, MAX_SLACK and
 * __estimate_accuracy).
 */
static inline nsec_t tolerance_late(nsec_t length)
{
	nsec_t slack = length / 1000;
	nsec_t max_slack = 100 * NSEC_PER_MSEC;

	return TOLERANCE_PACKET + (slack < max_slack ? slack : max_slack);
}

#endif
