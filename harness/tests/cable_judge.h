/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_CABLE_JUDGE_H
#define WIRECUT_TESTS_CABLE_JUDGE_H

#include "harness/tests/cable_trial.h"

/* What was promised in one respect, and what came of it. */
struct cable_finding {
	const char *what; /* with its unit */
	double observed;
	double low, high; /* it must lie between, or at one of them; not a number lies nowhere */
	/*
	 * By how much a busy machine may have moved it beyond `low` or `high`: then it tells nothing.
	 * Only on the real clock; 0 for what no lag can touch.
	 */
	double doubt;
	enum cable_promise promise;
	bool drawn; /* by chance: one in a thousand sound ones lies outside */
};

#define CABLE_FINDINGS_MAX 20

enum cable_verdict { CABLE_HOLDS, CABLE_BROKEN, CABLE_INCONCLUSIVE };

/* On what it ran. */
struct cable_terms {
	enum link_engine link;
	unsigned promises; /* of the case, on that link engine */
	bool is_real;      /* the clock */
	nsec_t late;       /* by how much the machine may have made things late; on the real one */
};

/*
 * Judges each promise of a case; how many. On the real clock only those that a busy machine cannot
 * break, but for a doubt that is told.
 */
size_t cable_judge(struct arena *a, const struct cable_case *c, const struct cable_streams *s,
		   struct cable_terms terms, struct cable_finding ret[CABLE_FINDINGS_MAX]);

enum cable_verdict cable_verdict_of(const struct cable_finding *f);

/* "loss: share of those struck: 0.1020, of 0.0688 to 0.1312" */
char *cable_finding_text(struct arena *a, const struct cable_case *c,
			 const struct cable_finding *f);

#endif
