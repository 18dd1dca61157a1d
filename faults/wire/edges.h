/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_WIRE_EDGES_H
#define WIRECUT_WIRE_EDGES_H

#include "faults/wire/cables.h"
#include "faults/wire/schedule.h"
#include "faults/wire/trace.h"

/* What every link engine records of the edges of faults, and how cables go down and come up. */

/* The edge that was asked for at `asked` is in effect at t: EV_ON or EV_OFF. */
void edge_record(enum obs_event event, const struct running_fault *f, size_t window, nsec_t asked,
		 nsec_t t, const struct wire_sinks *sinks);

/* The window's receipt, and behind it what it did to each flow. Forgets the flows. */
void edge_record_receipt(struct running_fault *f, size_t window, nsec_t asked, nsec_t t,
			 const struct wire_sinks *sinks);

/* Of a fault that takes cables down: does so at an on-edge, and lets them up at the other. */
void edge_set_carriers(const struct edge *e, struct cables *cables, const struct wire_sinks *sinks);

/* A packet that was on its way to the host was lost, for the fault had taken its cable down. */
void edge_account_lost(struct running_fault *by, size_t window, uint64_t id, const char *host,
		       struct trace *trace);

#endif
