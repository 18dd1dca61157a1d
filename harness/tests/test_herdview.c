/* SPDX-License-Identifier: MIT */
/* The drawing of a herd, on lines of data alone. */
#include <check.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "harness/base/cleanup.h"
#include "harness/report/herdview.h"
#include "harness/tests/suite.h"

#define CLIENTS 10

static struct arena arena;
static struct herd_view view;

static void set_up(void)
{
	arena = (struct arena){0};
	herd_view_begin(&view, CLIENTS, 2 * NSEC_PER_SEC, &arena);
	view.ascii = true;
}

static void tear_down(void)
{
	arena_free(&arena);
}

static void add(int side, const char *event, double at_s, int times)
{
	const char *line = arena_printf(
		&arena, "{\"event\":\"%s\",\"monotonic_s\":%.3f,\"connection\":1}", event, at_s);

	for (int i = 0; i < times; i++)
		herd_view_add(&view, side, line, strlen(line));
}

/* Ten clients each: those of side 0 come back in three bins, those of side 1 in one. */
static void add_herds(void)
{
	for (int side = 0; side < HERD_SIDES; side++) {
		double start = side ? 500 : 100; /* each by its own clock */

		add(side, "attempt", start - 1, CLIENTS);
		add(side, "connected", start - 1, CLIENTS);
		add(side, "lost", start, CLIENTS);
	}
	add(0, "attempt", 102.05, 3);
	add(0, "connected", 102.06, 3);
	add(0, "attempt", 102.15, 4);
	add(0, "connected", 102.16, 4);
	add(0, "attempt", 102.95, 3);
	add(0, "connected", 102.96, 3);
	add(1, "attempt", 502.55, CLIENTS);
	add(1, "connected", 502.56, CLIENTS);
}

static char *draw(struct herd_frame frame)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	ck_assert_ptr_nonnull(out);
	herd_view_draw(&view, &frame, out);
	fclose(out);
	char *copy = arena_strdup(&arena, text);
	free(text);
	return copy;
}

/* The n-th line of a frame, from 0. */
static const char *line_of(const char *text, int n)
{
	for (; n > 0; n--) {
		text = strchr(text, '\n');
		ck_assert_ptr_nonnull(text);
		text++;
	}
	return arena_strndup(&arena, text, strcspn(text, "\n"));
}

START_TEST(a_frame_fills_its_terminal_and_no_more)
{
	const int sizes[][2] = {{60, 18}, {80, 24}, {200, 50}, {81, 25}};

	add_herds();
	/* More than the smallest has room for: it is cut, not the frame made longer. */
	for (int i = 0; i < 100; i++)
		view.sides[0].verdict =
			arena_printf(&arena, "%s more words", i ? view.sides[0].verdict : "pass:");
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		for (int whole = 0; whole < 2; whole++) {
			const char *text = draw((struct herd_frame){.at = 3 * NSEC_PER_SEC,
								    .columns = sizes[i][0],
								    .rows = sizes[i][1],
								    .whole = whole,
								    .footer = "results: there"});
			int rows = 1;

			for (const char *at = text; (at = strchr(at, '\n')); at++)
				rows++;
			ck_assert_int_eq(rows, sizes[i][1]);
			for (int n = 0; n < rows; n++)
				ck_assert_uint_le(strlen(line_of(text, n)), (size_t)sizes[i][0]);
		}
	}
}
END_TEST

START_TEST(the_captions_say_what_came_after_the_outage)
{
	add_herds();
	add(0, "attempt", 101, CLIENTS); /* while it is gone */
	const char *text = draw((struct herd_frame){3 * NSEC_PER_SEC, 80, 24, false, false, NULL});

	ck_assert_ptr_nonnull(strstr(text, "10 clients, and their server is gone for 2.0 s"));
	ck_assert_ptr_nonnull(strstr(text, "3.0 s after it went: it is back"));
	ck_assert_ptr_nonnull(strstr(line_of(text, 4), "most since it is back: 4 in 100 ms "));
	ck_assert_ptr_nonnull(strstr(line_of(text, 4), "| most since it is back: 10 in 100 ms"));
	ck_assert_ptr_nonnull(strstr(text, "connected: 10 of 10"));
	text = draw((struct herd_frame){2200 * NSEC_PER_MSEC, 80, 24, false, false, NULL});
	ck_assert_ptr_nonnull(strstr(text, "connected: 7 of 10"));
	ck_assert_ptr_nonnull(strstr(text, "connected: 0 of 10"));
	text = draw((struct herd_frame){NSEC_PER_SEC, 80, 24, false, false, NULL});
	ck_assert_ptr_nonnull(strstr(text, "it is gone"));
	/* The bar is there, but of the herd nothing can be said yet. */
	ck_assert_ptr_nonnull(strstr(line_of(text, 4), "most since it is back: - "));
	text = draw((struct herd_frame){2 * NSEC_PER_SEC, 80, 24, false, false, NULL});
	ck_assert_ptr_nonnull(strstr(line_of(text, 4), "| most since it is back: -"));
}
END_TEST

/* What stands in one side of a frame, its lines joined by blanks. */
static char *side_of(const char *text, int side)
{
	char *joined = arena_strdup(&arena, "");

	for (; text; text = strchr(text, '\n') ? strchr(text, '\n') + 1 : NULL) {
		const char *line = line_of(text, 0), *middle = strstr(line, " | ");

		if (!middle)
			continue;
		const char *its = side ? middle + strlen(" | ")
				       : arena_strndup(&arena, line, (size_t)(middle - line));
		size_t len = strlen(its);

		while (len && its[len - 1] == ' ')
			len--;
		joined = arena_printf(&arena, "%s %.*s", joined, (int)len, its);
	}
	return joined;
}

START_TEST(the_verdicts_are_whole_and_break_at_blanks)
{
	const int sizes[][2] = {{60, 18}, {80, 23}, {200, 49}};
	const char *good = "pass: 75 of 1000 attempts in one bin, 0 drops (0 by a full accept "
			   "queue); back: 15.512 s";
	const char *bad = "as it should, it fails: 1000 of 1000 attempts in one bin, 12345 drops "
			  "(12345 by a full accept queue); back: 0 of 1000 are back";

	add_herds();
	view.sides[0].verdict = good;
	view.sides[1].verdict = bad;
	for (size_t i = 0; i < ARRAY_SIZE(sizes); i++) {
		const char *text = draw((struct herd_frame){3 * NSEC_PER_SEC, sizes[i][0],
							    sizes[i][1], true, false, "there"});

		ck_assert_msg(strstr(side_of(text, 0), good) != NULL, "%s", text);
		ck_assert_msg(strstr(side_of(text, 1), bad) != NULL, "%s", text);
	}
}
END_TEST

START_TEST(a_word_longer_than_a_line_is_broken)
{
	char word[101] = "";

	memset(word, 'x', sizeof(word) - 1);
	view.sides[0].verdict = word;
	const char *text = draw((struct herd_frame){0, 80, 24, true, false, "there"});
	size_t n = 0;

	for (const char *at = text; *at; at++)
		n += *at == 'x';
	ck_assert_uint_eq(n, sizeof(word) - 1);
}
END_TEST

/* Both have one scale: the top row belongs to the fullest bin of all. */
START_TEST(the_histograms_have_one_scale)
{
	add_herds();
	const char *text = draw((struct herd_frame){3 * NSEC_PER_SEC, 80, 24, false, false, NULL});
	const char *top = line_of(text, 5);
	const char *separator = strstr(top, " | ");

	ck_assert_ptr_nonnull(separator);
	ck_assert_uint_eq(strspn(top, " "), (size_t)(separator - top) + 1);
	ck_assert_uint_eq(strlen(separator) - strlen(strchr(separator, '#') + 1),
			  strlen(" | ") + 38 - 4);
	ck_assert_ptr_null(strchr(strchr(separator, '#') + 1, '#'));
	ck_assert_str_eq(line_of(text, 2), "full height: 10 attempts in 100 ms; below, 10 clients");
}
END_TEST

START_TEST(a_line_has_the_last_second)
{
	char *text = NULL;
	size_t len;
	FILE *out = open_memstream(&text, &len);

	add_herds();
	herd_view_line(&view, 3 * NSEC_PER_SEC, out);
	fclose(out);
	ck_assert_str_eq(text,
			 "    3.0 s  with jitter: at most 4 attempts in 100 ms, 10 connected;  "
			 "without jitter: at most 10 attempts in 100 ms, 10 connected\n");
	free(text);
}
END_TEST

START_TEST(what_is_no_event_is_passed_over)
{
	const char *const lines[] = {
		"",
		"not JSON",
		"{\"event\":\"wait\",\"monotonic_s\":100}",
		"{\"event\":7}",
		"[1]",
		"{\"event\":\"attempt\",\"monotonic_s\":1e300}",
		"{\"event\":\"attempt\",\"monotonic_s\":-1e300}",
		"{\"event\":\"attempt\"}",
		"{\"event\":\"attempt\",\"monotonic_s\":\"now\"}",
	};

	add(0, "lost", 100, 1);
	for (size_t i = 0; i < ARRAY_SIZE(lines); i++)
		herd_view_add(&view, 0, lines[i], strlen(lines[i]));
	draw((struct herd_frame){herd_view_last(&view), 80, 24, true, true, ""});
	ck_assert_int_gt(herd_view_last(&view), 0);
}
END_TEST

START_TEST(nothing_yet_can_be_drawn)
{
	ck_assert_int_eq(herd_view_last(&view), 0);
	ck_assert_ptr_nonnull(strstr(draw((struct herd_frame){0, 80, 24, true, false, "running"}),
				     "connected: 0 of 10"));
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("herdview");

	tcase_add_checked_fixture(t, set_up, tear_down);
	tcase_add_test(t, a_frame_fills_its_terminal_and_no_more);
	tcase_add_test(t, the_captions_say_what_came_after_the_outage);
	tcase_add_test(t, the_verdicts_are_whole_and_break_at_blanks);
	tcase_add_test(t, a_word_longer_than_a_line_is_broken);
	tcase_add_test(t, the_histograms_have_one_scale);
	tcase_add_test(t, a_line_has_the_last_second);
	tcase_add_test(t, what_is_no_event_is_passed_over);
	tcase_add_test(t, nothing_yet_can_be_drawn);
	return run_tests("herdview", t);
}
