/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_MATRIX_H
#define WIRECUT_REPORT_MATRIX_H

#include "harness/data/verdict.h"
#include "harness/report/table.h"

/*
 * The kill matrix: of each expectation of a run, the controls in which it failed, and so what takes it
 * away. An expectation that no control kills may be one that cannot fail. One that is bounded on either
 * side (expect_broken_side()) stands for two: a control in which it came too late says nothing of too early.
 */
struct matrix_counts {
	size_t expectations; /* each of a scenario, or of each cell of its matrix; each side is one */
	size_t sides;        /* of those, one side of a bound that has two */
	size_t unkilled;     /* of all */
	size_t unnamed;      /* failures in a control that does not name the expectation */
	size_t unproven;     /* failures in controls whose scenario never passed beside them */
	size_t alone;        /* failures in controls whose scenario never ran beside them */
};

/*
 * Prints a row for each expectation of a run (as run.json holds it), by file, cell and line, then those
 * that no control kills. It is killed by a control that names it, that did its work, and whose scenario
 * passed itself in this run, in the same cell, on the same kernel and with the same seed: else the
 * control stands in brackets. One in which it failed unnamed stands in parentheses. A run on several
 * kernels or seeds counts as one: a control that kills it on any. Of a run without expectations nothing
 * is printed.
 */
struct matrix_counts matrix_print(FILE *out, const json_t *run, enum table_format format);

#endif
