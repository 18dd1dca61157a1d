/* SPDX-License-Identifier: MIT */
/* What build makes of a scenario. Names that lead nowhere are in bad/, see test_parse.c. */
#include "harness/build/build.h"

#include <check.h>
#include <stdlib.h>

#include "faults/fault.h"
#include "harness/base/cleanup.h"
#include "harness/parse/parse.h"
#include "harness/tests/suite.h"

static struct arena arena;
static struct diags diags;
static struct scenario *scenario;

static void set_up(void)
{
	diags = (struct diags){.arena = &arena};
}

static void tear_down(void)
{
	arena_free(&arena);
}

static char *read_path(const char *path, struct arena *a, struct err *err)
{
	(void)err;
	return arena_printf(a, "contents of %s", path);
}

static const struct build_options options = {.seed = 42, .read_file = read_path};

static struct plan *build_file(const char *path, const char *text)
{
	scenario = parse_scenario(path, text, strlen(text), &arena, &diags);
	vec_foreach (d, &diags.list)
		ck_abort_msg("%d:%d %s", d->pos.line, d->pos.column, d->message);
	return build_plan(scenario, NULL, &options, &arena, &diags);
}

static struct plan *build(const char *text)
{
	struct plan *plan = build_file("scenarios/heartbeat/Cut Cable_2.yaml", text);

	vec_foreach (d, &diags.list)
		ck_abort_msg("%d:%d %s", d->pos.line, d->pos.column, d->message);
	return plan;
}

static void assert_indices(const struct index_list *list, const int64_t *expected, size_t n)
{
	ck_assert_uint_eq(list->n, n);
	for (size_t i = 0; i < n; i++)
		ck_assert_int_eq(list->v[i], expected[i]);
}

#define HEAD   "version: 1\nname: x\n"
#define EXPECT "expect: [{connects: {app: a}}]\n"

START_TEST(hosts_have_numbers_and_addresses)
{
	struct plan *plan = build(HEAD "hosts: {one: {}, many: {count: 300}, single: {count: 1}}\n"
				       "apps: {a: {host: one, run: x}}\n" EXPECT);

	ck_assert_uint_eq(plan->hosts.n, 302);
	ck_assert_str_eq(plan->hosts.v[0].name, "one");
	ck_assert_str_eq(plan->hosts.v[0].ip4, "10.0.0.1");
	ck_assert_str_eq(plan->hosts.v[0].ip6, "fd00::1");
	ck_assert_str_eq(plan->hosts.v[0].mac, "02:00:00:00:00:01");
	ck_assert_str_eq(plan->hosts.v[1].name, "many.1");
	ck_assert_str_eq(plan->hosts.v[1].group, "many");
	ck_assert_str_eq(plan->hosts.v[255].ip4, "10.0.1.0");
	ck_assert_str_eq(plan->hosts.v[255].mac, "02:00:00:00:01:00");
	ck_assert_str_eq(plan->hosts.v[256].name, "many.256");
	ck_assert_str_eq(plan->hosts.v[256].ip6, "fd00::101");
	ck_assert_str_eq(plan->hosts.v[301].name, "single.1");
}
END_TEST

START_TEST(apps_have_an_instance_on_each_host)
{
	struct plan *plan = build(
		HEAD
		"hosts: {s: {}, c: {count: 2}}\n"
		"apps: {a: {host: s, run: x}, two: {host: s, run: x, count: 2}, all: {host: c, "
		"run: x},\n"
		"       both: {host: c, run: x, count: 2}, last: {host: c.2, run: x}}\n"
		"expect: [{exits: {app: a}}]\n");
	static const struct {
		const char *name, *group;
		int64_t host;
	} expected[] = {
		{"a", "a", 0},         {"two.1", "two", 0},   {"two.2", "two", 0},
		{"all.1", "all", 1},   {"all.2", "all", 2},   {"both.1", "both", 1},
		{"both.2", "both", 1}, {"both.3", "both", 2}, {"both.4", "both", 2},
		{"last", "last", 2},
	};

	ck_assert_uint_eq(plan->apps.n, ARRAY_SIZE(expected));
	for (size_t i = 0; i < ARRAY_SIZE(expected); i++) {
		ck_assert_str_eq(plan->apps.v[i].name, expected[i].name);
		ck_assert_str_eq(plan->apps.v[i].group, expected[i].group);
		ck_assert_int_eq(plan->apps.v[i].host, expected[i].host);
	}
}
END_TEST

START_TEST(defaults_of_an_app)
{
	struct plan *plan = build(HEAD "hosts: {s: {}}\napps: {a: {host: s, run: x}}\n" EXPECT);
	const struct plan_app *a = &plan->apps.v[0];

	ck_assert_str_eq(a->stop_signal, "TERM");
	ck_assert_int_eq(a->stop_signo, 15);
	ck_assert_int_eq(a->stop_grace, 2 * NSEC_PER_SEC);
	ck_assert_int_eq(a->ready_within, 10 * NSEC_PER_SEC);
	ck_assert(!a->manual);
	ck_assert_int_eq(a->exit, COUNT_UNSET);
	ck_assert_int_eq(a->ready.listening, COUNT_UNSET);
	ck_assert_int_eq(a->ready.connected_host, COUNT_UNSET);
	ck_assert_int_eq(plan->clock, CLOCK_REAL);
	ck_assert_int_eq(plan->link, LINK_WIRE);
	ck_assert_int_eq(plan->neighbours, NEIGHBOURS_FIXED);
	ck_assert_int_eq(plan->gso, GSO_OFF);
	ck_assert_ptr_null(plan->claim.says);
	ck_assert_uint_eq(plan->seed, 42);
	ck_assert_ptr_null(plan->control);
}
END_TEST

START_TEST(what_an_app_says_goes_before_the_defaults)
{
	struct plan *plan = build(HEAD "clock: virtual\nhosts: {s: {count: 2}}\n"
				       "apps: {a: {host: s, run: x, stop: {signal: USR1, grace: "
				       "1ms}, ready-within: 1m, exit: 3,\n"
				       "           start: manual, ready: {connected: \"s:80\"}, "
				       "env: {A: 1}, cwd: /x}}\n"
				       "timeline: [{at: 1s, start: a}]\n" EXPECT);
	const struct plan_app *a = &plan->apps.v[1];

	ck_assert_str_eq(a->stop_signal, "USR1");
	ck_assert_int_eq(a->stop_signo, 10);
	ck_assert_int_eq(a->stop_grace, NSEC_PER_MSEC);
	ck_assert_int_eq(a->ready_within, 60 * NSEC_PER_SEC);
	ck_assert(a->manual);
	ck_assert_int_eq(a->exit, 3);
	ck_assert_int_eq(a->ready.connected_host, 0); /* the group's first */
	ck_assert_int_eq(a->ready.connected_port, 80);
	ck_assert_str_eq(a->env.v[0].value, "1");
	ck_assert_str_eq(a->cwd, "/x");
	ck_assert_int_eq(plan->clock, CLOCK_VIRTUAL);
}
END_TEST

START_TEST(a_claim_names_expectations)
{
	struct plan *plan = build(
		HEAD
		"neighbours: learn\ngso: on\nneeds: kernel < 6.5\n"
		"claim: {says: it ends, arithmetic: 1 + 2 = 3 s, shown-by: [late, connects]}\n"
		"hosts: {s: {}}\napps: {a: {host: s, run: x}}\n"
		"expect: [{connects: {app: a}}, {exits: {app: a}}, {id: late, exits: {app: a}}]\n");

	ck_assert_int_eq(plan->neighbours, NEIGHBOURS_LEARN);
	ck_assert_int_eq(plan->gso, GSO_ON);
	ck_assert_uint_eq(plan->needs.n, 1);
	ck_assert_str_eq(plan->needs.v[0], "kernel < 6.5");
	ck_assert_str_eq(plan->claim.says, "it ends");
	ck_assert_str_eq(plan->claim.arithmetic, "1 + 2 = 3 s");
	assert_indices(&plan->claim_expects, (int64_t[]){2, 0}, 2);
}
END_TEST

START_TEST(commands_become_words)
{
	struct plan *plan = build(HEAD "hosts: {s: {}}\n"
				       "apps: {a: {host: s, run: \"prog 'a b'\"}, b: {host: s, "
				       "run: ./bin/prog}, c: {host: s, run: /bin/prog},\n"
				       "       d: {host: s, shell: \"a | b\"}}\n"
				       "expect: [{exits: {app: a}}]\n");

	ck_assert_str_eq(plan->apps.v[0].argv.v[0], "prog");
	ck_assert_str_eq(plan->apps.v[0].argv.v[1], "a b");
	ck_assert_str_eq(plan->apps.v[1].argv.v[0], "scenarios/heartbeat/./bin/prog");
	ck_assert_str_eq(plan->apps.v[2].argv.v[0], "/bin/prog");
	ck_assert_uint_eq(plan->apps.v[3].argv.n, 3);
	ck_assert_str_eq(plan->apps.v[3].argv.v[0], "/bin/sh");
	ck_assert_str_eq(plan->apps.v[3].argv.v[2], "a | b");
}
END_TEST

START_TEST(files_go_to_each_host_of_a_group)
{
	struct plan *plan = build(HEAD "hosts: {s: {}, c: {count: 2}}\n"
				       "files: {/a: {host: c, text: t}, /b: {host: s, from: f/b}, "
				       "/c: {host: c.2, from: /abs}}\n"
				       "apps: {a: {host: s, run: x}}\n" EXPECT);

	ck_assert_uint_eq(plan->files.n, 4);
	ck_assert_int_eq(plan->files.v[0].host, 1);
	ck_assert_int_eq(plan->files.v[1].host, 2);
	ck_assert_str_eq(plan->files.v[1].text, "t");
	ck_assert_str_eq(plan->files.v[2].text, "contents of scenarios/heartbeat/f/b");
	ck_assert_str_eq(plan->files.v[3].text, "contents of /abs");
	ck_assert_int_eq(plan->files.v[3].host, 2);
}
END_TEST

#define TWO "hosts: {s: {}, c: {count: 2}}\napps: {a: {host: s, run: x}, b: {host: c, run: x}}\n"

static void assert_edges(const struct plan_step *step, const nsec_t (*edges)[2], size_t n)
{
	ck_assert_uint_eq(step->edges.n, n);
	for (size_t i = 0; i < n; i++) {
		nsec_t on = edges[i][0] * NSEC_PER_SEC;
		nsec_t off = edges[i][1] == NSEC_NEVER ? NSEC_NEVER : edges[i][1] * NSEC_PER_SEC;

		ck_assert_int_eq(step->edges.v[i].on, on);
		ck_assert_int_eq(step->edges.v[i].off, off);
	}
}

START_TEST(repetitions_are_unrolled)
{
	struct plan *plan = build(
		HEAD "duration: 20s\n" TWO "timeline:\n"
		     "- {at: 1s, blackhole: {cable: s}}\n"
		     "- {at: 1s, loss: {cable: s, rate: 1%}, for: 2s}\n"
		     "- {at: 2s, delay: {cable: s, mean: 1ms}, for: 2s, every: 5s, times: 3}\n"
		     "- {at: 3s, rst: {cable: s}, for: 4s, every: 4s}\n"
		     "- {at: 4s, kill: a, every: 8s}\n"
		     "- {at: 4s, start: a, every: 1s, times: 2}\n" EXPECT);

	assert_edges(&plan->steps.v[0], (nsec_t[][2]){{1, NSEC_NEVER}}, 1);
	assert_edges(&plan->steps.v[1], (nsec_t[][2]){{1, 3}}, 1);
	assert_edges(&plan->steps.v[2], (nsec_t[][2]){{2, 4}, {7, 9}, {12, 14}}, 3);
	assert_edges(&plan->steps.v[3], (nsec_t[][2]){{3, 7}, {7, 11}, {11, 15}, {15, 19}}, 4);
	assert_edges(&plan->steps.v[4], (nsec_t[][2]){{4, 4}, {12, 12}}, 2);
	assert_edges(&plan->steps.v[5], (nsec_t[][2]){{4, 4}, {5, 5}}, 2);
}
END_TEST

START_TEST(steps_are_resolved)
{
	struct plan *plan =
		build(HEAD TWO
		      "timeline:\n"
		      "- {at: 1s, blackhole: {cable: [c, s], match: {peer: [c.2, c.2]}}, id: cut}\n"
		      "- {at: 1s, kill: [b.2, b]}\n"
		      "- {at: 1s, exec: {host: c.1, run: ls}}\n"
		      "- {at: 1s, rst: {cable: s, to: peer}}\n"
		      "- {at: 2s, rst: {cable: s}}\n"
		      "- {at: 3s, loss: {cable: s, rate: 1%, direction: to-host}}\n" EXPECT);
	const struct plan_step *steps = plan->steps.v;

	assert_indices(&steps[0].cables, (int64_t[]){1, 2, 0}, 3);
	assert_indices(&steps[0].match_peers, (int64_t[]){2}, 1);
	ck_assert_str_eq(steps[0].id, "cut");
	ck_assert_str_eq(steps[0].kind, "blackhole");
	ck_assert_int_eq(steps[0].step, STEP_FAULT);
	ck_assert_int_eq(steps[0].exec_host, -1);
	ck_assert_int_eq(steps[0].fault.direction, DIRECTION_BOTH);
	assert_indices(&steps[1].apps, (int64_t[]){2, 1}, 2);
	ck_assert_str_eq(steps[1].id, "kill"); /* the only one of its kind */
	ck_assert_int_eq(steps[2].exec_host, 1);
	ck_assert_str_eq(steps[2].exec_argv.v[0], "ls");
	ck_assert_ptr_null(steps[3].id); /* one of two */
	ck_assert_int_eq(steps[3].fault.to, RST_TO_PEER);
	ck_assert_int_eq(steps[4].fault.to, RST_TO_BOTH);
	ck_assert_int_eq(steps[5].fault.direction, DIRECTION_TO_HOST);
	ck_assert_int_eq(steps[4].pos.line, 10);
	ck_assert_int_eq(steps[4].pos.column, 12);
}
END_TEST

START_TEST(a_partition_has_a_side_for_each_of_its_hosts)
{
	struct plan *plan = build(
		HEAD TWO
		"timeline:\n"
		"- {at: 1s, partition: {sides: [\"c.2  c.2\", \" s c.1\"]}, for: 1s}\n" EXPECT);
	const struct plan_step *step = &plan->steps.v[0];

	assert_indices(&step->cables, (int64_t[]){2, 0, 1}, 3);
	assert_indices(&step->sides, (int64_t[]){0, 1, 1}, 3);
	ck_assert_int_eq(plan_side_of(step, 1), 1);
	ck_assert_int_eq(plan_side_of(step, 3), SIDE_NONE);
	ck_assert_int_eq(step->fault.direction, DIRECTION_BOTH);
}
END_TEST

START_TEST(a_reset_is_over_at_once_unless_it_waits_for_data)
{
	struct plan *plan =
		build(HEAD TWO "timeline:\n"
			       "- {at: 1s, id: a, rst: {cable: s}}\n"
			       "- {at: 1s, id: b, rst: {cable: s, each: data}}\n" EXPECT);

	ck_assert_int_eq(plan->steps.v[0].edges.v[0].off, NSEC_PER_SEC);
	ck_assert_int_eq(plan->steps.v[1].edges.v[0].off, NSEC_NEVER);
}
END_TEST

START_TEST(expectations_are_resolved)
{
	struct plan *plan =
		build(HEAD "duration: 20s\n" TWO "timeline:\n"
			   "- {at: 1s, blackhole: {cable: c}, id: cut}\n"
			   "- {at: 1s, kill: a}\n"
			   "expect:\n"
			   "- detects: {app: b, fault: blackhole, within: 1s}\n"
			   "- reconnects: {app: b.2, after: kill, within: 1s, peer: \"c:80\"}\n"
			   "- sockets: {host: c, state: LISTEN, at-most: 1, by: 5s}\n"
			   "- sockets: {host: c.2, state: LISTEN, at-most: 1, by: end}\n"
			   "- sockets: {host: s, state: LISTEN, at-most: 1, by: end}\n"
			   "  id: named\n");
	const struct plan_expect *e = plan->expects.v;

	assert_indices(&e[0].apps, (int64_t[]){1, 2}, 2);
	ck_assert_int_eq(e[0].step, 0);
	ck_assert_str_eq(e[0].label, "detects");
	ck_assert_int_eq(e[0].peer_port, COUNT_UNSET);
	assert_indices(&e[1].apps, (int64_t[]){2}, 1);
	assert_indices(&e[1].peer_hosts, (int64_t[]){1, 2}, 2);
	ck_assert_int_eq(e[1].peer_port, 80);
	ck_assert_int_eq(e[1].step, 1);
	assert_indices(&e[2].hosts, (int64_t[]){1, 2}, 2);
	ck_assert_int_eq(e[2].spec.by_time, 5 * NSEC_PER_SEC);
	ck_assert_int_eq(e[2].step, -1);
	ck_assert_str_eq(e[2].label, "sockets.1");
	ck_assert_str_eq(e[3].label, "sockets.2");
	ck_assert_int_eq(e[3].spec.by_time, NSEC_NEVER);
	ck_assert_str_eq(e[4].label, "named");
}
END_TEST

START_TEST(times_have_defaults)
{
	struct plan *plan = build(
		HEAD "hosts: {s: {}}\napps: {a: {host: s, run: x, ready-within: 20s}}\ntimeline:\n"
		     "- {at: 30s, blackhole: {cable: s}, for: 10s}\n- {at: 35s, kill: a}\n"
		     "expect: [{exits: {app: a}}]\n");

	ck_assert_int_ge(plan->duration, 41 * NSEC_PER_SEC);
	ck_assert_int_eq(plan->timeout - plan->duration, 52 * NSEC_PER_SEC);
	/* They start one after the other, but for those of one group, and stop all at once. */
	plan = build(HEAD "duration: 7s\nhosts: {s: {count: 2}}\napps:\n"
			  "  a: {host: s, run: x, ready-within: 20s, stop: {grace: 60s}}\n"
			  "  b: {host: s.1, run: x, stop: {grace: 5s}}\n"
			  "  c: {host: s.1, run: x, start: manual}\n"
			  "expect: [{exits: {app: a}}]\n");
	ck_assert_int_eq(plan->timeout - plan->duration, (30 + 20 + 10 + 60) * NSEC_PER_SEC);
	plan = build(HEAD
		     "duration: 7s\ntimeout: 8s\nhosts: {s: {}}\napps: {a: {host: s, run: x}}\n"
		     "expect: [{exits: {app: a}}]\n");
	ck_assert_int_eq(plan->duration, 7 * NSEC_PER_SEC);
	ck_assert_int_eq(plan->timeout, 8 * NSEC_PER_SEC);
}
END_TEST

#define ONE HEAD "hosts: {s: {}}\napps: {a: {host: s, run: x}}\nexpect: [{exits: {app: a}}]\n"

START_TEST(slugs_name_folders)
{
	static const struct {
		const char *path, *text, *slug;
	} cases[] = {
		{"scenarios/heartbeat/cut-cable.yaml", ONE, "heartbeat-cut-cable"},
		{"/a/b/Cut  Cable__2.yml", ONE, "b-cut-cable-2"},
		{"cut.yaml", ONE, "cut"},
		{"./cut.yaml", ONE, "cut"},
		{"x/cut.yaml", ONE "practice: Back Off!\n", "back-off-cut"},
		{"x/.yaml", ONE, "x-yaml"},
		{"x/é.v2.yaml", ONE, "x-v2"},
	};

	for (size_t i = 0; i < ARRAY_SIZE(cases); i++)
		ck_assert_str_eq(build_file(cases[i].path, cases[i].text)->slug, cases[i].slug);
}
END_TEST

START_TEST(a_control_is_a_plan_of_its_own)
{
	const char *text =
		HEAD "duration: 9s\nhosts: {s: {}}\napps: {a: {host: s, run: x}}\n"
		     "expect: [{exits: {app: a}}, {connects: {app: a}, id: c}]\n"
		     "controls:\n  off: {replace: {apps.a.run: y, name: z}, fails: [c, exits]}\n";
	struct plan *healthy = build(text);
	struct plan *control =
		build_plan(scenario, &scenario->controls.v[0], &options, &arena, &diags);

	ck_assert_uint_eq(diags.list.n, 0);
	ck_assert_str_eq(healthy->apps.v[0].argv.v[0], "x");
	ck_assert_uint_eq(healthy->must_fail.n, 0);
	ck_assert_str_eq(control->apps.v[0].argv.v[0], "y");
	ck_assert_str_eq(control->name, "z");
	ck_assert_str_eq(control->control, "off");
	ck_assert_str_eq(control->slug, "heartbeat-cut-cable-2--off");
	assert_indices(&control->must_fail, (int64_t[]){1, 0}, 2);
}
END_TEST

START_TEST(an_id_goes_before_a_kind)
{
	struct plan *plan =
		build(HEAD "duration: 9s\n" TWO "timeline:\n"
			   "- {at: 1s, kill: a}\n- {at: 2s, start: a, id: kill}\n"
			   "expect: [{reconnects: {app: b, after: kill, within: 1s}}]\n");

	ck_assert_int_eq(plan->expects.v[0].step, 1);
	ck_assert_ptr_null(plan->steps.v[0].id); /* the name is taken */
}
END_TEST

START_TEST(a_peer_is_demanded_only_where_apps_share_a_host)
{
	const char *shared =
		HEAD "duration: 9s\nhosts: {s: {}, c: {count: 2}}\n"
		     "apps: {a: {host: c, run: x}, b: {host: c.2, run: x}, d: {host: s, run: x}}\n";

	build(arena_printf(&arena,
			   "%sexpect: [{connects: {app: d}}, {exits: {app: a}},"
			   " {connects: {app: a, peer: \"s:80\"}, id: c}]\n",
			   shared));
	build_file("x.yaml", arena_printf(&arena, "%sexpect: [{connects: {app: a.1}}]\n", shared));
	ck_assert_uint_eq(diags.list.n, 1);
	ck_assert_str_eq(diags.list.v[0].message,
			 "'a' shares its host with 'b': whose connection is it?");
}
END_TEST

/* Only what a test of its own looks for: the whole would be a copy of the program. */
START_TEST(a_plan_is_printed)
{
	struct plan *plan = build(
		HEAD "duration: 20s\n"
		     "hosts: {s: {nofile: 99}, c: {count: 2}}\n"
		     "apps: {a: {host: s, run: \"x 'a b' \\\"it's\\\"\", ready: {listening: 80}},\n"
		     "       b: {host: c, run: x, start: manual}}\n"
		     "timeline:\n"
		     "- {at: 9s, start: b}\n"
		     "- {at: 1s, loss: {cable: c.1, rate: 1.5%, match: {kind: [syn, fin]}}, for: "
		     "250ms, id: l}\n"
		     "expect: [{connects: {app: b, within: 4s}}]\n"
		     "controls: {off: {replace: {apps.a.run: y}, fails: connects}}\n");
	static const char *const parts[] = {
		"heartbeat-cut-cable-2\n  x\n",
		"clock real, link wire, seed 42, duration 20s, timeout 62s\n",
		"10.0.0.1     fd00::1      02:00:00:00:00:01  nofile=99\n",
		"on s: x 'a b' 'it'\\''s'\n",
		"ready when it listens on 80, within 10s; stopped by TERM, after 2s by KILL\n",
		"on c.2, started by hand: x\n",
		("           1s  loss c.1, both, rate 1.5%, only kind syn fin, until 1.25s  (l)\n"
		 "        1.25s  loss ends  (l)\n"
		 "           9s  start b.1 b.2\n"),
		"\nexpect\n  connects: app b, within 4s\n",
	};
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	plan_print(f, plan);
	fflush(f);
	for (size_t i = 0; i < ARRAY_SIZE(parts); i++)
		ck_assert_msg(strstr(out, parts[i]) != NULL, "no '%s' in\n%s", parts[i], out);
	ck_assert_ptr_null(strstr(out, "must fail"));
	plan_print(f, build_plan(scenario, &scenario->controls.v[0], &options, &arena, &diags));
	fclose(f);
	ck_assert_ptr_nonnull(strstr(out, "must fail, or the control survives\n  connects\n"));
	free(out);
}
END_TEST

START_TEST(a_printed_plan_says_what_it_is_for)
{
	struct plan *plan = build(HEAD "neighbours: learn\ngso: on\nneeds: kernel < 6.5\n"
				       "claim: {says: it ends, arithmetic: 1 + 2 = 3 s, "
				       "shown-by: connects}\n"
				       "hosts: {s: {}}\napps: {a: {host: s, run: x}}\n" EXPECT);
	char *out = NULL;
	size_t len = 0;
	FILE *f = open_memstream(&out, &len);

	plan_print(f, plan);
	fclose(f);
	ck_assert_ptr_nonnull(strstr(out, ", neighbours learnt, gso on\n  needs kernel < 6.5\n"
					  "  claims it ends: 1 + 2 = 3 s\n"));
	free(out);
}
END_TEST

/* What could be read is built, for the names in it: without harm. */
START_TEST(a_broken_scenario_is_survived)
{
	static const char *const texts[] = {
		"",
		"[",
		"x",
		"version: 1\n",
		HEAD "hosts: {s: x}\napps: {a: , b: {host: s}}\n",
		HEAD TWO "timeline: [{at: 1s}, {blackhole: x}, {exec: {}}, {at: x, kill: }]\n"
			 "expect: [{}, {detects: {}}, {sockets: x}]\ncontrols: {x: {fails: y}}\n",
	};

	for (size_t i = 0; i < ARRAY_SIZE(texts); i++) {
		struct scenario *s =
			parse_scenario("x", texts[i], strlen(texts[i]), &arena, &diags);

		ck_assert_uint_gt(diags.list.n, 0);
		if (!s)
			continue;
		build_plan(s, NULL, &options, &arena, &diags);
		vec_foreach (control, &s->controls)
			build_plan(s, control, &options, &arena, &diags);
	}
}
END_TEST

int main(void)
{
	TCase *c = tcase_create("build");

	tcase_add_checked_fixture(c, set_up, tear_down);
	tcase_add_test(c, hosts_have_numbers_and_addresses);
	tcase_add_test(c, apps_have_an_instance_on_each_host);
	tcase_add_test(c, defaults_of_an_app);
	tcase_add_test(c, what_an_app_says_goes_before_the_defaults);
	tcase_add_test(c, a_claim_names_expectations);
	tcase_add_test(c, a_printed_plan_says_what_it_is_for);
	tcase_add_test(c, commands_become_words);
	tcase_add_test(c, files_go_to_each_host_of_a_group);
	tcase_add_test(c, repetitions_are_unrolled);
	tcase_add_test(c, steps_are_resolved);
	tcase_add_test(c, a_partition_has_a_side_for_each_of_its_hosts);
	tcase_add_test(c, a_reset_is_over_at_once_unless_it_waits_for_data);
	tcase_add_test(c, expectations_are_resolved);
	tcase_add_test(c, times_have_defaults);
	tcase_add_test(c, slugs_name_folders);
	tcase_add_test(c, a_control_is_a_plan_of_its_own);
	tcase_add_test(c, an_id_goes_before_a_kind);
	tcase_add_test(c, a_peer_is_demanded_only_where_apps_share_a_host);
	tcase_add_test(c, a_plan_is_printed);
	tcase_add_test(c, a_broken_scenario_is_survived);
	return run_tests("build", c);
}
