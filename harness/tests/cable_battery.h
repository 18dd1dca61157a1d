/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_CABLE_BATTERY_H
#define WIRECUT_TESTS_CABLE_BATTERY_H

#include "harness/tests/cable_judge.h"
#include "harness/tests/cli.h"

/*
 * The cases of cable_cases.h run by the wirecut program: the scenario of each group, on a link engine and a
 * clock, and beside it that of the counter-trials.
 *
 * WIRECUT_CONFORMANCE_FACTOR multiplies the number of probes, and so narrows all the intervals.
 */
struct cable_battery {
	const char *name; /* for messages */
	enum link_engine link;
	bool is_real;       /* the clock; then there are no counter-trials */
	const char *kernel; /* of the guests; NULL: the default */
	/* What follows is filled in. Folders of results, below the program's working folder. */
	struct {
		const char *trial, *counter; /* NULL: it did not come to its end */
	} groups[8];
};

/* The program that sends and receives; in the working folder before any battery (guests_copy_program()). */
#define CABLE_PROBE "udp-probe"

/*
 * Runs all groups. What goes wrong fails the test, but on the real clock what a busy machine does: that
 * is said, and the group is left out.
 */
void cable_run(struct cli *c, struct cable_battery *b);

/* The trial that has the case. */
struct cable_trial cable_trial_of(const struct cable_battery *b, const struct cable_case *cc,
				  bool counter);

/*
 * Judges the case's trial or counter-trial; how many findings. 0: it was not made, for the case needs
 * the other link engine, or the machine is too busy.
 */
size_t cable_findings(struct cli *c, const struct cable_battery *b, const struct cable_case *cc,
		      bool counter, struct cable_finding ret[CABLE_FINDINGS_MAX]);

/* Runs the case's group in guests once more, with another seed, and judges that: this promise of it. */
struct cable_finding cable_another_draw(struct cli *c, const struct cable_battery *b,
					const struct cable_case *cc, enum cable_promise promise);

#endif
