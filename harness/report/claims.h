/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_CLAIMS_H
#define WIRECUT_REPORT_CLAIMS_H

#include <stdio.h>

#include "harness/data/verdict.h"
#include "harness/report/table.h"

/* The table of claims: the figures that scenarios find again (their key `claim`), as measured. */

/*
 * What a verdict says of its scenario's claim: {says, arithmetic, allowed, measured}, the last two
 * joined of all expectations that show it, null where there is none (an error, a skip). null if the
 * scenario has no claim. The caller owns it.
 */
json_t *claim_to_json(const struct scenario_result *r);

/*
 * Prints a row for each scenario of a run (as run.json holds it) that has a claim and was not
 * skipped, by claim and kernel; what did not pass has its verdict behind the measured value. Returns
 * how many there are: of none nothing is printed.
 */
size_t claims_print(FILE *out, const json_t *run, enum table_format format);

#endif
