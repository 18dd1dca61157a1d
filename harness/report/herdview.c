/* SPDX-License-Identifier: MIT */
#include "harness/report/herdview.h"

#include <inttypes.h>
#include <string.h>

#include "harness/base/cleanup.h"

/* Beside the bars and the paragraphs: heading, time, scale, title, caption, axis, caption, footer. */
#define FIXED_ROWS 8
/* What the histogram and the curve have at the least. */
#define BAR_ROWS_MIN 2
#define SEPARATOR    " | "
/* A cell of the terminal has eight heights. */
#define EIGHTHS 8
/* More is nothing that a demonstration lasts for: an hour. */
#define BINS_MAX 36000

static const char *const blocks[EIGHTHS + 1] = {" ", "▁", "▂", "▃", "▄", "▅", "▆", "▇", "█"};
static const char *const ascii_blocks[EIGHTHS + 1] = {" ", ".", ".", ".", ":", ":", "#", "#", "#"};

void herd_view_begin(struct herd_view *v, int64_t clients, nsec_t outage, struct arena *a)
{
	*v = (struct herd_view){.arena = a, .clients = clients, .outage = outage};
	v->sides[0].title = "with jitter";
	v->sides[1].title = "without jitter";
	for (int i = 0; i < HERD_SIDES; i++)
		v->sides[i].began = NSEC_UNSET;
}

static struct herd_bin *bin_at(struct herd_view *v, struct herd_side *s, nsec_t t)
{
	nsec_t number = t < 0 ? 0 : t / HERD_BIN;

	if (number >= BINS_MAX)
		number = BINS_MAX - 1;
	while ((nsec_t)s->bins.n <= number)
		vec_push(v->arena, &s->bins);
	return &s->bins.v[number];
}

void herd_view_add(struct herd_view *v, int side, const char *line, size_t len)
{
	struct herd_side *s = &v->sides[side];
	_cleanup_json_ json_t *event = json_loadb(line, len, 0, NULL);
	const char *name = json_string_value(json_object_get(event, "event"));
	double at_s = json_number_value(json_object_get(event, "monotonic_s"));
	bool attempt = name && !strcmp(name, "attempt");
	int change = name && !strcmp(name, "connected") ? 1
		     : name && !strcmp(name, "lost")    ? -1
							: 0;
	nsec_t t = (nsec_t)(at_s * 1e9);

	/* The clock of a machine that is up for thirty years: more is none of its times. */
	if ((!attempt && !change) || !(at_s >= 0 && at_s < 1e9))
		return;
	if (change < 0 && s->began == NSEC_UNSET)
		s->began = t;
	if (s->began == NSEC_UNSET) {
		s->connected_before += change;
		return;
	}
	struct herd_bin *bin = bin_at(v, s, t - s->began);
	bin->attempts += attempt;
	bin->change += change;
}

nsec_t herd_view_last(const struct herd_view *v)
{
	size_t n = 0;

	for (int i = 0; i < HERD_SIDES; i++)
		n = v->sides[i].bins.n > n ? v->sides[i].bins.n : n;
	return (nsec_t)n * HERD_BIN;
}

/* --- what is in the bins --- */

/* The fullest of the bins [from, to). */
static int64_t most_in(const struct herd_side *s, int64_t from, int64_t to)
{
	int64_t most = 0;

	for (int64_t i = from < 0 ? 0 : from; i < to && i < (int64_t)s->bins.n; i++)
		if (s->bins.v[i].attempts > most)
			most = s->bins.v[i].attempts;
	return most;
}

/* How many clients are connected when the bins [0, to) are over. */
static int64_t connected_at(const struct herd_side *s, int64_t to)
{
	int64_t n = s->connected_before;

	for (int64_t i = 0; i < to && i < (int64_t)s->bins.n; i++)
		n += s->bins.v[i].change;
	return n;
}

/* Only what comes after the outage is the herd: the captions count from here. */
static int64_t back_bin(const struct herd_view *v)
{
	return v->outage / HERD_BIN;
}

/* --- paragraphs: what is said of each side at the end, wrapped to its width --- */

enum paragraph { DROPS, VERDICT, PARAGRAPHS };

static const char *paragraph_of(const struct herd_side *s, enum paragraph which)
{
	if (which == DROPS)
		return s->drops ? s->drops : "accept queue: counted at the end";
	return s->verdict ? s->verdict : "verdict: at the end";
}

/* How much of the text is its first line: the words that fit. One that is longer than a line is broken. */
static size_t first_line(const char *text, int columns)
{
	size_t end = (size_t)columns;

	if (strlen(text) <= end)
		return strlen(text);
	while (end > 0 && text[end] != ' ')
		end--;
	return end > 0 ? end : (size_t)columns;
}

static const char *behind_first_line(const char *text, int columns)
{
	text += first_line(text, columns);
	return text + strspn(text, " ");
}

/* As many rows as the longer side takes. */
static int paragraph_rows(const struct herd_view *v, enum paragraph which, int columns)
{
	int most = 0;

	for (int i = 0; i < HERD_SIDES; i++) {
		const char *text = paragraph_of(&v->sides[i], which);
		int rows = 0;

		for (; *text; text = behind_first_line(text, columns))
			rows++;
		most = rows > most ? rows : most;
	}
	return most;
}

/* --- drawing --- */

/* What a frame shows: columns of `slot` bins each, the first of which is `from`. */
struct window {
	int columns;            /* of one side */
	int64_t from, slot, to; /* to: the first bin that is not shown */
	int64_t scale;          /* attempts at the top of the histogram */
	int histogram_rows, curve_rows, text_rows;
};

static struct window window_of(const struct herd_view *v, const struct herd_frame *f)
{
	struct window w = {.columns = (f->columns - (int)strlen(SEPARATOR)) / HERD_SIDES,
			   .slot = 1,
			   .to = f->at / HERD_BIN,
			   .scale = 1};
	int rows = f->rows - FIXED_ROWS;

	if (w.columns < 1)
		w.columns = 1;
	for (int which = 0; which < PARAGRAPHS; which++)
		w.text_rows += paragraph_rows(v, which, w.columns);
	if (w.text_rows > rows - BAR_ROWS_MIN)
		w.text_rows = rows - BAR_ROWS_MIN;
	rows -= w.text_rows;
	if (f->whole) {
		w.slot = (w.to + w.columns - 1) / w.columns;
		w.slot = w.slot < 1 ? 1 : w.slot;
	} else {
		w.from = w.to - w.columns;
	}
	for (int i = 0; i < HERD_SIDES; i++) {
		int64_t most = most_in(&v->sides[i], 0, w.to);

		w.scale = most > w.scale ? most : w.scale;
	}
	w.curve_rows = rows / 4 > 1 ? rows / 4 : 1;
	w.histogram_rows = rows - w.curve_rows > 1 ? rows - w.curve_rows : 1;
	return w;
}

/* One row of bars: `value` of `scale` is so many eighths of the whole height. */
static const char *cell(const struct herd_view *v, int64_t value, int64_t scale, int row, int rows)
{
	int64_t height = value <= 0 ? 0 : (value * rows * EIGHTHS + scale - 1) / scale;
	int64_t in_row = height - (int64_t)(rows - 1 - row) * EIGHTHS;

	if (in_row < 0)
		in_row = 0;
	if (in_row > EIGHTHS)
		in_row = EIGHTHS;
	return (v->ascii ? ascii_blocks : blocks)[in_row];
}

typedef int64_t value_at(const struct herd_side *s, int64_t from, int64_t to);

/* The level at the end of a column; nothing before the beginning. */
static int64_t level_in(const struct herd_side *s, int64_t from, int64_t to)
{
	return from < 0 ? 0 : connected_at(s, to);
}

static void end_line(const struct herd_frame *f, FILE *out)
{
	fputs(f->erase ? "\033[K\n" : "\n", out);
}

/* A line of text for each side, cut to its width. */
static void put_texts(const struct herd_frame *f, const struct window *w,
		      const char *texts[HERD_SIDES], FILE *out)
{
	for (int i = 0; i < HERD_SIDES; i++)
		fprintf(out, "%s%-*.*s", i ? SEPARATOR : "", i + 1 < HERD_SIDES ? w->columns : 0,
			w->columns, texts[i]);
	end_line(f, out);
}

static void put_bars(const struct herd_view *v, const struct herd_frame *f, const struct window *w,
		     int rows, value_at *value, int64_t scale, FILE *out)
{
	for (int row = 0; row < rows; row++) {
		for (int i = 0; i < HERD_SIDES; i++) {
			fputs(i ? SEPARATOR : "", out);
			for (int c = 0; c < w->columns; c++) {
				int64_t from = w->from + c * w->slot;
				int64_t to = from + w->slot < w->to ? from + w->slot : w->to;
				bool any = from >= 0 && from < w->to;

				fputs(cell(v, any ? value(&v->sides[i], from, to) : 0, scale, row,
					   rows),
				      out);
			}
		}
		end_line(f, out);
	}
}

static void put_axis(const struct herd_view *v, const struct herd_frame *f, const struct window *w,
		     FILE *out)
{
	double from_s = (double)((w->from < 0 ? 0 : w->from) * HERD_BIN) / 1e9;
	char *text = arena_printf(v->arena, "%.1f s to %.1f s, a column %.1f s", from_s,
				  (double)f->at / 1e9, (double)(w->slot * HERD_BIN) / 1e9);

	put_texts(f, w, (const char *[]){text, text}, out);
}

static void put_captions(const struct herd_view *v, const struct herd_frame *f,
			 const struct window *w, bool connected, FILE *out)
{
	const char *texts[HERD_SIDES];

	for (int i = 0; i < HERD_SIDES; i++) {
		const struct herd_side *s = &v->sides[i];

		if (connected)
			texts[i] = arena_printf(v->arena, "connected: %" PRId64 " of %" PRId64,
						connected_at(s, w->to), v->clients);
		else if (s->verdict) /* tells it, of bins that begin when the server is back */
			texts[i] = "attempts in each 100 ms";
		else if (w->to <= back_bin(v))
			texts[i] = "most since it is back: -";
		else
			texts[i] = arena_printf(v->arena,
						"most since it is back: %" PRId64 " in 100 ms",
						most_in(s, back_bin(v), w->to));
	}
	put_texts(f, w, texts, out);
}

static void put_paragraphs(const struct herd_view *v, const struct herd_frame *f,
			   const struct window *w, FILE *out)
{
	int left = w->text_rows;

	for (int which = 0; which < PARAGRAPHS; which++) {
		int rows = paragraph_rows(v, which, w->columns);
		const char *rest[HERD_SIDES], *lines[HERD_SIDES];

		for (int i = 0; i < HERD_SIDES; i++)
			rest[i] = paragraph_of(&v->sides[i], which);
		for (; rows > 0 && left > 0; rows--, left--) {
			for (int i = 0; i < HERD_SIDES; i++) {
				lines[i] = arena_strndup(v->arena, rest[i],
							 first_line(rest[i], w->columns));
				rest[i] = behind_first_line(rest[i], w->columns);
			}
			put_texts(f, w, lines, out);
		}
	}
}

void herd_view_draw(const struct herd_view *v, const struct herd_frame *f, FILE *out)
{
	struct window w = window_of(v, f);

	fprintf(out, "%.*s", f->columns,
		arena_printf(v->arena, "%" PRId64 " clients, and their server is gone for %.1f s",
			     v->clients, (double)v->outage / 1e9));
	end_line(f, out);
	fprintf(out, "%.*s", f->columns,
		arena_printf(v->arena, "%.1f s after it went: %s", (double)f->at / 1e9,
			     f->at < v->outage ? "it is gone" : "it is back"));
	end_line(f, out);
	fprintf(out, "%.*s", f->columns,
		arena_printf(v->arena,
			     "full height: %" PRId64 " attempts in 100 ms; below, %" PRId64
			     " clients",
			     w.scale, v->clients));
	end_line(f, out);
	put_texts(f, &w, (const char *[]){v->sides[0].title, v->sides[1].title}, out);
	put_captions(v, f, &w, false, out);
	put_bars(v, f, &w, w.histogram_rows, most_in, w.scale, out);
	put_axis(v, f, &w, out);
	put_captions(v, f, &w, true, out);
	put_bars(v, f, &w, w.curve_rows, level_in, v->clients > 0 ? v->clients : 1, out);
	put_paragraphs(v, f, &w, out);
	fprintf(out, "%.*s%s", f->columns, f->footer ? f->footer : "", f->erase ? "\033[K" : "");
}

void herd_view_line(const struct herd_view *v, nsec_t at, FILE *out)
{
	int64_t to = at / HERD_BIN;

	fprintf(out, "%7.1f s", (double)at / 1e9);
	for (int i = 0; i < HERD_SIDES; i++) {
		const struct herd_side *s = &v->sides[i];

		fprintf(out,
			"  %s: at most %" PRId64 " attempts in 100 ms, %" PRId64 " connected%s",
			s->title, most_in(s, to - NSEC_PER_SEC / HERD_BIN, to), connected_at(s, to),
			i + 1 < HERD_SIDES ? ";" : "");
	}
	fputc('\n', out);
}
