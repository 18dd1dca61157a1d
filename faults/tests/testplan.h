/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_TESTS_TESTPLAN_H
#define WIRECUT_FAULTS_TESTS_TESTPLAN_H

#include "faults/fault.h"
#include "harness/data/plan.h"

/*
 * Plans written down by hand. Host i is called hi, with the addresses 02:00:00:00:00:(i + 1),
 * 10.0.0.(i + 1) and fd00::(i + 1). Everything lives in the arena.
 */
struct plan *testplan_new(struct arena *a, int n_hosts, uint64_t seed);

/*
 * A fault on one cable with one window, everything else unset. `id` may be NULL. The pointer is
 * good until the next fault is added.
 */
struct plan_step *testplan_fault(struct plan *plan, struct arena *a, const char *id,
				 const char *kind, int cable, nsec_t on, nsec_t off);

void testplan_add_window(struct plan_step *s, struct arena *a, nsec_t on, nsec_t off);
void testplan_add_cable(struct plan_step *s, struct arena *a, int cable);
void testplan_match_kind(struct plan_step *s, struct arena *a, const char *kind);
void testplan_match_peer(struct plan_step *s, struct arena *a, int host);

#define MSEC(n) ((nsec_t)(n)*NSEC_PER_MSEC)

#endif
