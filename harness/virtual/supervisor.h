/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_VIRTUAL_SUPERVISOR_H
#define WIRECUT_VIRTUAL_SUPERVISOR_H

#include "harness/run/run.h"
#include "harness/virtual/image.h"

/*
 * A run on the virtual clock: to the caller the same as one of run_start(), and used by the same
 * calls (run_read(), run_abort(), run_finish()), but carried out inside a guest by a wirecut there.
 *
 * In between is a process, the supervisor: it packs what goes in, lets a guest go on from the
 * snapshot, waits for its end and unpacks the results. When the caller closes its end of the control
 * socket, and be it that it was killed, the supervisor kills the guest and ends.
 */
struct virtual_config {
	const struct guest_image *image;
	uint64_t seed;    /* of the guest's own randomness */
	int cpu;          /* that the guest is bound to; -1: any */
	nsec_t wall_time; /* a guest that takes longer hangs */
};

/*
 * Starts it. While it goes on run_read() gives RUN_PROGRESS messages; RUN_DONE says whether it was
 * exact (struct run_msg). The caller must be single-threaded.
 */
int virtual_start(const struct run_config *config, const struct virtual_config *v, struct run *ret,
		  struct err *err);

#endif
