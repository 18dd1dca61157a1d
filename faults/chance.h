/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_FAULTS_CHANCE_H
#define WIRECUT_FAULTS_CHANCE_H

#include "faults/fault.h"

/*
 * What `loss`, `duplicate`, `corrupt` and `reorder` have in common: a share of the packets, `rate`,
 * is struck, and `correlation` makes those come in rows.
 *
 * With the probability `correlation` a packet fares as the one before it did, else it is drawn
 * afresh. So the share that is struck is `rate` whatever the correlation, and what becomes of two
 * packets that are k apart has the correlation `correlation`^k.
 *
 * That is not how netem draws. It mixes numbers, rho * last + (1 - rho) * fresh, and compares the
 * mixture with the rate; but a mixture lies closer to 1/2 than a fresh number does, so a rate below
 * a half strikes less often than it says (10 % with a correlation of 50 % strikes 0.1 %), for which
 * tc-netem(8) calls it deprecated. (Salsano, Ludovici, Ordine, Giannuzzi: Definition of a general
 * and intuitive loss model for packet networks and its implementation in the Netem module in the
 * Linux kernel, 2012.)
 */
struct chance {
	bool drawn; /* there was a packet before */
	bool struck;
};

/* Whether this packet is struck. *c is all zero before the first. */
bool chance_strikes(struct chance *c, const struct fault_spec *spec, struct rng *rng);

/* For a kind's check: true if the rate and the correlation make sense. */
bool chance_check(const struct fault_spec *spec, struct flaw *flaw);

/* The same of the correlation alone, whatever it correlates. */
bool chance_check_correlation(const struct fault_spec *spec, struct flaw *flaw);

/* The two keys, for a kind's table. */
#define CHANCE_RATE(bits, text) FIELD(fault_spec, rate, "rate", FIELD_PERCENT, (bits), text)
#define CHANCE_CORRELATION                                                                         \
	FIELD(fault_spec, correlation, "correlation", FIELD_PERCENT, 0,                            \
	      "how likely a packet fares as the one before it; the rate stays what it is",         \
	      .default_text = "0%, each by itself")

#endif
