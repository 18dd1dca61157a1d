/* SPDX-License-Identifier: MIT */
/* Which link engine a plan runs on, and what is said of a step that needs another. */
#include <check.h>
#include <stdlib.h>
#include <unistd.h>

#include "harness/base/cleanup.h"
#include "harness/build/build.h"
#include "harness/parse/parse.h"
#include "harness/run/run.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

static struct arena arena;
static struct diags diags;
static int n_asked; /* whether the kernel has netem */

static void set_up(void)
{
	diags = (struct diags){.arena = &arena};
	n_asked = 0;
}

static void tear_down(void)
{
	arena_free(&arena);
}

static bool has_netem(void *ctx, int clock)
{
	n_asked++;
	return *(const bool *)ctx || clock == CLOCK_VIRTUAL;
}

/* Lines 8 and 9 are the steps. */
#define SCENARIO                                                                                   \
	"version: 1\nname: x\nhosts: {a: {}, b: {}}\n"                                             \
	"apps: {app: {host: a, run: x}}\n"                                                         \
	"expect: [{exits: {app: app, within: 9s}}]\n"                                              \
	"duration: 20s\n"                                                                          \
	"timeline:\n"                                                                              \
	"  - {at: 1s, %s, for: 4s}\n"                                                              \
	"  - {at: %s, %s, for: 4s}\n"

static struct plan *build(enum link_choice link, bool there, const char *first, const char *at,
			  const char *second)
{
	char *text = arena_printf(&arena, SCENARIO, first, at, second);
	const struct build_options options = {
		.seed = 1, .link = link, .has_netem = has_netem, .ctx = &there};
	struct scenario *s =
		parse_scenario("scenarios/x/y.yaml", text, strlen(text), &arena, &diags);

	vec_foreach (d, &diags.list)
		ck_abort_msg("%d:%d %s", d->pos.line, d->pos.column, d->message);
	return build_plan(s, NULL, &options, &arena, &diags);
}

#define CUT  "blackhole: {cable: a}"
#define LOSS "loss: {cable: a, rate: 5%}"

START_TEST(wire_asks_nobody)
{
	ck_assert_int_eq(build(LINK_CHOICE_WIRE, true, CUT, "9s", LOSS)->link, LINK_WIRE);
	ck_assert_int_eq(n_asked, 0);
}
END_TEST

START_TEST(auto_is_netem_where_the_kernel_has_it)
{
	ck_assert_int_eq(build(LINK_CHOICE_AUTO, true, CUT, "9s", LOSS)->link, LINK_NETEM);
	ck_assert_int_eq(build(LINK_CHOICE_AUTO, false, CUT, "9s", LOSS)->link, LINK_WIRE);
	ck_assert_int_eq(n_asked, 2);
}
END_TEST

static const struct {
	const char *first, *at, *second;
	int line; /* of the step that is named; 0: netem can do it */
	const char *part;
} needs[] = {
	{CUT, "9s", LOSS, 0, NULL},
	{CUT, "9s", "loss: {cable: a, nth: [1]}", 9,
	 "'loss' needs the link engine wire: netem draws"},
	{"mtu: {cable: a, size: 1000}", "9s", LOSS, 8, "'mtu' needs the link engine wire"},
	{"blackhole: {cable: a, match: {port: 1}}", "9s", LOSS, 8, "no 'match'"},
	{"partition: {sides: [a, b]}", "9s", LOSS, 8, "'partition'"},
	/* Together, on one cable, at one time, in one direction. */
	{"duplicate: {cable: a, rate: 5%}", "2s", LOSS, 9, "beside the 'duplicate' of line 8"},
	{"duplicate: {cable: a, rate: 5%}", "5s", LOSS, 0, NULL},
	{"duplicate: {cable: b, rate: 5%}", "2s", LOSS, 0, NULL},
	{"duplicate: {cable: a, rate: 5%, direction: to-host}", "2s",
	 "loss: {cable: a, rate: 5%, direction: from-host}", 0, NULL},
	{"rate: {cable: a, rate: 1mbit}", "2s", "delay: {cable: a, mean: 9ms, jitter: 1ms}", 9,
	 "'jitter'"},
	{"rate: {cable: a, rate: 1mbit}", "2s", "delay: {cable: a, mean: 9ms}", 0, NULL},
	/* Not on a cable at all. */
	{"remove-host: {host: a}", "2s", "fill-disk: {host: b}", 0, NULL},
	{"power-off: {host: a}", "9s", LOSS, 0, NULL},
};

START_TEST(what_needs_wire)
{
	bool can = needs[_i].line == 0;
	struct plan *plan =
		build(LINK_CHOICE_NETEM, true, needs[_i].first, needs[_i].at, needs[_i].second);

	ck_assert_int_eq(plan->link, LINK_NETEM);
	ck_assert_msg(diags.list.n == !can, "%zu errors", diags.list.n);
	if (!can) {
		ck_assert_int_eq(diags.list.v[0].pos.line, needs[_i].line);
		contains(diags.list.v[0].message, needs[_i].part);
		contains(diags.list.v[0].hint, "--link auto");
	}
	/* And auto takes wire for it, without a word. */
	diags.list.n = 0;
	plan = build(LINK_CHOICE_AUTO, true, needs[_i].first, needs[_i].at, needs[_i].second);
	ck_assert_int_eq(plan->link, can ? LINK_NETEM : LINK_WIRE);
	ck_assert_uint_eq(diags.list.n, 0);
}
END_TEST

/* --- the program --- */

START_TEST(an_error_before_anything_starts)
{
	struct cli c;

	cli_start(&c);
	cli_write_pair(&c, "a.yaml", "  - {at: 500ms, mtu: {cable: server, size: 1000}, for: 1s}",
		       "  - stays-connected: {app: client}");
	struct cli_result r = CLI(&c, "run", "--link", "netem", "a.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "a.yaml:");
	contains(r.err, "this 'mtu' needs the link engine wire");
	contains(r.err, "nothing was run");
	ck_assert_int_ne(access(arena_printf(&c.arena, "%s/results", c.dir), F_OK), 0);
	r = CLI(&c, "run", "--link", "wires", "a.yaml");
	ck_assert_int_eq(r.code, 2);
	contains(r.err, "--link: 'wires' is none of: auto wire netem");
	cli_finish(&c);
}
END_TEST

/* On a kernel without netem it is skipped with the mend; on one that has it, it runs. */
START_TEST(a_kernel_without_it)
{
	struct cli c;

	cli_start(&c);
	cli_write_pair(&c, "a.yaml", "  - {at: 500ms, blackhole: {cable: server}, for: 1s}",
		       "  - stays-connected: {app: client, during: [0s, 400ms]}");
	struct cli_result r = CLI(&c, "run", "--link", "netem", "--json", "out.json", "a.yaml");
	_cleanup_json_ json_t *run = cli_json(&c, "out.json");
	const json_t *s = json_array_get(json_object_get(run, "scenarios"), 0);
	ck_assert_str_eq(json_string_value(json_object_get(s, "link")), "netem");
	ck_assert_msg(r.code == 0 || r.code == 5, "exit code %d\n%s%s", r.code, r.out, r.err);
	if (r.code == 5)
		contains(r.out, "--link netem: this kernel has no netem or no bridge");
	cli_finish(&c);
}
END_TEST

/* A scenario that needs it runs where this kernel has it, on wire too, and says else why not. */
START_TEST(what_a_scenario_needs)
{
	struct cli c;
	bool here = run_has_netem();

	cli_start(&c);
	cli_write_pair(&c, "a.yaml", "  - {at: 500ms, blackhole: {cable: server}, for: 1s}",
		       "  - stays-connected: {app: client, during: [0s, 400ms]}\nneeds: [netem]");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == (here ? 0 : 5), "exit code %d\n%s%s", r.code, r.out, r.err);
	if (!here)
		contains(r.out, "needs netem: this kernel has no netem or no bridge (modprobe");
	cli_finish(&c);
}
END_TEST

int main(void)
{
	TCase *tests = tcase_create("link");

	tcase_add_checked_fixture(tests, set_up, tear_down);
	tcase_set_timeout(tests, 60);
	tcase_add_test(tests, wire_asks_nobody);
	tcase_add_test(tests, auto_is_netem_where_the_kernel_has_it);
	tcase_add_loop_test(tests, what_needs_wire, 0, (int)ARRAY_SIZE(needs));
	tcase_add_test(tests, an_error_before_anything_starts);
	tcase_add_test(tests, a_kernel_without_it);
	tcase_add_test(tests, what_a_scenario_needs);
	return run_tests("link", tests);
}
