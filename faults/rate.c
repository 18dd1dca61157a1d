/* SPDX-License-Identifier: MIT */
#include <stdlib.h>

#include "faults/fault.h"
#include "faults/netem/params.h"
#include "faults/wire/packet.h"

/*
 * A narrow line with a queue in front of it: one packet after the other, and what the queue has no
 * room for is dropped (tail drop).
 *
 * It is a token bucket that holds `burst` bytes. A packet takes its length (of the whole frame) out
 * of the bucket, which fills at the rate; when it is empty the packet waits until what it took has
 * flowed back. So with a burst of 0 each packet takes the time that its bits need on the line.
 *
 * The arithmetic is exact: a bucket is counted in bits times nanoseconds a second, of which the rate
 * is a whole number each nanosecond. Only a departure is rounded, up to the next nanosecond, and no
 * rounding adds up. What is counted is how much the bucket lacks of being full.
 *
 * Packets leave in the order in which they came, so the queue is no list of packets: it is their
 * departures.
 */

/* A day's worth of a terabit a second does not fit 64 bits. */
typedef __int128 amount_t;

#define BITS_PER_BYTE 8

/* As netem's (tc-netem(8), limit). */
#define RATE_DEFAULT_LIMIT 1000

/* A terabit a second, a terabyte, and a queue whose departures fit a megabyte. */
#define RATE_MAX    1000000000000
#define BYTES_MAX   1000000000000
#define PACKETS_MAX 100000

static const struct field limit_fields[] = {
	FIELD(limit_spec, packets, "packets", FIELD_COUNT, 0,
	      "so many, with the one that is being sent", .min = 1, .max = PACKETS_MAX),
	FIELD(limit_spec, bytes, "bytes", FIELD_BYTES, 0,
	      "so many bytes, of whole frames, with those of the newcomer", .min = 1,
	      .max = BYTES_MAX),
	FIELD(limit_spec, time, "time", FIELD_DURATION, 0, "as much as is sent in that time",
	      .min = 1, .unit = "ms"),
	{0},
};

static const struct field fields[] = {
	FIELD(fault_spec, bits_per_s, "rate", FIELD_BITRATE, FIELD_REQUIRED,
	      "bits a second, of whole Ethernet frames", .min = 1, .max = RATE_MAX),
	FIELD(fault_spec, limit, "limit", FIELD_RECORD, 0,
	      "how much may wait: one of `packets`, `bytes` and `time`", .of = limit_fields,
	      .default_text = "1000 packets, as netem's"),
	FIELD(fault_spec, burst_bytes, "burst", FIELD_BYTES, 0,
	      "how much passes at once after a pause", .default_text = "0B", .min = 0,
	      .max = BYTES_MAX),
	{0},
};

/* When the packets that wait will leave: a ring of `capacity`, of which `n` from `first` on. */
struct departures {
	nsec_t *t;
	size_t capacity, first, n;
};

struct state {
	nsec_t filled_at;
	amount_t lacking;          /* of a full bucket, at that time */
	struct departures waiting; /* only with a limit of packets */
};

static amount_t amount_of(int64_t bytes)
{
	return (amount_t)bytes * BITS_PER_BYTE * NSEC_PER_SEC;
}

static int64_t burst_of(const struct fault_spec *spec)
{
	return spec->burst_bytes == COUNT_UNSET ? 0 : spec->burst_bytes;
}

static void fill(struct state *s, nsec_t t, int64_t bits_per_s)
{
	if (t <= s->filled_at)
		return;
	s->lacking -= (amount_t)(t - s->filled_at) * bits_per_s;
	if (s->lacking < 0)
		s->lacking = 0;
	s->filled_at = t;
}

/* What waits, or is being sent: more than was in the full bucket. */
static amount_t backlog_of(const struct state *s, const struct fault_spec *spec)
{
	amount_t over = s->lacking - amount_of(burst_of(spec));

	return over > 0 ? over : 0;
}

static nsec_t time_for(amount_t amount, int64_t bits_per_s)
{
	return (nsec_t)((amount + bits_per_s - 1) / bits_per_s);
}

/* Those that have left by now wait no more. */
static size_t n_waiting(struct departures *d, nsec_t now)
{
	while (d->n && d->t[d->first] <= now) {
		d->first = (d->first + 1) % d->capacity;
		d->n--;
	}
	return d->n;
}

/* There is room: n_waiting() was below the limit. */
static void add_departure(struct departures *d, size_t limit, nsec_t t)
{
	if (!d->t) {
		d->t = calloc(limit, sizeof(*d->t));
		if (!d->t)
			abort();
		d->capacity = limit;
	}
	d->t[(d->first + d->n++) % d->capacity] = t;
}

/* In packets; 0: the limit is another. */
static size_t packet_limit(const struct limit_spec *limit)
{
	if (limit->packets != COUNT_UNSET)
		return (size_t)limit->packets;
	return limit->bytes == COUNT_UNSET && limit->time == NSEC_UNSET ? RATE_DEFAULT_LIMIT : 0;
}

/* Whoever finds the line free is sent, however large. */
static bool is_full(struct state *s, const struct fault_spec *spec, nsec_t now, size_t len)
{
	const struct limit_spec *limit = &spec->limit;
	amount_t backlog = backlog_of(s, spec);
	size_t packets = packet_limit(limit);

	if (!backlog)
		return false;
	if (packets)
		return n_waiting(&s->waiting, now) >= packets;
	if (limit->bytes != COUNT_UNSET)
		return backlog + amount_of((int64_t)len) > amount_of(limit->bytes);
	return backlog > (amount_t)limit->time * spec->bits_per_s;
}

static void queue(const struct fault_call *call, struct fate *fate)
{
	const struct fault_spec *spec = call->spec;
	struct state *s = call->state;
	nsec_t now = call->now + fate->queued; /* behind the queue of a fault before this */
	size_t limit = packet_limit(&spec->limit);

	fill(s, now, spec->bits_per_s);
	if (is_full(s, spec, now, call->packet->len)) {
		fate->drop = true;
		return;
	}
	s->lacking += amount_of((int64_t)call->packet->len);
	nsec_t wait = time_for(backlog_of(s, spec), spec->bits_per_s);
	fate->queued += wait;
	if (limit && wait && n_waiting(&s->waiting, now) < limit)
		add_departure(&s->waiting, limit, now + wait);
}

static void forget(void *state, void *cable_state)
{
	struct state *s = state;

	(void)cable_state;
	if (s)
		free(s->waiting.t);
}

static bool check(const struct fault_spec *spec, struct flaw *flaw)
{
	const struct limit_spec *limit = &spec->limit;
	int limits = (limit->packets != COUNT_UNSET) + (limit->bytes != COUNT_UNSET) +
		     (limit->time != NSEC_UNSET);

	if (limits <= 1)
		return true;
	return flaw_set(flaw, "limit", "a limit is in packets, in bytes or in time",
			"leave all but one of them out");
}

static bool is_limited_in_packets(const struct fault_spec *spec, struct flaw *flaw)
{
	bool is_said = spec->limit.packets != COUNT_UNSET;

	flaw_set(flaw, is_said ? "limit.packets" : NULL,
		 is_said ? "a 'limit' in packets"
			 : "the limit of 1000 packets, which a 'rate' has unless it says another,",
		 "give a limit in 'bytes' or 'time', or " FAULT_LEAVE_OUT_GSO);
	return packet_limit(&spec->limit);
}

/* netem counts a rate in whole bytes a second, 0 of which would be no rate. */
static const char *by_netem(const struct fault_spec *spec, struct netem_params *params)
{
	if (burst_of(spec))
		return "netem's rate knows no 'burst'";
	if (!packet_limit(&spec->limit))
		return "netem's rate has a 'limit' of packets only";
	if (spec->bits_per_s % BITS_PER_BYTE)
		return "netem's rate is in whole bytes a second";
	params->bytes_per_s = spec->bits_per_s / BITS_PER_BYTE;
	params->limit = (int64_t)packet_limit(&spec->limit);
	params->limit_is_asked = spec->limit.packets != COUNT_UNSET;
	return netem_refuses_match(spec);
}

const struct fault_ops fault_rate = {
	.name = "rate",
	.doc = "a narrow line: so many bits a second, a queue in front of it, and what finds no "
	       "room there is dropped",
	.fields = fields,
	.stage = FAULT_STAGE_RATE,
	.check = check,
	.needs_packets = is_limited_in_packets,
	.state_size = sizeof(struct state),
	.forget = forget,
	.packet = queue,
	.netem = by_netem,
};
