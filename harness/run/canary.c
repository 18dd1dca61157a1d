/* SPDX-License-Identifier: MIT */
#include "harness/run/canary.h"

#include <stdatomic.h>
#include <sys/mman.h>
#include <unistd.h>

#define CANARY_PERIOD (10 * NSEC_PER_MSEC)

/* Shared by the two processes; the mapping lives as long as they do. */
struct canary {
	_Atomic nsec_t worst; /* of the wakes since it was last asked for */
	_Atomic nsec_t due;   /* of the next wake */
};

static void __attribute__((noreturn)) sing(struct canary *c)
{
	nsec_t due = atomic_load(&c->due); /* it may have been late from the start */

	/* No descriptor of init's may live on here: wirecut and the link engine wait for their ends. */
	close_range(0, ~0U, 0);
	for (;;) {
		struct timespec t = nsec_to_timespec(due);

		while (clock_nanosleep(CLOCK_MONOTONIC, TIMER_ABSTIME, &t, NULL) != 0)
			;
		nsec_t now = nsec_monotonic(), late = now - due, seen = atomic_load(&c->worst);

		while (late > seen && !atomic_compare_exchange_weak(&c->worst, &seen, late))
			;
		/* What was slept through is not caught up: it would be one stall counted often. */
		if (late > CANARY_PERIOD)
			due = now;
		due += CANARY_PERIOD;
		atomic_store(&c->due, due);
	}
}

int canary_start(struct canary **ret, struct err *err)
{
	void *p = mmap(NULL, sizeof(struct canary), PROT_READ | PROT_WRITE,
		       MAP_SHARED | MAP_ANONYMOUS, -1, 0);

	if (p == MAP_FAILED)
		return err_errno(err, "share memory with the canary");
	struct canary *c = p;
	atomic_store(&c->due, nsec_monotonic() + CANARY_PERIOD);
	pid_t pid = fork();
	if (pid < 0)
		return err_fork(err, "start the canary");
	if (pid == 0)
		sing(c);
	*ret = c;
	return 0;
}

nsec_t canary_worst(struct canary *c)
{
	nsec_t under_way = nsec_monotonic() - atomic_load(&c->due);

	return nsec_later(atomic_exchange(&c->worst, 0), under_way);
}
