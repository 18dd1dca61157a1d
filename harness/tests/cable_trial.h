/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_CABLE_TRIAL_H
#define WIRECUT_TESTS_CABLE_TRIAL_H

#include "harness/base/arena.h"
#include "harness/tests/cable_cases.h"

/*
 * A scenario for the cases of a group, and what the hosts of its run saw of the probes.
 *
 * Beside the cases' hosts there is one called `bare` with nothing on its cable: how long a probe takes
 * there is what a fault is measured from.
 */

/* How many probes a case sends that does not say. */
#define CABLE_PROBES 600

struct cable_trial {
	enum link_engine link; /* on netem no fault has a match */
	const char *group;
	const struct cable_case *only; /* without the others of its group; NULL: all of them */
	const char *probe;             /* the program's path */
	size_t n_probes;               /* of a case that does not say */
	bool counter;                  /* with what stands in place of the faults */
	bool real; /* for the real clock, where a busy machine starts programs late */
};

/* The scenario file's text. */
char *cable_scenario(struct arena *a, const struct cable_trial *t);

/*
 * Why the case is not for this trial's link engine, as `wirecut run --link netem` says it; NULL: it is. Of
 * a counter-trial what stands in place of the faults is looked at.
 */
char *cable_needs_wire(struct arena *a, const struct cable_trial *t, const struct cable_case *c);

/* Whether the case is one of this scenario's. */
bool cable_is_in(const struct cable_trial *t, const struct cable_case *c);

/* What the case promises on this trial's link engine. */
unsigned cable_promises(const struct cable_trial *t, const struct cable_case *c);

/* How many probes each of the case's streams has. */
size_t cable_count(const struct cable_trial *t, const struct cable_case *c);

/* Of their UDP payload, in bytes. */
int cable_size(const struct cable_case *c);

/* The port of the case's streams to and from the sink; the next one is that of the other stream. */
int cable_port(const struct cable_case *c);

/* When the case's senders are started. */
int64_t cable_start_us(const struct cable_trial *t, const struct cable_case *c);

/* The one with the bare cable; in every scenario, and not in the table. */
extern const struct cable_case cable_bare;

/* What became of a stream of probes. */
struct cable_stream {
	size_t n;       /* probes */
	nsec_t *sent;   /* CLOCK_REALTIME; NSEC_UNSET of one that did not arrive */
	nsec_t *took;   /* the first of it; NSEC_NEVER: it did not arrive */
	int *whole;     /* how often it arrived as it was sent */
	int *bent;      /* how often otherwise */
	int most_bits;  /* wrong in one of those */
	size_t n_late;  /* that arrived behind one that was sent after them */
	size_t arrived; /* in all */
};

struct cable_streams {
	struct cable_stream sink;  /* to the host sink */
	struct cable_stream other; /* to another port of it; of cases with a window, else empty */
	struct cable_stream back;  /* from it; likewise */
	nsec_t started;            /* when the senders were, since t = 0 */
	nsec_t bare;               /* the median of how long a probe takes on the bare cable */
	uint64_t overflow;         /* datagrams that came to a full socket of these hosts */
};

/*
 * Reads the receivers' logs of a case from the folder of a run's scenario. A log that lacks, or that is
 * not what a receiver prints, fails the test.
 */
void cable_read(struct arena *a, const struct cable_trial *t, const struct cable_case *c,
		const char *folder, struct cable_streams *ret);

#endif
