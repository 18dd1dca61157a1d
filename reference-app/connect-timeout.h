/* SPDX-License-Identifier: MIT */
#ifndef REF_CONNECT_TIMEOUT_H
#define REF_CONNECT_TIMEOUT_H

#include <stdbool.h>

#include "reference-app/clock.h"

/* Theory, figures and sources: connect-timeout.c. Pure: it owns no socket and reads no clock. */

/* 3 s. */
extern const nsec_t connect_timeout_default;

/* When an attempt whose first connect() was made at `now` is to be given up, whichever of the target's
 * addresses it is then trying. With `practice` off NSEC_NEVER: the kernel alone ends each connect().
 * `timeout` is more than 0. */
nsec_t connect_deadline(nsec_t timeout, bool practice, nsec_t now);

#endif
