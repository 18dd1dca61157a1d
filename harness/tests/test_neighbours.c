/* SPDX-License-Identifier: MIT */
/*
 * neighbours: learn, against the real kernel: ARP and ND go through the cables, and a cut eats them.
 * The witness is what connect() says to a program: without an answer to ARP or ND it fails with
 * EHOSTUNREACH after 3 s, and without neighbours to ask for it goes on for minutes.
 */
#include <check.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
#include "harness/run/sysctl.h"
#include "harness/tests/cli.h"
#include "harness/tests/suite.h"

static struct cli c;

static void setup(void)
{
	cli_start(&c);
}

static void teardown(void)
{
	cli_finish(&c);
}

/* One host connects before the cut; another, which never asked for the server before, after it. */
static void write_scenario(const char *neighbours, const char *address)
{
	cli_write(&c, arena_printf(&c.arena, "%s.yaml", neighbours),
		  arena_printf(&c.arena,
			       "version: 1\nname: x\nduration: 9s\nneighbours: %s\n"
			       "hosts: {server: {}, early: {}, late: {}}\napps:\n"
			       "  server: {host: server, run: tcp-listen 8000,"
			       " ready: {listening: 8000}}\n"
			       "  early: {host: early, run: \"tcp-close %s:8000\", start: manual}\n"
			       "  late: {host: late, run: \"tcp-wait %s:8000 EHOSTUNREACH\","
			       " start: manual}\n"
			       "timeline:\n  - {at: 0s, start: early}\n"
			       "  - {at: 2s, blackhole: {cable: server}}\n"
			       "  - {at: 2s, start: late}\n"
			       "expect:\n  - {id: early, exits: {app: early}}\n"
			       "  - {id: late, exits: {app: late}}\n",
			       neighbours, address, address));
}

/* The expectation's verdict in the scenario of that file. */
static const char *verdict_of(const json_t *run, const char *neighbours, size_t expectation)
{
	size_t i;
	json_t *scenario;

	json_array_foreach(json_object_get(run, "scenarios"), i, scenario)
	{
		const json_t *all = json_object_get(scenario, "expectations");

		if (strcmp(json_string_value(json_object_get(scenario, "slug")), neighbours) == 0)
			return json_string_value(
				json_object_get(json_array_get(all, expectation), "verdict"));
	}
	return "none";
}

static void run_and_compare(const char *address)
{
	write_scenario("learn", address);
	write_scenario("fixed", address);
	struct cli_result r = CLI(&c, "run", "learn.yaml", "fixed.yaml");
	ck_assert_msg(r.code == 1, "%d: %s%s", r.code, r.out, r.err);
	_cleanup_json_ json_t *run = cli_json(&c, "results/latest/run.json");
	ck_assert_msg(!strcmp(verdict_of(run, "learn", 0), "pass"), "%s", r.out);
	ck_assert_msg(!strcmp(verdict_of(run, "learn", 1), "pass"), "%s", r.out);
	ck_assert_msg(!strcmp(verdict_of(run, "fixed", 0), "pass"), "%s", r.out);
	ck_assert_msg(!strcmp(verdict_of(run, "fixed", 1), "fail"), "%s", r.out);
}

START_TEST(arp_is_learnt_and_cut)
{
	run_and_compare("10.0.0.1");
}
END_TEST

START_TEST(nd_is_learnt_and_cut)
{
	if (sysctl_have_ipv6())
		run_and_compare("[fd00::1]");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("neighbours");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120);
	tcase_add_test(t, arp_is_learnt_and_cut);
	tcase_add_test(t, nd_is_learnt_and_cut);
	return run_tests("neighbours", t);
}
