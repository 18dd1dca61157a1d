/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_TESTS_DOCTOR_LACKS_H
#define WIRECUT_TESTS_DOCTOR_LACKS_H

#include "harness/doctor/probe.h"

/* A machine that lacks something, made for the calling process alone, and what doctor must say. */
struct lack {
	const struct doctor_probe *probe;
	bool (*confine)(struct doctor_input *in); /* false: it cannot be made lacking here */
	const char *found, *mend;                 /* parts of the finding */
	bool in_place; /* run() as it is, for what a new sandbox would bring back */
};

extern const struct lack lacks[];
extern const size_t n_lacks;

/* Those that tests use by themselves too. */
bool no_clone_in_docker(struct doctor_input *in);
bool no_net_namespace_left(struct doctor_input *in);
bool cubic_not_allowed(struct doctor_input *in);
bool apparmor_limit(struct doctor_input *in);

#endif
