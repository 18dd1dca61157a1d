/* SPDX-License-Identifier: MIT */
#include "faults/wire/lag.h"

struct observation lag_observation(enum obs_event event, nsec_t t, nsec_t lag, uint64_t count)
{
	return (struct observation){
		.t = t,
		.source = OBS_LAG,
		.event = (uint8_t)event,
		.host = -1,
		.app = -1,
		.lag = {.stage = LAG_FORWARDER, .lag = lag, .count = count},
	};
}

bool lag_close_window(struct lag_meter *m, struct observation *ret)
{
	bool told = m->worst >= LAG_TOLD_MIN;

	if (told)
		*ret = lag_observation(EV_STALL, m->at, m->worst, 0);
	m->worst = 0;
	return told;
}

bool lag_note(struct lag_meter *m, nsec_t t, nsec_t lag, struct observation *ret)
{
	bool told = false;

	if (t >= m->window_end) {
		told = lag_close_window(m, ret);
		m->window_end = t + LAG_WINDOW;
	}
	if (lag > m->worst) {
		m->worst = lag;
		m->at = t;
	}
	if (lag > m->worst_ever) {
		m->worst_ever = lag;
		m->ever_at = t;
	}
	return told;
}

struct observation lag_worst(const struct lag_meter *m, nsec_t now)
{
	return lag_observation(EV_STALL, m->worst_ever ? m->ever_at : now, m->worst_ever, 0);
}
