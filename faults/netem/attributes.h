/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_NETEM_ATTRIBUTES_H
#define WIRECUT_NETEM_ATTRIBUTES_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "faults/netem/params.h"

/*
 * The options of a netem qdisc (TCA_OPTIONS of RTM_NEWQDISC), as bytes. Pure. They are ours, for libnl
 * knows no gemodel, no rate, no seed and no time above 4.29 s.
 *
 * An attribute that is left out keeps its old value in a qdisc that is changed (netem_change() of
 * net/sched/sch_netem.c), so all are always there, but for the tables: that of a jitter is looked at only
 * where there is one, and slots, which would go on with an old table, no fault asks for.
 */

/* Quantiles in a table, as many as those of iproute2 have; and room for all, a page beside two. */
#define NETEM_TABLE_SIZE    4096
#define NETEM_OPTIONS_BYTES (2 * NETEM_TABLE_SIZE * 2 + 4096)

/* What a deviation of one jitter is in a table (include/uapi/linux/pkt_sched.h has it too). */
#define NETEM_TABLE_SCALE 8192

/*
 * Writes the options to `out`, NETEM_OPTIONS_BYTES of it; gives their length. `table`: of the jitter's
 * distribution, NETEM_TABLE_SIZE numbers, `slot_table`: that of the slots; not looked at where there is
 * no such jitter. `seed` is that of the
 * qdisc's own generator, which kernels have from 6.6 on; older ones draw from the kernel's, and
 * pass the attribute over.
 */
size_t netem_options(const struct netem_params *p, const int16_t *table, const int16_t *slot_table,
		     uint64_t seed, uint8_t *out);

/*
 * A table ends at 4 of its units, and Pareto's law at 5.5 jitters. So with a law of such a tail the
 * kernel is told a jitter that is half as much again, and a table of smaller numbers.
 */
#define NETEM_STRETCH_NUM 3
#define NETEM_STRETCH_DEN 2
bool netem_is_stretched(enum delay_distribution distribution);

/* The law as NETEM_TABLE_SIZE quantiles: jitters, as the kernel is told them, times the scale. */
void netem_table(enum delay_distribution distribution, int16_t *table);

#endif
