/* SPDX-License-Identifier: MIT */
#include "faults/wire/edges.h"

static struct observation record_of(enum obs_event event, const struct running_fault *f,
				    size_t window, nsec_t asked, nsec_t t)
{
	return (struct observation){
		.t = t,
		.source = OBS_FAULT,
		.event = (uint8_t)event,
		.host = -1,
		.app = -1,
		.fault = {.step = (int16_t)f->index, .edge = (int16_t)window, .asked = asked},
	};
}

void edge_record(enum obs_event event, const struct running_fault *f, size_t window, nsec_t asked,
		 nsec_t t, const struct wire_sinks *sinks)
{
	struct observation o = record_of(event, f, window, asked, t);

	sinks->record(sinks->ctx, &o);
}

void edge_record_receipt(struct running_fault *f, size_t window, nsec_t asked, nsec_t t,
			 const struct wire_sinks *sinks)
{
	struct fault_window *w = &f->windows[window];
	struct observation o = record_of(EV_RECEIPT, f, window, asked, t);
	struct flow_count count;

	o.fault.did = w->did;
	sinks->record(sinks->ctx, &o);
	for (size_t i = 0; flow_counts_get(&w->flows, i, &count); i++) {
		o = record_of(EV_FLOW, f, window, asked, t);
		o.fault.did = count.did;
		o.fault.flow = count.flow;
		sinks->record(sinks->ctx, &o);
	}
	flow_counts_free(&w->flows);
}

void edge_set_carriers(const struct edge *e, struct cables *cables, const struct wire_sinks *sinks)
{
	const struct index_list *named = &e->fault->step->cables;

	for (size_t i = 0; i < named->n; i++) {
		int host = (int)named->v[i];

		if (cable_named_before(named, i))
			continue;
		if (e->on)
			e->fault->windows[e->window].did.matched++;
		if (cable_take_down(&cables->v[host], e->on))
			sinks->carrier(sinks->ctx, host, !e->on);
	}
}

void edge_account_lost(struct running_fault *by, size_t window, uint64_t id, const char *host,
		       struct trace *trace)
{
	by->windows[window].did.matched++;
	by->windows[window].did.dropped++;
	trace_dropped(trace, id, by->index);
	trace_note(trace, id, "lost on its way by %s (%s on %s)", by->label,
		   by->step->fault.ops->name, host);
}
