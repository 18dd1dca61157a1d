/* SPDX-License-Identifier: MIT */
#ifndef WIRECUT_REPORT_HERDVIEW_H
#define WIRECUT_REPORT_HERDVIEW_H

#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>

#include "harness/base/arena.h"
#include "harness/base/nsec.h"

/*
 * A herd to look at: two runs of the same outage side by side, how many attempts begin in each 100 ms
 * and how many clients are connected. It is made of the lines that ref-client prints, so it can be drawn
 * while they are still coming. Pure: it is told the lines and the time, and writes to a stream.
 */

#define HERD_BIN   (100 * NSEC_PER_MSEC)
#define HERD_SIDES 2

struct herd_bin {
	int64_t attempts;
	int64_t change; /* of the clients that are connected */
};

struct herd_side {
	const char *title;
	VEC(struct herd_bin) bins; /* since the first connection was lost: the outage began */
	int64_t connected_before;  /* when it began */
	nsec_t began;              /* by the program's own clock; NSEC_UNSET: not yet */
	const char *drops;         /* what is known at the end; or NULL */
	const char *verdict;
};

struct herd_view {
	struct arena *arena;
	int64_t clients;
	nsec_t outage;
	bool ascii; /* no block characters */
	struct herd_side sides[HERD_SIDES];
};

void herd_view_begin(struct herd_view *v, int64_t clients, nsec_t outage, struct arena *a);

/* One line of ref-client's output, without its end. What is none of its events is passed over. */
void herd_view_add(struct herd_view *v, int side, const char *line, size_t len);

/* How long after the beginning of the outage the last event came; 0 before it. */
nsec_t herd_view_last(const struct herd_view *v);

/*
 * Draws the moment `at` after the beginning of the outage, in `rows` lines of at most `columns`: the bins
 * until then, one a column, or, when it is `whole`, all of them, each column showing the fullest
 * of those that share it. Drops and verdicts are wrapped at blanks; the bars have the rows that are
 * left. Each line ends in "\033[K\n" if `erase`, else in "\n"; the last one has no newline.
 */
struct herd_frame {
	nsec_t at;
	int columns, rows;
	bool whole, erase;
	const char *footer;
};
void herd_view_draw(const struct herd_view *v, const struct herd_frame *frame, FILE *out);

/* The second that ends at `at`, in one line, for where there is no terminal. */
void herd_view_line(const struct herd_view *v, nsec_t at, FILE *out);

/* The smallest terminal that it can be drawn on. */
#define HERD_COLUMNS_MIN 60
#define HERD_ROWS_MIN    18

#endif
