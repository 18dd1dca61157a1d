/* SPDX-License-Identifier: MIT */
#include "harness/tests/cable_cases.h"

#include "harness/base/cleanup.h"

#define EACH_MS(n)                                                                                 \
	{                                                                                          \
		.interval_us = (n)*1000                                                            \
	}

/* Two faults that no stream survives: so that what is clean can be found not to be. */
#define LOSES   "at: 0s, loss: {@, rate: 10%}"
#define DOUBLES "at: 0s, duplicate: {@, rate: 10%}"

/* 100 ms with a jitter of 10 ms. */
#define JITTERY(d)                                                                                 \
	{                                                                                          \
		.distribution = (d), .mean = 100 * NSEC_PER_MSEC, .jitter = 10 * NSEC_PER_MSEC     \
	}
#define OF_A_LAW                                                                                   \
	(PROMISE_MEAN | PROMISE_SPREAD | PROMISE_SHAPE | PROMISE_CORRELATION | PROMISE_CLEAN)

/* A frame of 1250 bytes, 10000 bits. */
#define FRAME_1250 (1250 - CABLE_HEADER_BYTES)
#define FRAME_320  (320 - CABLE_HEADER_BYTES)

/* 120 probes in six seconds, for the window's edges. */
#define AROUND_THE_WINDOW                                                                          \
	{                                                                                          \
		.count = 120, .interval_us = 50000                                                 \
	}
#define IN_WINDOW  "at: 4s, for: 3s, "
#define HALF_A_WAY (100 * NSEC_PER_MSEC)

const struct cable_case cable_cases[] = {
	{.name = "fixed",
	 .group = "delays",
	 .faults = {"at: 0s, delay: {@, mean: 50ms}"},
	 .instead = {"at: 0s, delay: {@, mean: 55ms, jitter: 20ms}", LOSES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_LEAST | PROMISE_MOST | PROMISE_ORDER | PROMISE_CLEAN,
	 .delay = {.mean = 50 * NSEC_PER_MSEC}},
	{.name = "uniform",
	 .group = "delays",
	 .faults = {"at: 0s, delay: {@, mean: 100ms, jitter: 10ms}"},
	 .instead = {"at: 0s, delay: {@, mean: 120ms, jitter: 40ms, distribution: normal, "
		     "correlation: 50%}",
		     LOSES},
	 .probes = EACH_MS(5),
	 .promises = OF_A_LAW | PROMISE_LEAST | PROMISE_MOST,
	 .delay = JITTERY(DISTRIBUTION_UNIFORM)},
	{.name = "normal",
	 .group = "delays",
	 .faults = {"at: 0s, delay: {@, mean: 100ms, jitter: 10ms, distribution: normal}"},
	 .instead = {"at: 0s, delay: {@, mean: 110ms, jitter: 40ms, distribution: pareto, "
		     "correlation: 50%}",
		     LOSES},
	 .probes = EACH_MS(5),
	 .promises = OF_A_LAW,
	 .delay = JITTERY(DISTRIBUTION_NORMAL)},
	{.name = "pareto",
	 .group = "delays",
	 .faults = {"at: 0s, delay: {@, mean: 100ms, jitter: 10ms, distribution: pareto}"},
	 .instead = {"at: 0s, delay: {@, mean: 120ms, jitter: 40ms, distribution: normal, "
		     "correlation: 50%}",
		     LOSES},
	 .probes = EACH_MS(5),
	 .promises = OF_A_LAW | PROMISE_LEAST | PROMISE_MOST,
	 .delay = JITTERY(DISTRIBUTION_PARETO)},
	{.name = "paretonormal",
	 .group = "delays",
	 .faults = {"at: 0s, delay: {@, mean: 100ms, jitter: 10ms, distribution: paretonormal}"},
	 .instead = {"at: 0s, delay: {@, mean: 110ms, jitter: 40ms, distribution: pareto, "
		     "correlation: 50%}",
		     LOSES},
	 .probes = EACH_MS(5),
	 .promises = OF_A_LAW,
	 .delay = JITTERY(DISTRIBUTION_PARETONORMAL)},
	{.name = "wandering",
	 .group = "delays",
	 .faults = {"at: 0s, delay: {@, mean: 100ms, jitter: 10ms, distribution: normal, "
		    "correlation: 50%}"},
	 .instead = {"at: 0s, delay: {@, mean: 120ms, jitter: 40ms, distribution: normal}", LOSES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_MEAN | PROMISE_SPREAD | PROMISE_CORRELATION | PROMISE_CLEAN,
	 .rho = 0.5,
	 .delay = JITTERY(DISTRIBUTION_NORMAL)},

	{.name = "loss",
	 .group = "chances",
	 .faults = {"at: 0s, loss: {@, rate: 10%}"},
	 .instead = {"at: 0s, loss: {@, rate: 20%, correlation: 50%}", DOUBLES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_SHARE | PROMISE_CORRELATION | PROMISE_BURSTS | PROMISE_CLEAN,
	 .effect = EFFECT_LOST,
	 .share = 0.1},
	{.name = "loss-in-rows",
	 .group = "chances",
	 .faults = {"at: 0s, loss: {@, rate: 20%, correlation: 50%}"},
	 .instead = {"at: 0s, loss: {@, rate: 50%, correlation: 80%}", DOUBLES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_SHARE | PROMISE_CORRELATION | PROMISE_BURSTS | PROMISE_CLEAN,
	 .effect = EFFECT_LOST,
	 .share = 0.2,
	 .rho = 0.5},
	/* Bad for p / (p + r) of the time, with a correlation of 1 - p - r. */
	{.name = "gemodel",
	 .group = "chances",
	 .faults = {"at: 0s, loss: {@, gemodel: {p: 5%, r: 25%}}"},
	 .instead = {"at: 0s, loss: {@, gemodel: {p: 50%, r: 50%}}", DOUBLES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_SHARE | PROMISE_CORRELATION | PROMISE_BURSTS | PROMISE_CLEAN,
	 .effect = EFFECT_LOST,
	 .share = 0.05 / 0.3,
	 .rho = 0.7},
	{.name = "every-seventh",
	 .group = "chances",
	 .faults = {"at: 0s, loss: {@, every-nth: 7}"},
	 .instead = {"at: 0s, loss: {@, every-nth: 8}", DOUBLES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_NTH | PROMISE_CLEAN,
	 .effect = EFFECT_LOST,
	 .nth = 7},
	{.name = "duplicate",
	 .group = "chances",
	 .faults = {"at: 0s, duplicate: {@, rate: 20%}"},
	 .instead = {"at: 0s, duplicate: {@, rate: 40%, correlation: 50%}", LOSES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_SHARE | PROMISE_CORRELATION | PROMISE_CLEAN,
	 .effect = EFFECT_TWICE,
	 .share = 0.2},
	{.name = "duplicate-in-rows",
	 .group = "chances",
	 .faults = {"at: 0s, duplicate: {@, rate: 20%, correlation: 50%}"},
	 .instead = {"at: 0s, duplicate: {@, rate: 40%}", LOSES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_SHARE | PROMISE_CORRELATION | PROMISE_CLEAN,
	 .effect = EFFECT_TWICE,
	 .share = 0.2,
	 .rho = 0.5},
	/* In the counter-trial a second time, on the way into the sink. */
	{.name = "corrupt",
	 .group = "chances",
	 .faults = {"at: 0s, corrupt: {@, rate: 20%}"},
	 .instead = {"at: 0s, corrupt: {@, rate: 40%, correlation: 50%}",
		     "at: 0s, corrupt: {cable: sink, direction: to-host, match: {port: $}, "
		     "rate: 40%, correlation: 50%}",
		     DOUBLES},
	 .probes = {.interval_us = 5000, .size = 1000, .no_checksum = true},
	 .promises = PROMISE_SHARE | PROMISE_CORRELATION | PROMISE_ONE_BIT | PROMISE_CLEAN,
	 .effect = EFFECT_BENT,
	 .share = 0.2},

	/* Ten are on their way at any time. */
	{.name = "reorder",
	 .group = "queues",
	 .faults = {"at: 0s, delay: {@, mean: 50ms}", "at: 0s, reorder: {@, rate: 20%}"},
	 .instead = {"at: 0s, delay: {@, mean: 50ms}",
		     "at: 0s, reorder: {@, rate: 40%, correlation: 50%}", LOSES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_SHARE | PROMISE_CORRELATION | PROMISE_CLEAN,
	 .effect = EFFECT_FAST,
	 .threshold = 25 * NSEC_PER_MSEC,
	 .share = 0.2},
	{.name = "reorder-gap",
	 .group = "queues",
	 .faults = {"at: 0s, delay: {@, mean: 50ms}", "at: 0s, reorder: {@, rate: 100%, gap: 5}"},
	 .instead = {"at: 0s, delay: {@, mean: 50ms}", "at: 0s, reorder: {@, rate: 100%, gap: 4}",
		     LOSES},
	 .probes = EACH_MS(5),
	 .promises = PROMISE_NTH | PROMISE_CLEAN,
	 .effect = EFFECT_FAST,
	 .threshold = 25 * NSEC_PER_MSEC,
	 .nth = 5},
	/* Three frames are offered where the line takes two: 10 ms each, and 1.25 ms. */
	{.name = "narrow-line",
	 .group = "queues",
	 .faults = {"at: 0s, rate: {@, rate: 256kbit, limit: {packets: 20}}"},
	 .instead = {"at: 0s, rate: {@, rate: 270kbit, limit: {packets: 24}}"},
	 .probes = {.interval_us = 6667, .size = FRAME_320},
	 .promises = PROMISE_RATE | PROMISE_WAIT,
	 .line = {.bits_per_s = 256000, .packets = 20}},
	{.name = "wide-line",
	 .group = "queues",
	 .faults = {"at: 0s, rate: {@, rate: 8mbit, limit: {packets: 20}}"},
	 .instead = {"at: 0s, rate: {@, rate: 8.4mbit, limit: {packets: 24}}"},
	 .probes = {.interval_us = 833, .size = FRAME_1250},
	 .promises = PROMISE_RATE | PROMISE_WAIT,
	 .line = {.bits_per_s = 8000000, .packets = 20}},
	/* All at once, each of 10 ms on the line. */
	{.name = "room-for-packets",
	 .group = "queues",
	 .faults = {"at: 0s, rate: {@, rate: 1mbit, limit: {packets: 10}}"},
	 .instead = {"at: 0s, rate: {@, rate: 1mbit, limit: {packets: 11}}"},
	 .probes = {.count = 50, .size = FRAME_1250},
	 .promises = PROMISE_QUEUE,
	 .line = {.bits_per_s = 1000000, .packets = 10}},
	{.name = "room-for-bytes",
	 .group = "queues",
	 .faults = {"at: 0s, rate: {@, rate: 1mbit, limit: {bytes: 12500B}}"},
	 .instead = {"at: 0s, rate: {@, rate: 1mbit, limit: {bytes: 13750B}}"},
	 .probes = {.count = 50, .size = FRAME_1250},
	 .promises = PROMISE_QUEUE,
	 .line = {.bits_per_s = 1000000, .packets = 10}},
	/* Nine before it are sent in 90 ms, ten in 100. */
	{.name = "room-for-time",
	 .group = "queues",
	 .faults = {"at: 0s, rate: {@, rate: 1mbit, limit: {time: 95ms}}"},
	 .instead = {"at: 0s, rate: {@, rate: 1mbit, limit: {time: 105ms}}"},
	 .probes = {.count = 50, .size = FRAME_1250},
	 .promises = PROMISE_QUEUE,
	 .line = {.bits_per_s = 1000000, .packets = 10}},

	{.name = "aim-blackhole",
	 .group = "aims",
	 .faults = {IN_WINDOW "blackhole: {@}"},
	 .instead = {"at: 0s, blackhole: {cable: #}"},
	 .probes = AROUND_THE_WINDOW,
	 .promises = CABLE_AIMED,
	 .effect = EFFECT_LOST},
	{.name = "aim-loss",
	 .group = "aims",
	 .faults = {IN_WINDOW "loss: {@, rate: 100%}"},
	 .instead = {"at: 0s, loss: {cable: #, rate: 100%}"},
	 .probes = AROUND_THE_WINDOW,
	 .promises = CABLE_AIMED,
	 .effect = EFFECT_LOST},
	{.name = "aim-duplicate",
	 .group = "aims",
	 .faults = {IN_WINDOW "duplicate: {@, rate: 100%}"},
	 .instead = {"at: 0s, duplicate: {cable: #, rate: 100%}"},
	 .probes = AROUND_THE_WINDOW,
	 .promises = CABLE_AIMED,
	 .effect = EFFECT_TWICE},
	{.name = "aim-corrupt",
	 .group = "aims",
	 .faults = {IN_WINDOW "corrupt: {@, rate: 100%}"},
	 .instead = {"at: 0s, corrupt: {cable: #, rate: 100%}"},
	 .probes = {.count = 120, .interval_us = 50000, .no_checksum = true},
	 .promises = CABLE_AIMED,
	 .effect = EFFECT_BENT},
	{.name = "aim-delay",
	 .group = "aims",
	 .faults = {IN_WINDOW "delay: {@, mean: 200ms}"},
	 .instead = {"at: 0s, delay: {cable: #, mean: 200ms}"},
	 .probes = AROUND_THE_WINDOW,
	 .promises = CABLE_AIMED,
	 .effect = EFFECT_SLOW,
	 .threshold = HALF_A_WAY},
	/* Slow is what goes the long way, as all do but those that are struck. */
	{.name = "aim-reorder",
	 .group = "aims",
	 .faults = {"at: 0s, delay: {cable: #, mean: 200ms}", IN_WINDOW "reorder: {@, rate: 100%}"},
	 .instead = {"at: 0s, delay: {cable: #, mean: 200ms}",
		     "at: 0s, reorder: {cable: #, rate: 100%}"},
	 .probes = AROUND_THE_WINDOW,
	 .promises = CABLE_AIMED,
	 .effect = EFFECT_FAST,
	 .threshold = HALF_A_WAY},
	/* A frame of 114 bytes is 61 ms on the line. */
	{.name = "aim-rate",
	 .group = "aims",
	 .faults = {IN_WINDOW "rate: {@, rate: 15kbit}"},
	 .instead = {"at: 0s, rate: {cable: #, rate: 15kbit}"},
	 .probes = AROUND_THE_WINDOW,
	 .promises = CABLE_AIMED,
	 .effect = EFFECT_SLOW,
	 .threshold = 30 * NSEC_PER_MSEC},
};
const size_t n_cable_cases = ARRAY_SIZE(cable_cases);

const char *const cable_groups[] = {"delays", "chances", "queues", "aims"};
const size_t n_cable_groups = ARRAY_SIZE(cable_groups);
