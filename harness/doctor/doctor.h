/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DOCTOR_DOCTOR_H
#define WIRECUT_DOCTOR_DOCTOR_H

#include <stdbool.h>
#include <stdint.h>

#include "harness/base/nsec.h"
#include "harness/doctor/machine.h"

/*
 * What this machine can do for wirecut, found out by doing it. Each probe is an ops table
 * (struct doctor_probe); the registry is doctor_probes.
 */

enum doctor_state {
	DOCTOR_HAVE,
	DOCTOR_LACK,
	DOCTOR_UNKNOWN, /* the probe could not be made, or gave no answer */
};

enum doctor_need {
	DOCTOR_NEEDED,     /* without it `wirecut run` runs nothing */
	DOCTOR_NICE,       /* runs are worse without it */
	DOCTOR_NOT_NEEDED, /* for the reader's information */
};

/* What one probe found. Plain data: it crosses a pipe as it is. */
struct doctor_finding {
	enum doctor_state state;
	char found[256]; /* what was seen, or what went wrong */
	char mend[768];  /* if lacking: the command or the deed that mends it */
};

/* What the probes are told. */
struct doctor_input {
	struct doctor_machine machine;
	int root_fd;          /* the folder in which files of the machine are read: an open "/" */
	uint64_t jobs;        /* how many scenarios run at once, if nobody says otherwise */
	uint64_t descriptors; /* how many descriptors that needs */
	const char *programs; /* the folder where the reference programs should be */
	nsec_t limit;         /* a probe that gives no answer for so long is ended */
};

struct doctor_probe {
	const char *name;
	const char *what;  /* what it is, and what it is for */
	const char *costs; /* what is lost without it */
	enum doctor_need need;
	bool sandboxed; /* run() is called inside namespaces like those of a run */
	/* Fills *ret, by the functions of probe.h. */
	void (*run)(const struct doctor_input *in, struct doctor_finding *ret);
};

/* In the order in which they are told; ends with NULL. */
extern const struct doctor_probe *const doctor_probes[];

/* How long a probe may take, on any machine that could run a scenario. */
#define DOCTOR_LIMIT (10 * NSEC_PER_SEC)

/*
 * Makes one probe in a child process of its own and waits for it, at most in->limit. It changes
 * nothing on the machine but that the kernel may load a module which the probe asks for, as it
 * would for a run. What keeps a probe from being made is a finding too: DOCTOR_UNKNOWN.
 */
void doctor_examine(const struct doctor_probe *probe, const struct doctor_input *in,
		    struct doctor_finding *ret);

#endif
