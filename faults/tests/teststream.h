/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_TESTS_TESTSTREAM_H
#define WIRECUT_FAULTS_TESTS_TESTSTREAM_H

#include "faults/tests/testplan.h"
#include "harness/data/observation.h"

/*
 * A stream of probes from host 0 to host 1 through the engine, under a clock of the test's own: UDP,
 * numbered from 0, the n-th sent at (n + 1) * interval. What became of each is kept, and nothing
 * else, so that streams may be long.
 */
struct teststream {
	size_t n;
	nsec_t *took;     /* per probe: how long the first of it was on its way; NSEC_NEVER: lost */
	int *times;       /* per probe: how often it arrived whole */
	size_t n_late;    /* that arrived behind one that was sent after them */
	size_t n_bent;    /* that arrived with something else in them than was sent */
	size_t most_bits; /* in which one of those differed, at most */
	nsec_t last;      /* when the last one arrived */
	struct receipt did; /* of the plan's last fault, all windows together */
};

struct teststream_of {
	size_t n;
	nsec_t interval; /* 0: all at once, at 1 */
	size_t len;      /* of each frame; 0: as short as it can be */
};

/* Lives in the arena. Aborts when the engine does not start. */
struct teststream *teststream_run(struct arena *a, const struct plan *plan,
				  struct teststream_of what);

#endif
