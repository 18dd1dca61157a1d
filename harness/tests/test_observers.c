/* SPDX-License-Identifier: MIT */
/*
 * The observers against the real kernel, each by an expectation that must hold and by one that must
 * not, in one short run.
 */
#include <check.h>
#include <stdbool.h>
#include <stdlib.h>

#include "harness/base/cleanup.h"
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

/* Runs it; the expectations of the one scenario, by their order. */
static json_t *run_all(const char *name, json_t **ret_run)
{
	struct cli_result r = CLI(&c, "run", name);

	ck_assert_msg(r.code == 0 || r.code == 1, "%d: %s%s", r.code, r.out, r.err);
	*ret_run = cli_json(&c, "results/latest/run.json");
	json_t *scenario = json_array_get(json_object_get(*ret_run, "scenarios"), 0);
	return json_object_get(scenario, "expectations");
}

/* By its label: "not-..." must have failed, "void-..." shown nothing, any other passed. */
static const char *verdict_for(const char *label)
{
	if (!strncmp(label, "not", strlen("not")))
		return "fail";
	return strncmp(label, "void", strlen("void")) != 0 ? "pass" : "void";
}

static void run_and_assert(const char *name)
{
	_cleanup_json_ json_t *run = NULL;
	json_t *all = run_all(name, &run), *e;
	size_t i;

	ck_assert_uint_gt(json_array_size(all), 1);
	json_array_foreach(all, i, e)
	{
		const char *label = json_string_value(json_object_get(e, "label"));
		const char *verdict = json_string_value(json_object_get(e, "verdict"));

		ck_assert_msg(!strcmp(verdict, verdict_for(label)),
			      "%s: %s: expected %s, observed %s", label, verdict,
			      json_string_value(json_object_get(e, "bound")),
			      json_string_value(json_object_get(e, "observed")));
	}
}

#define CUT     "  - {at: 300ms, id: cut, blackhole: {cable: server}, for: 2s}\n"
#define RESTART "  - {at: 300ms, id: again, restart: server}\n"

/* Silence makes the client send again; nothing is dropped by a listener. */
START_TEST(counters)
{
	cli_write_pair(&c, "a.yaml", CUT,
		       "  - counter: {host: client, name: TcpRetransSegs, at-least: 1, by: end}\n"
		       "    id: sent-again\n"
		       "  - counter: {host: client, name: TcpRetransSegs, at-most: 0, at: 100ms}\n"
		       "    id: before\n"
		       "  - counter: {host: client, name: TcpRetransSegs, at-most: 0, during: "
		       "[300ms, end]}\n"
		       "    id: not-sent-again\n"
		       "  - counter: {host: server, name: TcpExtListenDrops, at-most: 0, by: end}\n"
		       "    id: no-drops\n");
	run_and_assert("a.yaml");
}
END_TEST

START_TEST(a_counter_that_the_kernel_does_not_have)
{
	cli_write_pair(&c, "a.yaml", CUT,
		       "  - counter: {host: client, name: TcpExtNonsense, at-least: 1, by: end}\n");
	struct cli_result r = CLI(&c, "run", "a.yaml");
	ck_assert_msg(r.code == 3, "%d: %s%s", r.code, r.out, r.err);
	ck_assert_msg(strstr(r.out, "a.yaml:11: this kernel has no counter 'TcpExtNonsense'") !=
			      NULL,
		      "%s", r.out);
}
END_TEST

/*
 * A shell that has said that it is ready, and waits with three descriptors; and one that opens some when it is
 * started, which a child of it has too.
 */
START_TEST(descriptors)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: descriptors\nhosts: {h: {}}\napps:\n"
		  "  still: {host: h, shell: \"mkfifo f; exec 0<>f; echo up; read x\", "
		  "ready: {log: up}}\n"
		  "  many: {host: h, start: manual, shell: \"exec 3</dev/null 4<&3 5<&3 6<&3 7<&3 "
		  "8<&3 9<&3; sleep 100 & wait\"}\n"
		  "  daemon: {host: h, start: manual, exit: 0, shell: \"exec 3</dev/null 4<&3; "
		  "sleep 100 & exit 0\"}\n"
		  "timeline:\n  - {at: 100ms, start: [many, daemon]}\n"
		  "expect:\n"
		  "  - fds: {app: still, at-least: 3, at-most: 3, by: 0s}\n    id: three\n"
		  "  - fds: {app: still, at-most: 2, by: end}\n    id: not-two\n"
		  "  - fds: {app: many, at-least: 20, by: 1s}\n    id: both-processes\n"
		  "  - fds: {app: many, at-most: 19, at: 1500ms}\n    id: not-one-process\n"
		  "  - fds: {app: daemon, at-least: 5, by: 1s}\n    id: daemon\n"
		  "  - fds: {app: daemon, at-most: 4, at: 1500ms}\n    id: not-gone\n");
	run_and_assert("a.yaml");
}
END_TEST

START_TEST(lines)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: lines\nhosts: {h: {}}\napps:\n"
		  "  a: {host: h, shell: \"echo one; echo two; exec sleep 100\", "
		  "ready: {log: two}}\n"
		  "  b: {host: h, start: manual, shell: \"echo {\\\\\\\"x\\\\\\\": 1}; echo one; "
		  "exec "
		  "sleep 100\"}\n"
		  "timeline:\n  - {at: 100ms, id: go, start: b}\n"
		  "expect:\n"
		  "  - log: {app: b, match: \"^one$\", after: go, within: 10s}\n    id: one\n"
		  "  - log: {app: b, match: \"x\\\": 1\", after: go, within: 10s}\n    id: json\n"
		  "  - log: {app: a, match: one}\n    id: not-before-the-beginning\n"
		  "  - log: {app: b, match: \"one|x\", at-most: 1}\n    id: not-two\n"
		  "duration: 11s\n");
	run_and_assert("a.yaml");
}
END_TEST

/* While the cable is silent the retransmission timer runs, backs off, and is not keepalive's. */
START_TEST(timers)
{
	cli_write(
		&c, "a.yaml",
		"version: 1\nname: timers\nhosts: {server: {}, client: {}}\napps:\n"
		"  server: {host: server, run: \"ref-server --listen :8000\", ready: {listening: "
		"8000}}\n"
		"  client: {host: client, run: \"ref-client --target server:8000 --rate 20 "
		"--without heartbeat\", ready: {connected: \"server:8000\"}}\n"
		"timeline:\n" CUT "expect:\n"
		"  - timer: {host: client, app: client, kind: on, retries-at-least: 1, at-least: "
		"1, at: 2s}\n    id: sends-again\n"
		"  - timer: {host: client, kind: on, left-at-most: 10s, at-least: 1, at: 2s}\n"
		"    id: soon\n"
		"  - timer: {host: client, kind: persist, at-least: 1, at: 2s}\n"
		"    id: not-persist\n"
		"  - timer: {host: client, kind: on, retries-at-least: 100, at-least: 1, at: 2s}\n"
		"    id: not-so-often\n");
	run_and_assert("a.yaml");
}
END_TEST

START_TEST(a_restarted_server)
{
	cli_write_pair(&c, "a.yaml", RESTART,
		       "  - listens: {app: server, port: 8000, after: again, within: 5s}\n"
		       "    id: again-there\n"
		       "  - listens: {host: client, port: 8000, after: again, within: 1s}\n"
		       "    id: not-there\n"
		       "  - stays-connected: {app: client, during: [0s, 200ms]}\n"
		       "    id: connected-before\n"
		       "  - stays-connected: {app: client}\n"
		       "    id: not-connected\n"
		       "  - herd: {app: client, after: again, at-most: 50, drops-at-most: 0}\n"
		       "    id: no-herd\n"
		       "  - herd: {app: client, after: again, at-most: 0}\n"
		       "    id: not-one-attempt\n");
	run_and_assert("a.yaml");
}
END_TEST

/*
 * A refused socket is gone before anybody can see whose it is. Of two programs of one host that use one
 * service, and beside a program of an `exec` step, an attempt may be either's: no verdict is made of it.
 */
START_TEST(attempts_of_two_programs)
{
#define CLIENT "ref-client --target server:8000 --backoff 200ms/1/200ms/100%"
#define RUN    "run: \"" CLIENT "\", ready: {connected: \"server:8000\"}}\n"
#define WAITS  "peer: \"server:8000\", base: 200ms, factor: 1, cap: 200ms, jitter: 100%}\n"
	struct {
		const char *app, *step, *first, *second;
	} beside[] = {
		{"", "", "of-one", "of-another"},
		{"  b: {host: one, " RUN, "", "void-of-two", "of-another"},
		{"", "  - {at: 0s, exec: {host: two, run: \"" CLIENT "\"}}\n", "of-one",
		 "void-beside"},
	};
	_cleanup_free_ char *text = NULL;

	ck_assert(asprintf(&text, "%s%s%s%s%s%s%s%s%s",
			   "version: 1\nname: a\nhosts: {server: {}, one: {}, two: {}}\napps:\n"
			   "  server: {host: server, run: ref-server, ready: {listening: 8000}}\n"
			   "  a: {host: one, " RUN "  c: {host: two, " RUN,
			   beside[_i].app, "timeline:\n", beside[_i].step,
			   "  - {at: 300ms, stop: server}\nduration: 3s\nexpect:\n"
			   "  - backoff: {app: a, " WAITS "    id: ",
			   beside[_i].first, "\n  - backoff: {app: c, " WAITS "    id: ",
			   beside[_i].second, "\n") > 0);
	cli_write(&c, "a.yaml", text);
	run_and_assert("a.yaml");
}
END_TEST

/* Of three programs one fails; and of the reference client's requests none does. */
START_TEST(requests)
{
	cli_write(&c, "a.yaml",
		  "version: 1\nname: requests\nhosts: {server: {}, client: {}}\napps:\n"
		  "  server: {host: server, run: \"ref-server --listen :8000\", ready: {listening: "
		  "8000}}\n"
		  "  client: {host: client, run: \"ref-client --target server:8000 --rate 20 "
		  "--verbose\", ready: {connected: \"server:8000\"}}\n"
		  "  good: {host: client, run: \"true\", count: 2, start: manual}\n"
		  "timeline:\n  - {at: 100ms, start: good}\n"
		  "duration: 2s\n"
		  "expect:\n"
		  "  - requests: {app: client, success-at-least: 100%, at-least: 5}\n    id: all\n"
		  "  - requests: {app: client, p50: 1us}\n    id: not-so-fast\n"
		  "  - requests: {app: good, success-at-least: 100%, at-least: 2}\n    id: both\n"
		  "  - requests: {app: good, at-least: 3}\n    id: not-three\n");
	run_and_assert("a.yaml");
}
END_TEST

int main(void)
{
	TCase *t = tcase_create("observers");

	tcase_add_checked_fixture(t, setup, teardown);
	tcase_set_timeout(t, 120); /* a guard: each run takes a few seconds */
	tcase_add_test(t, counters);
	tcase_add_test(t, a_counter_that_the_kernel_does_not_have);
	tcase_add_test(t, descriptors);
	tcase_add_test(t, lines);
	tcase_add_test(t, timers);
	tcase_add_test(t, a_restarted_server);
	tcase_add_loop_test(t, attempts_of_two_programs, 0, 3);
	tcase_add_test(t, requests);
	return run_tests("observers", t);
}
