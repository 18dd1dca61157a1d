/* SPDX-License-Identifier: MIT */
#include "harness/run/state.h"

#include "harness/base/io.h"

/* From CLOCK_MONOTONIC to the scenario's own time. */
static void rebase(struct observation *o, nsec_t t0)
{
	o->t -= t0;
	switch (o->source) {
	case OBS_PACKET:
		if (o->packet.arrived != NSEC_NEVER && o->packet.arrived != NSEC_UNSET)
			o->packet.arrived -= t0;
		break;
	case OBS_SOCKET:
		if (o->socket.since != NSEC_UNSET)
			o->socket.since -= t0;
		break;
	case OBS_FAULT:
		o->fault.asked -= t0;
		break;
	default:
		break;
	}
}

int events_write(struct state *s, struct err *err)
{
	_cleanup_jsontext_ struct jsontext lines = {0};
	/* A run that failed before t = 0 has its times before its failure. */
	nsec_t t0 = s->t0 != NSEC_UNSET ? s->t0 : nsec_monotonic();

	vec_foreach (o, &s->obs.list)
		rebase(o, t0);
	observations_sort(&s->obs);
	vec_foreach (o, &s->obs.list) {
		observation_write(&lines, o, s->plan);
		jsontext_put(&lines, '\n');
	}
	return io_write_file_at(s->config->results_fd, "events.jsonl", lines.text, lines.len, err);
}
