/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_DATA_OBSERVATION_JSON_H
#define WIRECUT_DATA_OBSERVATION_JSON_H

#include "harness/data/observation.h"

/*
 * One observation as one line of JSON, and back.
 *
 * A time is a number of seconds; one that is unset is left out, and NSEC_NEVER is null: a packet
 * with "arrived": null was dropped, one without the key was not followed. A member that is zero and
 * says nothing by it (no payload, an empty queue, no signal) is left out as well.
 *
 * Names stand in place of the plan's indices. A timeline step has no name of its own unless its
 * author gave it one, so a fault's record carries the step's index beside its id and kind, and a
 * packet names it by its id or, where that would be ambiguous, as kind#index.
 *
 * What is read back may come from anywhere: every name, range and type is checked, and keys that
 * are not known are passed over, so that a later wirecut may add some.
 *
 * This header is what the writer and the reader share.
 */

/* A flag as tcpdump spells it; the table is in tcpdump's order and ends with a letter of 0. */
struct tcp_flag_letter {
	char letter;
	uint8_t bit;
};
extern const struct tcp_flag_letter tcp_flag_letters[];
#define TCP_FLAG_LETTERS_MAX 8
#define NO_TCP_FLAGS         "none"

/* The step whose id this is, or -1. */
int step_by_id(const struct plan *plan, const char *id);

#endif
