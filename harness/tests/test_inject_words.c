/* SPDX-License-Identifier: MIT */
/* The words of `wirecut inject`: what they mean, what tc would be told, and where they are wrong. */
#include <check.h>
#include <linux/netlink.h>
#include <linux/pkt_sched.h>
#include <stdlib.h>

#include "faults/netem/attributes.h"
#include "harness/attach/words.h"
#include "harness/base/cleanup.h"
#include "harness/tests/suite.h"

/* The same for tc: every default that is set is in it, every unit is one that tc has. */
static const struct good_row {
	const char *text, *tc;
} good[] = {
	{"delay 50ms", "limit 1000 delay 50ms"},
	{"delay 50ms 10ms loss 1%", "limit 1000 delay 50ms 10ms loss 1%"},
	{"loss 1% delay 50ms 10ms", "limit 1000 delay 50ms 10ms loss 1%"},
	{"  delay\t50ms\n loss  1% ", "limit 1000 delay 50ms loss 1%"},
	{"delay 50ms 10ms 25%", "limit 1000 delay 50ms 10ms 25%"},
	{"delay 0ms 10ms", "limit 1000 delay 0ms 10ms"},
	{"delay 50ms 10ms distribution normal", "limit 1000 delay 50ms 10ms distribution normal"},
	{"distribution pareto delay 50ms 10ms", "limit 1000 delay 50ms 10ms distribution pareto"},
	{"delay 50ms 10ms 5% distribution paretonormal",
	 "limit 1000 delay 50ms 10ms 5% distribution paretonormal"},
	{"delay 50ms 10ms distribution uniform", "limit 1000 delay 50ms 10ms"},
	/* times */
	{"delay 1.5s", "limit 1000 delay 1500ms"},
	{"delay 1m", "limit 1000 delay 60s"},
	{"delay 24h", "limit 1000 delay 86400s"},
	{"delay 7ns", "limit 1000 delay 7ns"},
	{"delay 10MSEC 1usecs", "limit 1000 delay 10ms 1us"},
	{"delay 2secs 1431ms", "limit 1000 delay 2s 1431ms"},
	/* losses */
	{"loss 0.5%", "limit 1000 loss 0.5%"},
	{"loss random 100%", "limit 1000 loss 100%"},
	{"loss 0.3% 25%", "limit 1000 loss 0.3% 25%"},
	{"loss gemodel 10%", "limit 1000 loss gemodel 10% 90% 100% 0%"},
	{"loss gemodel 10% 50%", "limit 1000 loss gemodel 10% 50% 100% 0%"},
	{"loss gemodel 10% 50% 80%", "limit 1000 loss gemodel 10% 50% 80% 0%"},
	{"loss gemodel 10% 50% 80% 1%", "limit 1000 loss gemodel 10% 50% 80% 1%"},
	{"loss state 10%", "limit 1000 loss state 10% 90% 0% 100% 0%"},
	{"loss state 10% 50%", "limit 1000 loss state 10% 50% 0% 100% 0%"},
	{"loss state 10% 50% 20%", "limit 1000 loss state 10% 50% 20% 100% 0%"},
	{"loss state 10% 50% 20% 70%", "limit 1000 loss state 10% 50% 20% 70% 0%"},
	{"loss state 10% 50% 20% 70% 2%", "limit 1000 loss state 10% 50% 20% 70% 2%"},
	/* These two are more than 1 in sum, as fractions in binary. */
	{"loss state 0.71% 99.29% 0.71% 0% 99.29%",
	 "limit 1000 loss state 0.71% 99.29% 0.71% 0% 99.29%"},
	{"loss 5% ecn", "limit 1000 loss 5% ecn"},
	{"ecn delay 5ms loss gemodel 5%", "limit 1000 delay 5ms loss gemodel 5% 95% 100% 0% ecn"},
	{"loss state 5% ecn", "limit 1000 loss state 5% 95% 0% 100% 0% ecn"},
	/* the others */
	{"duplicate 3% 10%", "limit 1000 duplicate 3% 10%"},
	{"corrupt 0.01%", "limit 1000 corrupt 0.01%"},
	{"corrupt 2% 3%", "limit 1000 corrupt 2% 3%"},
	{"delay 10ms reorder 25%", "limit 1000 delay 10ms reorder 25% gap 1"},
	{"delay 10ms reorder 25% 50% gap 5", "limit 1000 delay 10ms reorder 25% 50% gap 5"},
	{"gap 5 reorder 25% delay 10ms", "limit 1000 delay 10ms reorder 25% gap 5"},
	/* rates */
	{"rate 1mbit", "limit 1000 rate 1mbit"},
	{"rate 1.5Mbit", "limit 1000 rate 1500kbit"},
	{"rate 10gbit", "limit 1000 rate 10gbit"},
	{"rate 2tbit", "limit 1000 rate 2000gbit"},
	{"rate 8bit", "limit 1000 rate 8bit"},
	{"rate 1kbps", "limit 1000 rate 8kbit"},
	{"rate 1mibit", "limit 1000 rate 1048576bit"},
	{"rate 1kibps", "limit 1000 rate 8192bit"},
	{"rate 1mbit limit 7", "limit 7 rate 1mbit"},
	{"rate 1mbit 20", "limit 1000 rate 1mbit 20"},
	{"rate 1mbit -42 48 5", "limit 1000 rate 1mbit -42 48 5"},
	{"rate 1mbit 0 48", "limit 1000 rate 1mbit 0 48"},
	{"rate 1mbit 0 48 -47", "limit 1000 rate 1mbit 0 48 -47"},
	{"rate 1mbit 65535 65535 65535", "limit 1000 rate 1mbit 65535 65535 65535"},
	{"rate 1mbit 0 0 0", "limit 1000 rate 1mbit"},
	/* slots */
	{"slot 5ms", "limit 1000 slot 5ms"},
	{"slot 5ms 5ms", "limit 1000 slot 5ms"},
	{"slot 800us 1ms", "limit 1000 slot 800us 1ms"},
	{"slot 0ms 24h", "limit 1000 slot 0ms 86400s"},
	{"slot 800us 1ms packets 4 bytes 2KiB", "limit 1000 slot 800us 1ms packets 4 bytes 2048b"},
	{"bytes 1500b slot 24h", "limit 1000 slot 86400s bytes 1500b"},
	{"slot distribution normal 5ms 1ms", "limit 1000 slot distribution normal 5ms 1ms"},
	{"slot distribution pareto 0ms 1431ms packets 2147483647",
	 "limit 1000 slot distribution pareto 0ms 1431ms packets 2147483647"},
	{"delay 9ms 1ms distribution normal slot distribution paretonormal 5ms 1ms",
	 "limit 1000 delay 9ms 1ms distribution normal slot distribution paretonormal 5ms 1ms"},
	{"loss 1% limit 4294967295", "limit 4294967295 loss 1%"},
	{"loss 1% seed 18446744073709551615", "limit 1000 loss 1% seed 18446744073709551615"},
	{"loss 1% seed 0", "limit 1000 loss 1% seed 0"},
};

START_TEST(words_that_are_right)
{
	const struct good_row *row = &good[_i];
	_cleanup_arena_ struct arena a = {0};
	struct diags diags = {.arena = &a}, again = {.arena = &a};
	struct netem_words w, w2;

	ck_assert_msg(words_read("inject", row->text, &diags, &w), "%s: %s", row->text,
		      diags.list.n ? diags.list.v[0].message : "");
	char *tc = words_for_tc(&w, &a);
	ck_assert_str_eq(tc, row->tc);
	/* What tc is told means the same to us. */
	ck_assert(words_read("inject", tc, &again, &w2));
	ck_assert_str_eq(words_for_tc(&w2, &a), row->tc);
}
END_TEST

/* The first thing that is wrong, where, and how much of the text that is. */
static const struct bad_row {
	const char *text;
	int column, width;
	const char *message, *hint; /* parts */
	size_t n;                   /* how much is wrong; 0: one thing */
} bad[] = {
	{"", 1, 1, "nothing", "such as", 0},
	{"limit 10", 1, 8, "nothing", "such as", 0},
	{"loss 0% delay 0ms", 1, 17, "nothing", "such as", 0},
	{"delya 50ms", 1, 5, "unknown word 'delya'", "did you mean 'delay'?", 0},
	{"Delay 50ms", 1, 5, "unknown word 'Delay'", "did you mean 'delay'?", 0},
	{"loss 1% sloot", 9, 5, "unknown word 'sloot'", "did you mean 'slot'?", 0},
	{"loss 1% xyz", 9, 3, "unknown word 'xyz'", "known: delay, distribution, loss", 0},
	{"delay", 1, 5, "'delay' needs a time", "delay 50ms", 0},
	{"delay loss 1%", 1, 5, "'delay' needs a time", "delay 50ms", 0},
	{"delay fast", 7, 4, "'fast' is not a time", "ns, us, ms, s, m, h", 0},
	{"delay 50", 7, 2, "'50' needs a unit", "'50ms'? (tc would read '50us')", 0},
	{"delay 50mz", 7, 4, "'50mz' is not a time", "units", 0},
	{"delay -5ms", 7, 4, "'-5ms' is not a time", "units", 0},
	{"delay 5e3ms", 7, 5, "'5e3ms' is not a time", "units", 0},
	{"delay 25h", 7, 3, "longer than a day", NULL, 0},
	{"delay 5s 1432ms", 10, 6, "1.431s", NULL, 0},
	{"delay 5s 10", 10, 2, "'10' needs a unit", "10ms", 0},
	{"delay 5s 1s 2s", 13, 2, "'2s' is not a share", "1%", 0},
	{"delay 5s 1s 2% 3%", 16, 2, "no word takes this '3%'", NULL, 0},
	{"delay 5ms distribution normal", 11, 12, "no jitter", "delay 50ms 10ms", 0},
	{"delay 5ms 1ms distribution gauss", 28, 5, "'gauss' is not a law", "normal", 0},
	{"delay 5ms 1ms distribution", 15, 12, "'distribution' needs a law", "normal", 0},
	{"loss 101%", 6, 4, "'101%' is more than 100%", "0% to 100%", 0},
	{"loss 5", 6, 1, "'5' needs a %", "'5%'?", 0},
	{"loss -1%", 6, 3, "'-1%' is not a share", NULL, 0},
	{"loss 1% 200%", 9, 4, "more than 100%", NULL, 0},
	{"loss", 1, 4, "'loss' needs a share", "loss 1%", 0},
	{"loss random", 1, 4, "'loss' needs a share", "loss 1%", 0},
	{"loss gemodel", 1, 4, "'loss' needs a share", "gemodel 1% 25%", 0},
	{"loss gemodel 1% 2% 3% 4% 5%", 26, 2, "no word takes this", NULL, 0},
	{"loss state", 1, 4, "'loss' needs a share", "state 1% 25%", 0},
	{"loss state 1% 2% 3% 4% 5% 6%", 27, 2, "no word takes this", NULL, 0},
	{"loss state 101%", 12, 4, "more than 100%", NULL, 0},
	{"loss state 1% 2% 3% 4", 21, 1, "'4' needs a %", NULL, 0},
	{"loss state 10% 50% 51%", 20, 3, "'51%' and P31 (50%) leave the same state", "at most 50%",
	 0},
	{"loss state 10% 50% 0% 5% 90.1%", 26, 5, "'90.1%' and P13 (10%) leave the same state",
	 "at most 90%", 0},
	{"ecn delay 5ms", 1, 3, "'ecn' marks what a 'loss' would drop", "loss 1%", 0},
	{"loss 0% delay 5ms ecn", 19, 3, "'ecn' marks", NULL, 0},
	{"loss 5% ecn 1", 13, 1, "no word takes this '1'", NULL, 0},
	{"loss 1% loss 2%", 9, 4, "'loss' is said twice", "once", 0},
	{"duplicate 1%% 2%", 11, 3, "'1%%' is not a share", NULL, 0},
	{"reorder 25%", 1, 7, "no delay", "delay 10ms", 0},
	{"delay 5ms gap 5", 11, 3, "'gap'", "reorder 25%", 0},
	{"delay 5ms reorder 5% gap 0", 26, 1, "'0' of 'gap'", "from 1 to", 0},
	{"rate 10", 6, 2, "'10' needs a unit", "'10mbit'? (tc would read '10bit')", 0},
	{"rate 10m", 6, 3, "'10m' is not a rate", "kbit", 0},
	{"rate 12bit", 6, 5, "no whole number of bytes", "8bit", 0},
	{"rate 0bit", 6, 4, "no whole number of bytes", "8bit", 0},
	{"rate 1mbit -43", 12, 3, "'-43' is no PACKETOVERHEAD", "from -42 to 65535", 0},
	{"rate 1mbit 65536", 12, 5, "'65536' is no PACKETOVERHEAD", "bytes, a whole number", 0},
	{"rate 1mbit 14b", 12, 3, "'14b' is no PACKETOVERHEAD", NULL, 0},
	{"rate 1mbit 1.5", 12, 3, "'1.5' is no PACKETOVERHEAD", NULL, 0},
	{"rate 1mbit -", 12, 1, "'-' is no PACKETOVERHEAD", NULL, 0},
	{"rate 1mbit 14 -1", 15, 2, "'-1' is no CELLSIZE", "from 0 to 65535", 0},
	{"rate 1mbit 14 48 -48", 18, 3, "'-48' is no CELLOVERHEAD", "from -47 to 65535", 0},
	{"rate 1mbit 14 48 65536", 18, 5, "'65536' is no CELLOVERHEAD", NULL, 0},
	{"rate 1mbit 14 0 5", 17, 1, "'5' is no CELLOVERHEAD", "from 0 to 0", 0},
	{"rate 1mbit 14 48 5 1", 20, 1, "no word takes this '1'", NULL, 0},
	{"slot", 1, 4, "'slot' needs a time", "slot 5ms", 0},
	{"slot 5", 6, 1, "'5' needs a unit", "'5ms'?", 0},
	{"slot 0ms", 6, 3, "all the time", "slot 5ms", 0},
	{"slot 5ms 4ms", 10, 3, "'4ms' is shorter than '5ms'", "MIN MAX", 0},
	{"slot 25h", 6, 3, "longer than a day", NULL, 0},
	{"slot 5ms 25h", 10, 3, "longer than a day", NULL, 0},
	{"slot 5ms 6ms 7ms", 14, 3, "no word takes this '7ms'", NULL, 0},
	{"slot packets 4", 1, 4, "'slot' needs a time", NULL, 0},
	{"slot distribution", 1, 4, "'slot' needs a law", "slot distribution normal", 0},
	{"slot distribution normal", 1, 4, "'slot' needs a time", "5ms 1ms", 0},
	{"slot distribution gauss 5 loss 1%", 19, 5, "'gauss' is not a law", NULL, 2},
	{"slot distribution gauss 5ms 1ms", 19, 5, "'gauss' is not a law", "normal", 0},
	{"slot distribution uniform 5ms 1ms", 19, 7, "'uniform' is what", "slot 4ms 6ms", 0},
	{"slot distribution normal 5ms", 1, 4, "'slot' needs a time", "5ms 1ms", 0},
	{"slot distribution normal 5ms 0ms", 30, 3, "without a jitter", "slot 5ms", 0},
	{"slot distribution normal 5ms 1432ms", 30, 6, "1.431s", NULL, 0},
	{"loss 1% packets 4", 9, 7, "'packets' says how many a 'slot' takes", "slot 5ms", 0},
	{"loss 1% bytes 9b", 9, 5, "'bytes' says how many a 'slot' takes", "slot 5ms", 0},
	{"slot 5ms packets", 10, 7, "'packets' needs a number", "packets 4", 0},
	{"slot 5ms packets 0", 18, 1, "'0' of 'packets'", "from 1 to 2147483647", 0},
	{"slot 5ms packets 2147483648", 18, 10, "of 'packets'", NULL, 0},
	{"slot 5ms packets 4 packets 5", 20, 7, "'packets' is said twice", "once", 0},
	{"slot 5ms bytes", 10, 5, "'bytes' needs a size", "bytes 1500b", 0},
	{"slot 5ms bytes 1500", 16, 4, "'1500' needs a unit", "'1500b'?", 0},
	{"slot 5ms bytes 64kB", 16, 4, "'64kB' is not a size", "kib", 0},
	{"slot 5ms bytes 0b", 16, 2, "'0b' of 'bytes'", "from 1b to 2147483647b", 0},
	{"slot 5ms bytes 2gib", 16, 4, "'2gib' of 'bytes'", "2147483647b", 0},
	{"loss 1% limit 0", 15, 1, "'0' of 'limit'", "from 1 to 4294967295", 0},
	{"loss 1% limit 4294967296", 15, 10, "'4294967296' of 'limit'", "4294967295", 0},
	{"loss 1% limit 1.5", 15, 3, "'1.5' of 'limit'", NULL, 0},
	{"loss 1% seed 18446744073709551616", 14, 20, "of 'seed'", NULL, 0},
	{"loss 1% seed -1", 14, 2, "of 'seed'", NULL, 0},
	{"loss 1% seed", 9, 4, "'seed' needs a number", "seed 42", 0},
	/* Columns are those of an editor, and all that is wrong is told, in its order. */
	{"loss 1% dél\303\244y 5 loss 5", 9, 5, "unknown word", NULL, 3},
	{"gap 5 loss 1% distribution normal", 1, 3, "'gap'", NULL, 2},
	{"loss 101% delay 50 duplicate", 6, 4, "more than 100%", NULL, 3},
};

START_TEST(words_that_are_wrong)
{
	const struct bad_row *row = &bad[_i];
	_cleanup_arena_ struct arena a = {0};
	struct diags diags = {.arena = &a};
	struct netem_words w;

	ck_assert_msg(!words_read("inject", row->text, &diags, &w), "%s was taken", row->text);
	const struct diag *d = &diags.list.v[0];
	ck_assert_msg(
		d->pos.line == 1 && d->pos.column == row->column && d->pos.width == row->width,
		"%s: '%s' is at %d, %d wide", row->text, d->message, d->pos.column, d->pos.width);
	contains(d->message, row->message);
	if (row->hint)
		contains(d->hint, row->hint);
	ck_assert_msg(diags.list.n == (row->n ? row->n : 1), "%s: %zu are told", row->text,
		      diags.list.n);
	for (size_t i = 1; i < diags.list.n; i++)
		ck_assert_int_gt(diags.list.v[i].pos.column, diags.list.v[i - 1].pos.column);
	ck_assert_ptr_nonnull(diags_source(&diags, "inject"));
}
END_TEST

START_TEST(what_netem_does_otherwise)
{
	static const struct {
		const char *text, *parts[2];
	} rows[] = {
		{"delay 50ms 10ms loss 1%", {NULL}},
		{"loss gemodel 1% 25%", {NULL}},
		{"loss 10% 50%", {"correlations", NULL}},
		{"delay 50ms 10ms 25%", {"correlations", NULL}},
		{"corrupt 1% 25%", {"correlations", NULL}},
		{"loss 10% duplicate 10%", {"'duplicate'", NULL}},
		{"loss state 10% duplicate 10%", {"'duplicate'", NULL}},
		{"slot 1s 3147ms", {NULL}},
		{"slot 1s 3148ms", {"2.147s above MIN", NULL}},
		{"loss 10% duplicate 10% 5%", {"correlations", "'duplicate'"}},
		{"delay 50ms 10ms rate 1mbit", {"overtake", NULL}},
	};

	for (size_t i = 0; i < ARRAY_SIZE(rows); i++) {
		_cleanup_arena_ struct arena a = {0};
		struct diags diags = {.arena = &a};
		struct netem_words w;

		ck_assert(words_read("inject", rows[i].text, &diags, &w));
		for (size_t k = 0; k < 2 && rows[i].parts[k]; k++) {
			ck_assert_ptr_nonnull(words_caveat(&w, k));
			contains(words_caveat(&w, k), rows[i].parts[k]);
		}
		size_t n = !rows[i].parts[0] ? 0 : rows[i].parts[1] ? 2 : 1;
		ck_assert_msg(!words_caveat(&w, n), "%s: %s", rows[i].text, words_caveat(&w, n));
	}
}
END_TEST

/* The payload of an attribute of the options. */
static const void *attribute(const uint8_t *options, size_t len, int type, size_t size)
{
	for (size_t at = sizeof(struct tc_netem_qopt); at < len;) {
		const struct nlattr *h = (const void *)(options + at);

		if ((h->nla_type & NLA_TYPE_MASK) == type) {
			ck_assert_uint_eq(h->nla_len, NLA_HDRLEN + size);
			return options + at + NLA_HDRLEN;
		}
		at += NLA_ALIGN(h->nla_len);
	}
	ck_abort_msg("attribute %d is not there", type);
}

/* The correlations, which no scenario has, in what the kernel is told. */
START_TEST(the_kernel_is_told_them)
{
	static uint8_t options[NETEM_OPTIONS_BYTES] __attribute__((aligned(NLA_ALIGNTO)));
	static int16_t table[NETEM_TABLE_SIZE];
	_cleanup_arena_ struct arena a = {0};
	struct diags diags = {.arena = &a};
	struct netem_words w;

	ck_assert(words_read("inject",
			     "delay 50ms 10ms 50% loss 1% 25% duplicate 1% 12.5% corrupt 1% 75% "
			     "reorder 1% 100% limit 7 seed 11",
			     &diags, &w));
	ck_assert_uint_eq(w.seed, 11);
	size_t len = netem_options(&w.params, table, NULL, w.seed, options);
	const struct tc_netem_corr *corr =
		attribute(options, len, TCA_NETEM_CORR, sizeof(struct tc_netem_corr));
	const struct tc_netem_corrupt *corrupt =
		attribute(options, len, TCA_NETEM_CORRUPT, sizeof(struct tc_netem_corrupt));
	const struct tc_netem_reorder *reorder =
		attribute(options, len, TCA_NETEM_REORDER, sizeof(struct tc_netem_reorder));
	ck_assert_uint_eq(((const struct tc_netem_qopt *)(const void *)options)->limit, 7);
	ck_assert_uint_eq(corr->delay_corr, 0x80000000U);
	ck_assert_uint_eq(corr->loss_corr, 0x40000000U);
	ck_assert_uint_eq(corr->dup_corr, 0x20000000U);
	ck_assert_uint_eq(corrupt->correlation, 0xbfffffffU);
	ck_assert_uint_eq(reorder->correlation, UINT32_MAX);
}
END_TEST

/* Help and the manual page show each, and what help shows is taken. */
START_TEST(every_form_is_told)
{
	static const char *const names[] = {"delay",
					    "distribution",
					    "loss",
					    "loss gemodel",
					    "loss state",
					    "ecn",
					    "duplicate",
					    "corrupt",
					    "reorder",
					    "gap",
					    "rate",
					    "slot",
					    "slot distribution",
					    "packets",
					    "bytes",
					    "limit",
					    "seed"};
	const char *form, *doc;

	for (size_t i = 0; i < ARRAY_SIZE(names); i++) {
		ck_assert(words_info(i, &form, &doc));
		ck_assert_int_eq(strncmp(form, names[i], strlen(names[i])), 0);
		ck_assert(*doc);
	}
	ck_assert(!words_info(ARRAY_SIZE(names), &form, &doc));
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("inject-words");

	tcase_add_loop_test(tests, words_that_are_right, 0, ARRAY_SIZE(good));
	tcase_add_loop_test(tests, words_that_are_wrong, 0, ARRAY_SIZE(bad));
	tcase_add_test(tests, what_netem_does_otherwise);
	tcase_add_test(tests, the_kernel_is_told_them);
	tcase_add_test(tests, every_form_is_told);
	return run_tests("inject-words", tests);
}
