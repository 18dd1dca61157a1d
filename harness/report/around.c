/* SPDX-License-Identifier: MIT */
/*
 * The events around the moment that decided. Packets that an expectation counts may be thousands, one behind
 * the other: of such a row the first and the last are shown, so that what was before it has a place too.
 */
#include "harness/report/report.h"

/* How many lines before the moment, and from it on. */
#define LINES_BEFORE 8
#define LINES_AFTER  5
/* Of a row of counted packets, at each of its ends. */
#define COUNTED_SHOWN ((size_t)2)
/* A shorter stall of the harness explains nothing that a bound could notice. */
#define STALL_SHOWN (20 * NSEC_PER_MSEC)

struct line {
	const struct observation *o;
	size_t left_out; /* in place of so many records; 0: it is one */
};

struct lines {
	VEC(struct line) list;
};

/* What is worth a line: everything but the bulk of a busy connection. */
static bool is_telling(const struct observation *o)
{
	if (o->source == OBS_SOCKET)
		return o->event == EV_STATE || o->event == EV_GONE;
	if (o->source == OBS_LAG)
		return o->event != EV_STALL || o->lag.lag >= STALL_SHOWN;
	/* What a fault did to each flow is shown below. */
	return o->source != OBS_APP && !(o->source == OBS_FAULT && o->event == EV_FLOW);
}

static bool is_counted(const struct line *line)
{
	return line->o->source == OBS_PACKET && line->o->event == EV_COUNTED;
}

/* The last `n` lines are a row of counted packets that has ended. */
static void shorten(struct lines *lines, size_t n)
{
	if (n <= 2 * COUNTED_SHOWN + 1)
		return;
	struct line *gap = &lines->list.v[lines->list.n - n + COUNTED_SHOWN];

	*gap = (struct line){.left_out = n - 2 * COUNTED_SHOWN};
	memmove(gap + 1, &lines->list.v[lines->list.n - COUNTED_SHOWN],
		COUNTED_SHOWN * sizeof(*gap));
	lines->list.n -= n - 2 * COUNTED_SHOWN - 1;
}

static struct lines lines_of(const struct observation *from, const struct observation *end,
			     struct arena *a)
{
	struct lines lines = {0};
	size_t row = 0;

	for (const struct observation *o = from; o < end; o++) {
		const struct line line = {.o = o};

		if (!is_telling(o))
			continue;
		if (!is_counted(&line))
			shorten(&lines, row);
		row = is_counted(&line) ? row + 1 : 0;
		*vec_push(a, &lines.list) = line;
	}
	shorten(&lines, row);
	return lines;
}

static void print_line(FILE *out, const struct line *line, bool decided, const struct plan *plan)
{
	fprintf(out, "          %c ", decided ? '>' : ' ');
	if (line->left_out)
		fprintf(out, "%13s    %zu more packets that were counted", "...", line->left_out);
	else
		terminal_observation(out, line->o, plan);
	fputc('\n', out);
}

void terminal_around(FILE *out, nsec_t t, const struct plan *plan, const struct observations *obs)
{
	_cleanup_arena_ struct arena a = {0};
	const struct observation *first = obs->list.v, *end = first + obs->list.n, *at = first;

	if (t == NSEC_UNSET || !obs->list.n)
		return;
	while (at < end && at->t < t)
		at++;
	struct lines before = lines_of(first, at, &a), after = lines_of(at, end, &a);
	fprintf(out, "        around it\n");
	for (size_t i = before.list.n > LINES_BEFORE ? before.list.n - LINES_BEFORE : 0;
	     i < before.list.n; i++)
		print_line(out, &before.list.v[i], false, plan);
	for (size_t i = 0; i < after.list.n && i < LINES_AFTER; i++)
		print_line(out, &after.list.v[i], i == 0, plan);
}
