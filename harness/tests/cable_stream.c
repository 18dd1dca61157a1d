/* SPDX-License-Identifier: MIT */
#include <check.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "harness/base/io.h"
#include "harness/tests/cable_trial.h"
#include "harness/tests/probe_line.h"

static struct cable_stream new_stream(struct arena *a, size_t n)
{
	struct cable_stream s = {
		.n = n,
		.sent = arena_new_array(a, nsec_t, n),
		.took = arena_new_array(a, nsec_t, n),
		.whole = arena_new_array(a, int, n),
		.bent = arena_new_array(a, int, n),
	};

	for (size_t i = 0; i < n; i++) {
		s.sent[i] = NSEC_UNSET;
		s.took[i] = NSEC_NEVER;
	}
	return s;
}

/* `newest` is the highest number of those that arrived before it. */
static void add_arrival(struct cable_stream *s, const struct probe_line *l, size_t *newest)
{
	ck_assert_msg(l->number < s->n, "a probe %zu of %zu", l->number, s->n);
	nsec_t *took = &s->took[l->number];

	if (*took == NSEC_NEVER)
		*took = l->received - l->sent;
	s->sent[l->number] = l->sent;
	if (l->bits)
		s->bent[l->number]++;
	else
		s->whole[l->number]++;
	s->most_bits = l->bits > s->most_bits ? l->bits : s->most_bits;
	s->n_late += l->number < *newest;
	*newest = l->number > *newest ? l->number : *newest;
	s->arrived++;
}

static const char *read_log(struct arena *a, const char *folder, const char *host)
{
	const char *path = arena_printf(a, "%s/logs/at-%s.log", folder, host);
	struct err err = {0};
	const char *text = io_read_file(path, NULL, a, &err);

	ck_assert_msg(text != NULL, "%s", err.msg);
	return text;
}

/* The stream that a host received at a port; what overflowed at any of its ports is added up. */
static struct cable_stream read_stream(struct arena *a, const char *log, int port, size_t n,
				       uint64_t *overflow)
{
	struct cable_stream s = new_stream(a, n);
	size_t newest = 0;
	uint64_t lost = 0;
	bool is_whole = false;

	for (const char *line = log; *line; line += strcspn(line, "\n"), line += *line == '\n') {
		struct probe_line l;

		if (probe_line_parse(line, &l) && l.port == port)
			add_arrival(&s, &l, &newest);
		is_whole |= sscanf(line, "overflow %" SCNu64, &lost) == 1;
	}
	ck_assert_msg(is_whole, "a receiver's log has no end");
	*overflow += lost;
	return s;
}

static int compare_times(const void *va, const void *vb)
{
	const nsec_t *a = va, *b = vb;

	return (*a > *b) - (*a < *b);
}

static nsec_t median(const struct cable_stream *s)
{
	qsort(s->took, s->n, sizeof(*s->took), compare_times);
	return s->took[s->n / 2];
}

void cable_read(struct arena *a, const struct cable_trial *t, const struct cable_case *c,
		const char *folder, struct cable_streams *ret)
{
	const char *log = read_log(a, folder, "sink");
	uint64_t overflow = 0, once = 0;
	struct cable_stream bare =
		read_stream(a, log, cable_port(&cable_bare), cable_count(t, &cable_bare), &once);

	*ret = (struct cable_streams){.started = cable_start_us(t, c) * NSEC_PER_USEC,
				      .bare = median(&bare)};
	ck_assert_msg(ret->bare != NSEC_NEVER, "half of the probes of a bare cable are lost");
	ret->sink = read_stream(a, log, cable_port(c), cable_count(t, c), &overflow);
	if (c->promises & CABLE_AIMED) {
		const char *back = read_log(a, folder, c->name);

		ret->other = read_stream(a, log, cable_port(c) + 1, cable_count(t, c), &once);
		ret->back = read_stream(a, back, cable_port(c), cable_count(t, c), &overflow);
	}
	ret->overflow = overflow;
}
