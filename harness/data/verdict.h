/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_VERDICT_H
#define WIRECUT_DATA_VERDICT_H

#include "harness/data/not_packed.h"
#include "harness/data/observation.h"

/*
 * What judge makes of a plan and its observations. In a scenario the gravest verdict of its
 * expectations wins, in the order error, inconclusive, fail, void, pass.
 */
enum verdict {
	VERDICT_PASS,
	VERDICT_VOID, /* the subject was never observed, or a fault touched no packet */
	VERDICT_FAIL,
	VERDICT_INCONCLUSIVE, /* the harness stalled or lost too much to tell */
	VERDICT_ERROR,
	VERDICT_SKIP,
};
extern const char *const verdict_names[]; /* pass, void, ... */

struct expect_result {
	const struct plan_expect *expect;
	enum verdict verdict;
	char *subject;  /* "client.2 10.0.0.2:41000 > server:8000": the one that decided */
	char *bound;    /* "within 4s of cut, not before 2s" */
	char *observed; /* "3.012 s", "never", "5 sockets" */
	double value;   /* the observed number; NAN: none */
	char *unit;     /* "s", "sockets", or NULL */
	char *evidence; /* the record that shows it: "RST sent at 5.012 s"; or NULL */
	nsec_t t;       /* the moment that decided, for the excerpt of events; NSEC_UNSET: none */
	bool unclaimed; /* void for want of an owner that polls could have seen */
	bool otherwise; /* of a failure: not by `value`, but by a status, say */
	bool pending;   /* of a failure: what came after the end of the run might have mended it */
};

/*
 * Of a failure of an expectation that is bounded on either side (not-before and within, at-least and
 * at-most), the key of the side that its value broke; what never came broke `within`. NULL: neither, or
 * it would have failed by something else, so that it says nothing of its bounds.
 */
const char *expect_broken_side(const struct expect_result *r);

/* What a fault did to one flow. */
struct flow_result {
	struct obs_flow flow;
	struct receipt did;
};

/* What a fault did, from its receipts. */
struct fault_result {
	const struct plan_step *step;
	size_t edge;
	nsec_t asked_on, on, asked_off, off; /* NSEC_UNSET: not reached */
	struct receipt did;
	VEC(struct flow_result) flows; /* in the order in which it touched them */
};

struct scenario_result {
	const struct plan *plan;
	enum verdict verdict; /* of a control: pass when it was killed */
	char *reason;      /* one line why it is not pass; or, of a killed control, what failed */
	int attempts;      /* how often it was run for this verdict */
	bool judged_again; /* from its files, not run: no command that replays it is known */
	nsec_t duration;   /* of scenario time */
	/* On the virtual clock; else NULL. */
	const char *kernel;         /* the guest's release */
	const char *kernel_image;   /* if it was chosen by name */
	const char *kernel_modules; /* likewise */
	const char *determinism;    /* "exact" or "best-effort" */
	struct not_packed not_packed;
	VEC(struct expect_result) expects;
	VEC(struct fault_result) faults;
};

/* verdict.json. Written only: nothing reads it back (a verdict is made again by judging). */
json_t *scenario_result_to_json(const struct scenario_result *r);

#endif
